# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Auto Mode's load balancer controller: a network load balancer for each Service of its class.

It is closed, but derived from the AWS Load Balancer Controller: AWS's documentation calls its log by that name. The
order of steps, the names and the texts here are from that public code
(https://github.com/kubernetes-sigs/aws-load-balancer-controller). Where AWS documents that Auto Mode differs, Auto Mode
counts (https://docs.aws.amazon.com/eks/latest/userguide/auto-configure-nlb.html).
"""
