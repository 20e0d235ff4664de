# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""With three calls in ten spoilt, an empty account becomes a served API in one run, as it does without."""

from __future__ import annotations

import pytest

from tests.integration import account
from tests.integration.conftest import Lab
from tests.integration.test_bad_network import bad_network, report, run_site


@pytest.mark.parametrize("version", ["1", "2"])
def test_an_empty_account_becomes_a_served_api(tmp_path_factory: pytest.TempPathFactory, version: str) -> None:
    variables = {"apigw_vpclink_version": version}
    with Lab.running(tmp_path_factory.mktemp("quiet")) as lab:
        undisturbed, wanted = run_site(lab, **variables), account.state(lab)
    with Lab.running(tmp_path_factory.mktemp("spoilt")) as lab:
        with bad_network(lab) as hits:
            disturbed = run_site(lab, **variables)
        assert account.differences(account.state(lab), wanted) == {}
    report(f"an empty account, links V{version}", hits, disturbed, undisturbed)
