# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tags of our own resources are made in one place."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.seam.eks_auto.plugins.filter import api_tags, tagged_contract
from ansible_collections.seam.eks_auto.plugins.filter.contract_tags import FilterModule, contract_tags
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.contract import Contract

CONTRACT = {"cluster": "shop", "namespace": "store", "service": "vpclink"}


def test_a_contracts_tags_name_it_and_it_is_found_again_by_them() -> None:
    tags = FilterModule().filters()["contract_tags"](CONTRACT)
    assert tags == {"seam.eks_auto/contract": "shop/store/vpclink"}
    assert Contract.of_tags(tags) == Contract("shop", "store", "vpclink")
    assert tagged_contract.FilterModule().filters()["tagged_contract"](tags) == CONTRACT


def test_an_apis_tags_name_it() -> None:
    assert api_tags.FilterModule().filters()["api_tags"]("shop") == {"seam.eks_auto/api": "shop"}


def test_what_is_no_contract_gets_no_tags() -> None:
    with pytest.raises(AnsibleFilterError, match="contract_tags: service: 'VPC' is no name for a Service"):
        contract_tags({**CONTRACT, "service": "VPC"})


@pytest.mark.parametrize("tags", [{}, {"seam.eks_auto/contract": "shop"}])
def test_other_tags_name_no_contract(tags: dict[str, str]) -> None:
    assert Contract.of_tags(tags) is None
    assert tagged_contract.tagged_contract(tags) is None
