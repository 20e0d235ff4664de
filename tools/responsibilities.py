# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes docs/responsibilities.md out of the playbooks, the roles and the teams' IAM policies.

    python tools/responsibilities.py

A team's permissions come from its policies, its tools from its playbooks and their roles, its objects in the cluster
from the templates of the manifests. An action without a row is an error, so that nothing is left out in silence.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import yaml

CHECKOUT = Path(__file__).resolve().parents[1]
TARGET = CHECKOUT / "docs/responsibilities.md"
POLICIES = CHECKOUT / "roles/team_identities/templates"

VERBS = {
    "creates": "Create|Allocate|POST",
    "changes": "Replace|Update|Modify|Associate|Disassociate|Attach|Detach|Tag|Untag|Pass|PATCH|PUT",
    "reads": "Describe|Get|List|GET",
    "deletes": "Delete|Release|Remove|DELETE",
}
_VERB = re.compile("|".join(f"(?P<{name}>{words})" for name, words in VERBS.items()))

#: The kind that an action names, and the row it belongs to. Tags belong to the resources of their statement.
KINDS = {
    "AccessEntr(y|ies)|AccessPolic(y|ies)|AssociatedAccessPolicies": "access entry",
    "Address(es)?": "Elastic IP address",
    "Clusters?|Cluster(Config|Version)|Updates?|Insights?": "cluster",
    "InstanceProfile|RoleFromInstanceProfile": "instance profile of a cluster that is gone",
    "Listeners|LoadBalancers?": "load balancer",
    "NatGateways?": "NAT gateway",
    "Route|RouteTables?": "route table",
    "Role|ServiceLinkedRole|RolePolicy|RolePolicies|AssumeRolePolicy|AttachedRolePolicies|InstanceProfilesForRole": "IAM role",
    "SecurityGroups?": "security group",
    "Subnets": "subnet",
    "TargetGroups?|TargetHealth": "target group",
    "Vpcs|VpcAttribute": "VPC",
    "VpcEndpointService(Configurations?|Permissions)": "endpoint service of a VPC link V1",
}
RESOURCES = {
    "access-entry": "access entry",
    "apikeys": "API key",
    "cluster": "cluster",
    "elastic-ip": "Elastic IP address",
    "natgateway": "NAT gateway",
    "restapis": "REST API",
    "route-table": "route table",
    "security-group": "security group",
    "subnet": "subnet",
    "usageplans": "usage plan",
    "vpclinks": "VPC link",
}
#: The kind whose tags count where AWS takes no resources.
TAGGED = {"ec2": "subnet", "elasticloadbalancing": "load balancer"}
#: The service that a module speaks to, by the beginning of its name.
MODULES = {
    "ec2_": "ec2",
    "iam_": "iam",
    "eks_auto_nlb": "elasticloadbalancing",
    "eks_": "eks",
    "apigateway_": "apigateway",
}

#: A role of several playbooks has its permissions in the policy of one.
POLICY_OF = {
    "vpc_tagging": "infra-network",
    "eks_auto_cluster": "infra-foundation",
    "apigw_vpclink": "infra-api",
    "petstore_workload": "k8s-workload",
}

HEAD = """\
# Responsibilities

Written by `tools/responsibilities.py` out of the playbooks, the roles and the policies; a test fails when it is stale.

![The system, by owner](system.svg)

Infra's parts have square corners and are hatched, the k8s team's are round and dotted, what AWS manages has a dashed
border. In text: infra makes subnets, cluster, VPC link and REST API; the k8s team makes what runs in the cluster, and with
its Service the load balancer; AWS runs the controller in between.

## Before Auto Mode, and with it
"""


class Grant(NamedTuple):
    """One allowed action of a team's policy."""

    team: str
    policy: str
    statement: str
    action: str
    resources: tuple[str, ...]


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def grants() -> list[Grant]:
    """What the policies allow. Their names begin with the team's."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(POLICIES))
    names = {"infra": "infra", "k8s": "k8s"}
    return [
        Grant(name.partition("-")[0], name, statement["Sid"], action, tuple(as_list(statement["Resource"])))
        for name in sorted(path.name.removesuffix(".yml.j2") for path in POLICIES.glob("*.yml.j2"))
        for statement in yaml.safe_load(environment.get_template(f"{name}.yml.j2").render(team_identities_names=names))[
            "Statement"
        ]
        if statement["Effect"] == "Allow"
        for action in as_list(statement["Action"])
    ]


def _kinds_of_resources(grant: Grant) -> list[str]:
    """The kinds that the statement's ARNs name, or by its tags' conditions where AWS takes no ARNs."""
    service = grant.action.partition(":")[0]
    if grant.resources == ("*",):
        return [TAGGED[service]]
    # arn:partition:service:region:account:kind/id; API Gateway's are paths.
    found = {arn.split(":", 5)[5].lstrip("/").partition("/")[0] for arn in grant.resources}
    return sorted(RESOURCES[each] for each in found if each != "tags")


def cells(grant: Grant) -> list[tuple[str, str]]:
    """The kinds that the action is about, each with the verb: creates, changes, reads or deletes."""
    service, _, name = grant.action.partition(":")
    found = _VERB.match(name)
    assert found and found.lastgroup, f"{grant.action} begins with no known verb"
    verb, noun = found.lastgroup, name[found.end() :]
    if service == "apigateway":
        return [(kind, verb) for kind in _kinds_of_resources(grant)]
    if noun in ("Tags", "Resource"):
        return [(kind, verb if verb == "reads" else "changes") for kind in _kinds_of_resources(grant)]
    kinds = [kind for pattern, kind in KINDS.items() if re.fullmatch(pattern, noun)]
    assert kinds, f"{grant.action} is about nothing known"
    return [(kinds[0], "changes" if noun == "Route" else verb)]


def plays() -> dict[str, list[str]]:
    """The roles of each team's playbook, by the names of the policies: <team>-<playbook>."""
    return {
        f"{path.parent.name}-{path.stem}": roles_of(path)
        for team in ("infra", "k8s")
        for path in sorted((CHECKOUT / "playbooks" / team).glob("*.yml"))
    }


