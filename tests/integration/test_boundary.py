# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The boundary between the teams: each does its whole job with its own identity, and nothing of the other's.

The tests of this module build on each other: they are one life of one account, from bootstrap to teardown. ``make
trespass`` runs them and shows what they found. The life runs at the highest verbosity, and shows no secret.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from .conftest import CHECKOUT, Lab
from .disclosure import Disclosure
from .test_orphans import Leftovers

BOOTSTRAP = "playbooks/bootstrap/teams.yml"
FOUNDATION = "playbooks/infra/foundation.yml"
WORKLOAD = "playbooks/k8s/workload.yml"
API = "playbooks/infra/api.yml"
NEXT_SERVICE = "playbooks/k8s/next_service.yml"
REMOVE_LINK = "playbooks/infra/remove_link.yml"
REMOVE_SERVICE = "playbooks/k8s/remove_service.yml"
ORPHANS = "playbooks/orphans.yml"
REMOVE_FOUNDATION = "playbooks/infra/remove_foundation.yml"
TEARDOWN = "playbooks/teardown.yml"

TEAM_OF = {
    FOUNDATION: "infra",
    WORKLOAD: "k8s",
    API: "infra",
    REMOVE_LINK: "infra",
    REMOVE_SERVICE: "k8s",
    REMOVE_FOUNDATION: "infra",
}
TRESPASSES = [(playbook, "k8s" if team == "infra" else "infra") for playbook, team in TEAM_OF.items()]
#: The others do everything that these two do.
PARTS = (REMOVE_LINK, REMOVE_SERVICE)

DISCLOSURE = Disclosure()

#: Where in the lab's log of calls the trespasses begin and end: denials there are expected.
TRESPASS: list[int] = []


class Grant(NamedTuple):
    """One action that a policy allows, on the resources of its statement."""

    policy: str
    statement: str
    action: str
    resources: tuple[str, ...]

    def covers(self, action: str, resource: str) -> bool:
        return action.lower() == self.action.lower() and any(
            fnmatch.fnmatchcase(resource, each) for each in self.resources
        )


def run(lab: Lab, playbook: str, *arguments: str, **variables: Any) -> str:
    """Run a playbook that must succeed; returns its output."""
    finished = DISCLOSURE.playbook(lab, playbook, *arguments, "--extra-vars", json.dumps(variables))
    assert finished.returncode == 0, finished.output
    return finished.output


def calls(lab: Lab) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (lab.folder / "calls.jsonl").read_text().splitlines()]


def permissions(found: list[dict[str, Any]], team: str) -> set[tuple[str, str, bool]]:
    """The permissions for a team's calls: action, resource, and whether it was allowed."""
    return {
        (each["action"], each["resource"], each["allowed"])
        for call in found
        if f":assumed-role/seam-{team}/" in call["caller"]
        for each in call["permissions"]
    }


def as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def grants(lab: Lab, team: str) -> Iterator[Grant]:
    """Everything that the policies on a team's role allow."""
    iam = lab.client("iam")
    for attached in iam.list_attached_role_policies(RoleName=f"seam-{team}")["AttachedPolicies"]:
        policy = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]
        version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
        for statement in version["PolicyVersion"]["Document"]["Statement"]:
            if statement["Effect"] == "Allow":
                for action in as_list(statement["Action"]):
                    yield Grant(policy["PolicyName"], statement["Sid"], action, tuple(as_list(statement["Resource"])))


def test_the_lab_begins_as_the_bootstrap_leaves_it(lab: Lab) -> None:
    assert lab.playbook(BOOTSTRAP).changed == 0


def test_the_bootstrap_can_be_taken_back_and_made_again(lab: Lab) -> None:
    """Under other names, so that this module's teams stay."""
    names = {"infra": "other-infra", "k8s": "other-k8s"}
    boundary = f"arn:aws:iam::{lab.facts['account']}:policy/seam-infra-api"
    variables = {
        "team_identities_names": names,
        "team_identities_path": "/teams/",
        "team_identities_permissions_boundary": boundary,
    }
    run(lab, BOOTSTRAP, **variables)
    role = lab.client("iam").get_role(RoleName="other-infra")["Role"]
    assert (role["Path"], role["PermissionsBoundary"]["PermissionsBoundaryArn"]) == ("/teams/", boundary)
    run(lab, BOOTSTRAP, **variables, team_identities_state="absent")
    iam = lab.client("iam")
    left = [each["RoleName"] for each in iam.list_roles()["Roles"]]
    left += [each["PolicyName"] for each in iam.list_policies(Scope="Local")["Policies"]]
    assert not [name for name in left if name.startswith("other-")]


