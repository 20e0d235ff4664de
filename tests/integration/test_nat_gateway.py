# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The subnets' NAT gateway and its address: somebody else's stay as they are, and of our own there is one of each, or none.

The tests of this module build on each other: they are one life of one gateway, beside a foreign one in the same subnet.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from lab import faults
from lab.faults import Fault
from tests.running_lab import eventually

from .conftest import Lab, Run
from .crash import run_until_hit

PRESENT = "molecule/vpc_tagging/converge.yml"
ABSENT = "molecule/vpc_tagging/side_effect.yml"
CLUSTER = "molecule-subnets"
OWNER = "seam.eks_auto/private-subnets-of"


class Account:
    """NAT gateways and addresses of a lab, by hand."""

    def __init__(self, lab: Lab) -> None:
        self.ec2 = lab.client("ec2")
        subnets = self.ec2.describe_subnets()["Subnets"]
        #: Where the role puts its gateway: the first of those that converge.yml leaves public.
        self.subnet = min(each["SubnetId"] for each in subnets if each["AvailabilityZone"][-1] not in "ab")

    def allocate(self, **tags: str) -> str:
        return str(self.ec2.allocate_address(Domain="vpc", **specified("elastic-ip", tags))["AllocationId"])

    def make_gateway(self, address: str, **tags: str) -> str:
        specification = specified("natgateway", tags)
        made = self.ec2.create_nat_gateway(SubnetId=self.subnet, AllocationId=address, **specification)
        return str(made["NatGateway"]["NatGatewayId"])

    def created(self, gateway: str) -> datetime:
        """When a gateway was made, to the second."""
        (found,) = self.ec2.describe_nat_gateways(NatGatewayIds=[gateway])["NatGateways"]
        made: datetime = found["CreateTime"]
        return made.replace(microsecond=0)

    def gateways(self, owner: str = CLUSTER) -> dict[str, str]:
        """Those of an owner that live: ID and the address of each."""
        filters = [{"Name": f"tag:{OWNER}", "Values": [owner]}, {"Name": "state", "Values": ["available"]}]
        found = self.ec2.describe_nat_gateways(Filter=filters)["NatGateways"]
        return {each["NatGatewayId"]: each["NatGatewayAddresses"][0]["AllocationId"] for each in found}

    def addresses(self) -> list[str]:
        return sorted(each["AllocationId"] for each in self.ec2.describe_addresses()["Addresses"])

    def gateway_of_private_subnets(self) -> str:
        """The gateway to which the private subnets' route table leads."""
        (table,) = self.ec2.describe_route_tables(Filters=[{"Name": f"tag:{OWNER}", "Values": [CLUSTER]}])[
            "RouteTables"
        ]
        (route,) = (each for each in table["Routes"] if each["DestinationCidrBlock"] == "0.0.0.0/0")
        return str(route["NatGatewayId"])


def specified(kind: str, tags: dict[str, str]) -> dict[str, Any]:
    given = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": given}]} if given else {}


@pytest.fixture(scope="module")
def account(lab: Lab) -> Account:
    return Account(lab)


@pytest.fixture(scope="module")
def foreign(account: Account) -> str:
    """The address of somebody else's gateway."""
    address = account.allocate()
    account.make_gateway(address, Name="theirs", **{OWNER: "another"})
    return address


def play(lab: Lab, playbook: str, *arguments: str) -> Run:
    run = lab.playbook(playbook, *arguments)
    assert run.returncode == 0, run.output
    return run


def kill_after(lab: Lab, playbook: str, operation: str, identity: str = "infra") -> None:
    """Kill a run when the call has taken effect and before its answer comes."""
    faults.add(lab.folder, Fault("hang", "ec2", operation, after=True, count=1))
    try:
        hit = run_until_hit(lab, playbook, {"lab_identity": identity})
        assert hit and hit["operation"] == operation
    finally:
        faults.clear(lab.folder)


@contextlib.contextmanager
def run_that_waits_before(lab: Lab, operation: str, cluster: str = CLUSTER) -> Iterator[Future[Run]]:
    """A run that stops before this call and makes it afterwards. Another can run meanwhile."""
    hits = len(faults.injected(lab.folder))
    faults.add(lab.folder, Fault("hang", "ec2", operation, count=1))
    with ThreadPoolExecutor() as pool:
        run = pool.submit(lab.playbook, PRESENT, "--extra-vars", f"vpc_tagging_cluster_name={cluster}")
        try:
            while len(faults.injected(lab.folder)) == hits:
                assert not run.done(), run.result().output
                time.sleep(0.02)
            yield run
        finally:
            faults.clear(lab.folder)


