# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Auto Mode's load balancer controller: a network load balancer for each Service of its class.

It is closed, but derived from the AWS Load Balancer Controller (AWS's documentation names that as the source of its
log), whose public code (https://github.com/kubernetes-sigs/aws-load-balancer-controller) gives the order of steps, the
names and the texts here. Where AWS documents Auto Mode to differ, Auto Mode counts
(https://docs.aws.amazon.com/eks/latest/userguide/auto-configure-nlb.html).
"""