def test_the_bootstrap_takes_the_example_inventory(lab: Lab) -> None:
    """The first command of a new user: no variable is set that the example leaves out."""
    admin = {key: value for key, value in lab.facts["credentials"]["admin"].items() if key != "arn"}
    variables: dict[str, Any] = {
        "aws_auth": {"region": lab.facts["region"], "endpoint_url": lab.facts["aws_endpoint_url"], **admin},
        "team_identities_names": {"infra": "other-infra", "k8s": "other-k8s"},
    }
    for state in ("present", "absent"):
        variables["team_identities_state"] = state
        finished = lab.playbook(
            BOOTSTRAP, "--extra-vars", json.dumps(variables), inventory=CHECKOUT / "inventories/example"
        )
        assert finished.returncode == 0, finished.output
        assert finished.changed > 0


def test_each_team_does_its_job_with_its_own_identity(lab: Lab, tmp_path: Path) -> None:
    run(lab, "site.yml", "--check")
    run(lab, "site.yml", eks_auto_cluster_version="1.35")
    change_by_hand(lab)
    definition = json.loads((CHECKOUT / "roles/apigw_vpclink/files/petstore-apigateway-export.json").read_text())
    definition["info"]["description"] = "Another one"
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}
    definition["x-amazon-apigateway-policy"] = {"Version": "2012-10-17", "Statement": [everybody]}
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(definition))
    k8s, support = f"arn:aws:iam::{lab.facts['account']}:role/seam-k8s", make_role(lab, "team-support")
    all_of_it = [{"policy": "AmazonEKSClusterAdminPolicy"}]
    some_of_it = [{"policy": "AmazonEKSEditPolicy", "scope": "namespace", "namespaces": ["petstore", "other"]}]
    variables = {
        "vpc_tagging_nat_gateway": True,
        "eks_auto_cluster_access_entries": [
            {"principal_arn": k8s, "policies": all_of_it},
            {"principal_arn": support, "policies": [{"policy": "AmazonEKSViewPolicy"}]},
        ],
        "eks_auto_cluster_version": "1.36",
        "eks_auto_cluster_logging": ["api"],
        "eks_auto_cluster_upgrade_policy": "STANDARD",
        "eks_auto_cluster_deletion_protection": True,
        "eks_auto_cluster_tags": {"owner": "infra"},
        "apigw_vpclink_definition_file": str(changed),
        "apigw_vpclink_throttle": {"rate_limit": 10, "burst_limit": 20},
        "apigw_vpclink_tags": {"owner": "infra"},
        "apigw_vpclink_version": "2",
    }
    run(lab, "site.yml", **variables)
    late = lab.playbook(
        WORKLOAD,
        "--extra-vars",
        json.dumps({"petstore_workload_image": "example.com/missing:1", "petstore_workload_wait_timeout": 3}),
    )
    assert late.returncode != 0
    fewer = {
        "eks_auto_cluster_access_entries": [{"principal_arn": k8s, "policies": some_of_it, "kubernetes_groups": ["a"]}],
        "apigw_vpclink_tags": {"owner": "others"},
    }
    links = lab.client("apigatewayv2")
    (link,) = links.get_vpc_links()["Items"]
    links.update_vpc_link(VpcLinkId=link["VpcLinkId"], Name="changed by hand")
    lab.client("ec2").replace_route(DestinationCidrBlock="0.0.0.0/0", **private_route(lab))
    run(lab, FOUNDATION, **{**variables, **fewer})
    lab.client("iam").delete_role(RoleName="team-support")
    make_role(lab, "team-support")
    run(lab, FOUNDATION, **{**variables, "eks_auto_cluster_deletion_protection": False})


def test_infra_deletes_what_is_left_of_a_cluster(lab: Lab) -> None:
    run(lab, ORPHANS, orphans_delete=Leftovers(lab, "gone", "shop/web").ids)