def roles_of(playbook: Path) -> list[str]:
    """The roles that a playbook's steps run, or an entry point of."""
    steps = [step for play in _yaml(playbook) for step in play["vars"]["seam_steps"]]
    return list(dict.fromkeys(step["role"] for step in steps if "role" in step))


def services(role: str) -> set[str]:
    """The AWS services that a role's tasks speak to."""
    text = "".join(path.read_text() for path in sorted((CHECKOUT / "roles" / role / "tasks").glob("*.yml")))
    modules = re.findall(r"^ +(?:amazon\.aws|seam\.eks_auto)\.(\w+):", text, flags=re.MULTILINE)
    found = {next((MODULES[each] for each in MODULES if module.startswith(each)), "") for module in modules}
    # The kubeconfig lookup, and through it every wait in the cluster, asks EKS for the endpoint.
    return found | ({"eks"} if "kubeconfig" in text else set())


def aws_table() -> list[str]:
    """A row for each kind of resource in AWS."""
    rows: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    statements: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for grant in grants():
        service = grant.action.partition(":")[0]
        roles = [role for role, policy in POLICY_OF.items() if policy == grant.policy]
        for kind, verb in cells(grant):
            rows[kind][verb].add(grant.team)
            statements[kind][grant.policy].add(grant.statement)
            # API Gateway's own calls with its caller's permissions appear in no task.
            rows[kind]["by"] |= {f"`{role}`" for role in roles if service in services(role) or len(roles) == 1}
    lines = ["| resource | creates | changes | reads | deletes | role | permission |", "|---|---|---|---|---|---|---|"]
    for kind in sorted(rows, key=str.lower):
        found = [", ".join(sorted(rows[kind][each])) for each in (*VERBS, "by")]
        under = "; ".join(f"`{policy}`: {', '.join(sorted(sids))}" for policy, sids in statements[kind].items())
        lines.append(f"| {kind} | {' | '.join(found)} | {under} |")
    return lines


def kubernetes_table() -> list[str]:
    """A row for each kind of object in the cluster."""
    lines = ["| object | creates, changes, reads, deletes | role |", "|---|---|---|"]
    kinds = set()
    for path in sorted((CHECKOUT / "roles/petstore_workload/templates").glob("*.j2")):
        kinds |= set(re.findall(r"^kind: (\w+)", path.read_text(), flags=re.MULTILINE))
    lines += [f"| {kind} | k8s | `petstore_workload` |" for kind in sorted(kinds)]
    return lines


def playbook_table() -> list[str]:
    lines = ["| playbook | team | roles | policy |", "|---|---|---|---|"]
    for name, roles in plays().items():
        team, _, playbook = name.partition("-")
        shown = ", ".join(f"`{role}`" for role in roles)
        own = [name] if (POLICIES / f"{name}.yml.j2").exists() else []
        policies = ", ".join(f"`{each}`" for each in dict.fromkeys([*own, *(POLICY_OF[role] for role in roles)]))
        lines.append(f"| `{team}/{playbook}.yml` | {team} | {shown} | {policies} |")
    return lines


def work_table() -> list[str]:
    """The README's: each task's owner before Auto Mode, and with it."""
    section = (CHECKOUT / "README.md").read_text().partition("### Who does what\n")[2].partition("\n##")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    if not rows:
        raise ValueError("README.md has no table under the heading Who does what.")
    return rows


def document() -> str:
    """The whole page."""
    return "\n".join(
        [
            HEAD,
            *work_table(),
            "",
            "## Playbooks",
            "",
            *playbook_table(),
            "",
            "The policies are templates of the role `team_identities`; `playbooks/bootstrap/teams.yml` makes them.",
            "",
            "## In AWS",
            "",
            "The permission names the policy and its statements.",
            "",
            *aws_table(),
            "",
            "Load balancers, their target groups and security groups appear and go with the k8s team's Service: Auto Mode makes",
            "them, with the cluster's own role. If cluster or Service is gone, infra deletes those that are left, by name",
            "(`playbooks/orphans.yml`). VPC links V2 have security groups too.",
            "",
            "## In the cluster",
            "",
            "The k8s team works under its access entry. Infra has none.",
            "",
            *kubernetes_table(),
            "",
        ]
    )


if __name__ == "__main__":
    TARGET.write_text(document())
