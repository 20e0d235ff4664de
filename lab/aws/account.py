# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The account that the lab begins with: the contents of every new AWS account, and the lab's three identities.

The two teams' roles and policies are as playbooks/bootstrap/teams.yml makes them, out of the same documents, for
clusters of any name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import jinja2
import yaml
from moto.ec2.models import ec2_backends

from lab.aws import partitions
from lab.aws.iam.authorization import AWS_SESSIONS
from lab.settings import ACCOUNT

#: IAM roles, by their names in ``lab.json``. Only these and their policies tell the two teams apart.
ROLES = {"admin": "seam-admin", "infra": "seam-infra", "k8s": "seam-k8s"}
#: The roles that the infra team may let into clusters: the k8s team's, and any further team's.
ENTRANTS = (ROLES["k8s"], "team-*")
SESSION_NAME = "lab"
AUTO_MODE_SESSION_NAME = "eks-auto-mode"
#: Seconds. AWS ends a role's session after 12 hours at most; a lab may stay up for longer.
SESSION_DURATION = 365 * 24 * 3600

#: The documents of the teams' policies, named <team>-<playbook>.
_POLICIES = Path(__file__).resolve().parents[2] / "roles/team_identities/templates"


def open_account(region: str, known: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Make the account. Returns the credentials of a session of each role, by the names in ``ROLES``.

    Credentials in ``known`` stay valid, so a shell that has them in its environment works on after a reset.
    """
    _connect_default_vpc(region)
    arns = {name: _create_role(region, role, name) for name, role in ROLES.items()}
    iam = partitions.iam(region)
    iam.attach_role_policy(f"arn:{partitions.of(region)}:iam::aws:policy/AdministratorAccess", ROLES["admin"])
    for path in sorted(_POLICIES.glob("*.yml.j2")):
        team, _, playbook = path.name.removesuffix(".yml.j2").partition("-")
        iam.attach_role_policy(_create_policy(region, team, playbook), ROLES[team])
    return {name: _session(region, arn, known=known.get(name)) for name, arn in arns.items()}


def auto_mode_session(region: str, cluster_role_arn: str) -> dict[str, str]:
    """Credentials with which EKS Auto Mode works in the account."""
    session = _session(region, cluster_role_arn, AUTO_MODE_SESSION_NAME)
    AWS_SESSIONS.add(session["access_key"])
    return session


def _session(
    region: str, role_arn: str, session_name: str = SESSION_NAME, known: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Credentials of a role's session, valid as long as the lab runs: ``known`` if given, else new ones."""
    session = partitions.sts(region).assume_role(
        region_name=region,
        role_session_name=session_name,
        role_arn=role_arn,
        policy="",
        duration=SESSION_DURATION,
        external_id="",
    )
    if known:
        session.access_key_id, session.secret_access_key = known["access_key"], known["secret_key"]
        session.session_token = known["session_token"]
    return {
        "access_key": session.access_key_id,
        "secret_key": session.secret_access_key,
        "session_token": session.session_token,
        "arn": session.arn,
    }


def _create_role(region: str, name: str, team: str) -> str:
    root = {"AWS": [partitions.iam_arn(region, "root")]}
    statement = {"Effect": "Allow", "Principal": root, "Action": "sts:AssumeRole"}
    role = partitions.iam(region).create_role(
        role_name=name,
        assume_role_policy_document=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        path="/",
        permissions_boundary=None,
        description=f"The {team} team",
        tags=[],
        max_session_duration="43200",
    )
    return str(role.arn)


def policy_document(region: str, team: str, playbook: str, cluster: str = "*", api: str = "*") -> str:
    """The policy that a team needs for its playbook, as the role team_identities makes it."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_POLICIES), undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    text = templates.get_template(f"{team}-{playbook}.yml.j2").render(
        team_identities_partition=partitions.of(region),
        team_identities_account=ACCOUNT,
        team_identities_region=region,
        team_identities_cluster=cluster,
        team_identities_api=api,
        team_identities_path="/",
        team_identities_names=ROLES,
        team_identities_kubernetes_principals=[partitions.iam_arn(region, f"role/{each}") for each in ENTRANTS],
    )
    return json.dumps(yaml.safe_load(text))


def _create_policy(region: str, team: str, playbook: str) -> str:
    """Returns its ARN."""
    policy = partitions.iam(region).create_policy(
        policy_name=f"{ROLES[team]}-{playbook}",
        path="/",
        policy_document=policy_document(region, team, playbook),
        description=f"What the {team} team needs for {playbook}.yml",
        tags=[],
    )
    return str(policy.arn)


def _connect_default_vpc(region: str) -> None:
    """The default VPC's way to the internet, which moto leaves out.

    https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html
    """
    ec2 = ec2_backends[ACCOUNT][region]
    vpc = ec2.get_default_vpc()
    gateway = ec2.create_internet_gateway()
    ec2.attach_internet_gateway(gateway.id, vpc.id)
    (main,) = (table for table in ec2.route_tables.values() if table.vpc_id == vpc.id)
    ec2.create_route(main.id, "0.0.0.0/0", gateway_id=gateway.id)