def change_by_hand(lab: Lab) -> None:
    """Give the next run something to mend and to read, so that it needs those permissions."""
    insight = {"id": "1", "name": "Add-ons", "category": "UPGRADE_READINESS", "insightStatus": {"status": "WARNING"}}
    (lab.folder / "insights.json").write_text(json.dumps([insight]))
    iam, ec2 = lab.client("iam"), lab.client("ec2")
    # Without sts:TagSession, which Auto Mode needs.
    iam.update_assume_role_policy(RoleName="petstore-cluster", PolicyDocument=trust({"Service": "eks.amazonaws.com"}))
    iam.update_role(RoleName="petstore-node", Description="changed by hand")
    ec2.create_route(DestinationCidrBlock="198.51.100.0/24", **private_route(lab))


def private_route(lab: Lab) -> dict[str, str]:
    """From the private subnets to the internet gateway."""
    ec2 = lab.client("ec2")
    (table,) = ec2.describe_route_tables(
        Filters=[{"Name": "tag:seam.eks_auto/private-subnets-of", "Values": ["petstore"]}]
    )["RouteTables"]
    (gateway,) = ec2.describe_internet_gateways()["InternetGateways"]
    return {"RouteTableId": table["RouteTableId"], "GatewayId": gateway["InternetGatewayId"]}