def test_a_run_that_dies_with_an_address_in_its_hand_leaves_it_tagged(lab: Lab, account: Account, foreign: str) -> None:
    # Runs with IAM permissions to take somebody else's gateway.
    kill_after(lab, PRESENT, "AllocateAddress", "admin")
    assert account.gateways() == {}
    filters = [{"Name": f"tag:{OWNER}", "Values": [CLUSTER]}]
    (left,) = account.ec2.describe_addresses(Filters=filters)["Addresses"]
    assert account.addresses() == sorted([foreign, left["AllocationId"]])


def test_two_runs_that_take_it_have_one_gateway(lab: Lab, account: Account, foreign: str) -> None:
    (left,) = set(account.addresses()) - {foreign}
    with run_that_waits_before(lab, "CreateNatGateway") as run:
        gateway = account.make_gateway(left, **{OWNER: CLUSTER})
    assert run.result().returncode == 0, run.result().output
    assert account.gateways() == {gateway: left}
    assert account.addresses() == sorted([foreign, left])
    assert account.gateway_of_private_subnets() == gateway


def test_of_two_runs_with_an_address_each_the_second_takes_its_own_back(lab: Lab, account: Account) -> None:
    before = account.addresses()
    with run_that_waits_before(lab, "AllocateAddress", "twice") as run:
        address = account.allocate(**{OWNER: "twice"})
        gateway = account.make_gateway(address, **{OWNER: "twice"})
        # AWS gives whole seconds, and of two gateways of one second nobody can say which was first.
        made = account.created(gateway)
        eventually(lambda: datetime.now(UTC).replace(microsecond=0) > made)
    assert run.result().returncode == 0, run.result().output
    assert account.gateways("twice") == {gateway: address}, run.result().output
    assert "ec2:DeleteNatGateway" in lab.mutating_calls()
    assert account.addresses() == sorted([*before, address])


def test_a_failed_gateway_is_reported_with_aws_reason(lab: Lab, account: Account) -> None:
    before = set(account.addresses())
    with run_that_waits_before(lab, "CreateNatGateway", "unlucky") as run:
        (address,) = set(account.addresses()) - before
        account.make_gateway(address)
    assert run.result().returncode != 0
    words = " ".join(run.result().output.split())
    assert f"failed: Elastic IP address {address} is already associated." in words, words


def test_what_others_left_goes_and_then_nothing_changes(lab: Lab, account: Account) -> None:
    """A second gateway of ours, and an address without one."""
    gateways, addresses = account.gateways(), account.addresses()
    account.make_gateway(account.allocate(**{OWNER: CLUSTER}), **{OWNER: CLUSTER})
    account.allocate(**{OWNER: CLUSTER})
    predicted = play(lab, PRESENT, "--check")
    done = play(lab, PRESENT)
    assert predicted.changed_tasks == done.changed_tasks != []
    assert (account.gateways(), account.addresses()) == (gateways, addresses)
    assert account.gateway_of_private_subnets() in gateways
    assert play(lab, PRESENT).changed == 0


def test_a_teardown_that_dies_is_finished_by_the_next(lab: Lab, account: Account) -> None:
    """Also beside a gateway made by version 1.0.0, which did not tag the address."""
    ours = set(account.gateways().values())
    legacy = account.allocate()
    account.make_gateway(legacy, **{OWNER: CLUSTER})
    kill_after(lab, ABSENT, "DeleteNatGateway")
    assert set(account.gateways().values()) == {legacy}
    rest = set(account.addresses()) - {legacy} - ours
    play(lab, ABSENT)
    assert account.gateways() == {}
    assert set(account.addresses()) == rest


def test_all_the_while_the_foreign_gateway_was_left_alone(account: Account, foreign: str) -> None:
    ((gateway_id, address),) = account.gateways("another").items()
    assert address == foreign
    (gateway,) = account.ec2.describe_nat_gateways(NatGatewayIds=[gateway_id])["NatGateways"]
    assert {tag["Key"]: tag["Value"] for tag in gateway["Tags"]} == {"Name": "theirs", OWNER: "another"}