def trust(principal: dict[str, str]) -> str:
    """A trust policy that lets this principal become the role."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def make_role(lab: Lab, name: str) -> str:
    document = trust({"AWS": f"arn:aws:iam::{lab.facts['account']}:root"})
    role = lab.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]
    return str(role["Arn"])


@pytest.mark.parametrize(("playbook", "identity"), TRESPASSES)
def test_the_first_task_refuses_the_other_team(lab: Lab, playbook: str, identity: str) -> None:
    TRESPASS.append(len(calls(lab)))
    refused = lab.playbook(playbook, "--extra-vars", json.dumps({"lab_identity": identity}))
    assert refused.returncode != 0
    output = " ".join(refused.output.split())
    team = TEAM_OF[playbook]
    account = lab.facts["account"]
    assert f"These credentials are arn:aws:sts::{account}:assumed-role/seam-{identity}/lab" in output
    assert f"expected is arn:aws:iam::{account}:role/seam-{team}. Give the hosts of the group {team}" in output
    assert refused.output.count("TASK [") == 1
    assert [call["operation"] for call in calls(lab)[TRESPASS[-1] :] if "assumed-role/seam-" in call["caller"]] == [
        "GetCallerIdentity"
    ]
    print(f"figures: {playbook:36} as {identity:6} refused by its first task")


@pytest.mark.parametrize(("playbook", "identity"), [each for each in TRESPASSES if each[0] not in PARTS])
def test_who_gets_past_the_first_task_is_refused_by_aws_or_kubernetes(lab: Lab, playbook: str, identity: str) -> None:
    """Pretend to be the other team by setting its name."""
    before = len(calls(lab))
    role = f"arn:aws:iam::{lab.facts['account']}:role/seam-{identity}"
    variables = {
        "lab_identity": identity,
        "seam_identities": {"infra": role, "k8s": role},
        # Something to change, and nothing that the role itself refuses.
        "apigw_vpclink_tags": {"owner": "k8s"},
        "eks_auto_cluster_allow_load_balancers": True,
    }
    refused = lab.playbook(playbook, "--extra-vars", json.dumps(variables))
    assert refused.returncode != 0
    since = calls(lab)[before:]
    assert not [
        call for call in since if call["mutating"] and call["status"] < 400 and "assumed-role/seam-" in call["caller"]
    ]
    denied = [(action, resource) for action, resource, allowed in permissions(since, identity) if not allowed]
    if playbook == WORKLOAD:
        # Infra may ask EKS where the cluster is; in it nobody knows infra.
        assert denied == []
        assert "Unauthorized" in refused.output
        by = "Kubernetes: 401 Unauthorized"
    else:
        assert denied
        assert "not authorized to perform" in " ".join(refused.output.split())
        by = f"IAM: {denied[0][0]}"
    print(f"figures: {playbook:36} as {identity:6} refused by {by}, without its first task")
    TRESPASS.append(len(calls(lab)))


@pytest.mark.parametrize("identity", ["infra", "k8s"])
def test_no_team_makes_identities(lab: Lab, identity: str) -> None:
    before = len(calls(lab))
    refused = lab.playbook(BOOTSTRAP, "--extra-vars", json.dumps({"lab_identity": identity}))
    assert refused.returncode != 0
    assert [action for action, _, allowed in permissions(calls(lab)[before:], identity) if not allowed]
    print(f"figures: {BOOTSTRAP:36} as {identity:6} refused by IAM")
    TRESPASS.append(len(calls(lab)))


@pytest.mark.parametrize(
    ("role", "reason"),
    [
        ("seam-infra", "with an explicit deny in an identity-based policy"),
        ("petstore-cluster", "with an explicit deny in an identity-based policy"),
        ("petstore-node", "with an explicit deny in an identity-based policy"),
        ("visitor", "because no identity-based policy allows the eks:CreateAccessEntry action"),
    ],
)
def test_infra_lets_in_whom_the_administrator_named_and_nobody_else(lab: Lab, role: str, reason: str) -> None:
    eks = lab.client("eks", "infra")
    principal = f"arn:aws:iam::{lab.facts['account']}:role/{role}"
    with pytest.raises(eks.exceptions.ClientError, match=reason):
        eks.create_access_entry(clusterName="petstore", principalArn=principal)
    TRESPASS.append(len(calls(lab)))


@pytest.mark.parametrize("role", ["petstore-cluster", "petstore-node"])
def test_infra_keeps_the_trust_of_the_clusters_roles_and_becomes_neither(lab: Lab, role: str) -> None:
    """EKS lets these two into Kubernetes itself."""
    account = lab.facts["account"]
    itself = trust({"AWS": f"arn:aws:iam::{account}:role/seam-infra"})
    lab.client("iam", "infra").update_assume_role_policy(RoleName=role, PolicyDocument=itself)
    sts = lab.client("sts", "infra")
    with pytest.raises(sts.exceptions.ClientError, match="with an explicit deny in an identity-based policy"):
        sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/{role}", RoleSessionName="test")
    TRESPASS.append(len(calls(lab)))


def test_the_life_ends_with_each_teams_own_identity(lab: Lab) -> None:
    """Starts in the middle of a replacement, with a load balancer not joined to anything yet."""
    run(lab, NEXT_SERVICE)
    # Auto Mode's own outlives its cluster: https://github.com/aws/containers-roadmap/issues/2531
    iam = lab.client("iam")
    iam.create_instance_profile(InstanceProfileName="eks-us-west-2-petstore-left")
    iam.add_role_to_instance_profile(InstanceProfileName="eks-us-west-2-petstore-left", RoleName="petstore-node")
    run(lab, TEARDOWN)
    assert lab.client("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert not [each for each in iam.list_roles()["Roles"] if each["RoleName"].startswith("petstore-")]
    assert iam.list_instance_profiles()["InstanceProfiles"] == []


@pytest.mark.parametrize("team", ["infra", "k8s"])
def test_the_policies_allow_what_is_needed_and_nothing_else(lab: Lab, team: str) -> None:
    found = calls(lab)
    needed = permissions(found[: TRESPASS[0]] + found[TRESPASS[-1] :], team)
    allowed = list(grants(lab, team))
    denied = sorted((action, resource) for action, resource, granted in needed if not granted)
    unused = [
        f"{grant.policy} {grant.statement} {grant.action}"
        for grant in allowed
        if not any(grant.covers(action, resource) for action, resource, granted in needed if granted)
    ]
    print(
        f"figures: {team:6} actions allowed {len(allowed)}, used {len(allowed) - len(unused)}, unused {len(unused)}, denied {len(denied)}"
    )
    assert (denied, unused) == ([], [])


def test_no_output_has_a_secret(lab: Lab) -> None:
    text = "\n".join(DISCLOSURE.outputs)
    assert "module_args" in text, "nothing was shown that could have had one"
    assert DISCLOSURE.api_keys
    assert DISCLOSURE.found(lab, text) == []


def test_no_process_was_started_with_a_secret(lab: Lab) -> None:
    text = "\n".join(DISCLOSURE.commands)
    assert "ansible-playbook" in text
    assert DISCLOSURE.found(lab, text) == []


def test_the_labs_files_are_readable_by_their_owner_alone(lab: Lab) -> None:
    assert lab.folder.stat().st_mode & 0o077 == 0
    secrets = [each.encode() for each in DISCLOSURE.secrets(lab)]
    holding = [
        path
        for path in lab.folder.rglob("*")
        if path.is_file() and any(secret in path.read_bytes() for secret in secrets)
    ]
    assert {"lab.json", "env"} <= {path.name for path in holding}
    assert [path.name for path in holding if path.stat().st_mode & 0o077] == []
