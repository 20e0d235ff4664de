# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small EKS behind a real botocore client, a clock that only waiting moves, and a way to run a module.

The client's own validation, pagination and error handling are botocore's. Only the wire is missing: each call is
recorded and answered here. AWS's slow steps take ``PACE`` seconds of the fake clock.
"""

from __future__ import annotations

import copy
import datetime
import functools
import json
import typing as t

import boto3
import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._core.wait import wait
from ansible_collections.seam.eks_auto.tests.unit.plugins.fake_seam import FakeElb
from ansible_collections.seam.eks_auto.tests.unit.plugins.run_main import run_main
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

PACE = 60.0
ACCOUNT = "123456789012"
CLUSTER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/petstore-cluster"
NODE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/petstore-node"

#: The parameters that tell the kind of an UpdateClusterConfig.
UPDATE_TYPES = {
    "accessConfig": "AccessConfigUpdate",
    "computeConfig": "AutoModeUpdate",
    "deletionProtection": "DeletionProtectionUpdate",
    "logging": "LoggingUpdate",
    "upgradePolicy": "UpgradePolicyUpdate",
    "zonalShiftConfig": "ZonalShiftConfigUpdate",
}

Parameters = dict[str, t.Any]


class Clock:
    """A clock that only pauses move."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


class Refusal(Exception):
    """AWS's refusal: code and message."""


def make_cluster(**changes: t.Any) -> Parameters:
    """An ACTIVE cluster without Auto Mode as DescribeCluster shows it."""
    return {
        "name": "petstore",
        "arn": f"arn:aws:eks:us-east-1:{ACCOUNT}:cluster/petstore",
        "createdAt": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        "version": "1.34",
        "status": "ACTIVE",
        "endpoint": "https://example.eks.amazonaws.com",
        "certificateAuthority": {"data": "Q0E="},
        "roleArn": CLUSTER_ROLE,
        "resourcesVpcConfig": {
            "subnetIds": ["subnet-b", "subnet-a"],
            "securityGroupIds": [],
            "endpointPublicAccess": True,
            "endpointPrivateAccess": False,
            "publicAccessCidrs": ["0.0.0.0/0"],
        },
        "accessConfig": {"authenticationMode": "API"},
        "logging": {"clusterLogging": [{"types": ["api", "audit"], "enabled": False}]},
        "upgradePolicy": {"supportType": "EXTENDED"},
        "deletionProtection": False,
        "zonalShiftConfig": {"enabled": False},
        "computeConfig": {"enabled": False},
        "tags": {},
        **changes,
    }


def auto_mode(pools: list[str]) -> Parameters:
    """The fields that such a cluster shows in addition once Auto Mode is on."""
    role = {"nodeRoleArn": NODE_ROLE} if pools else {}
    return {"computeConfig": {"enabled": True, "nodePools": pools, **role}}


class FakeIam:
    """IAM as a client that may see the roles in ``roles``: when each was made, by its ARN."""

    def __init__(self) -> None:
        self.roles: dict[str, datetime.datetime] = {}

    def get_role(self, RoleName: str) -> Parameters:
        for arn, made in self.roles.items():
            if arn.rpartition("/")[2] == RoleName:
                return {"Role": {"Arn": arn, "CreateDate": made}}
        raise ClientError({"Error": {"Code": "NoSuchEntity", "Message": f"There is no role {RoleName}"}}, "GetRole")


class FakeEks:
    """EKS with one cluster at most; ``calls`` are (operation, parameters) in order."""

    READ_ONLY = ("Describe", "List")

    def __init__(self, cluster: Parameters | None = None) -> None:
        self.clock = Clock()
        self.cluster = cluster
        self.entries: dict[str, Parameters] = {}
        self.associations: dict[str, dict[str, Parameters]] = {}
        self.updates: dict[str, Parameters] = {}
        self.calls: list[tuple[str, Parameters]] = []
        self.elb = FakeElb()
        self.iam = FakeIam()
        #: By operation, before the usual answers: an exception to raise, or a function to call.
        self.first: dict[str, list[Refusal | t.Callable[[], object]]] = {}
        #: As DescribeInsight shows them.
        self.insights: list[Parameters] = []
        self._due: list[tuple[float, t.Callable[[], None]]] = []
        self.client = boto3.client(
            "eks", region_name="us-east-1", aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="example"
        )
        self.client.meta.events.register("before-parameter-build.eks", self._record)
        self.client.meta.events.register("before-call.eks", self._respond)

    def client_of(self, service: str) -> t.Any:
        """A module's client of a service."""
        return {"elbv2": self.elb.client, "iam": lambda: self.iam}.get(service, lambda: self.client)()

    @property
    def mutations(self) -> list[tuple[str, Parameters]]:
        """The calls that change something, without idempotency tokens."""
        return [
            (operation, {key: value for key, value in params.items() if key != "clientRequestToken"})
            for operation, params in self.calls
            if not operation.startswith(self.READ_ONLY)
        ]

    def later(self, seconds: float, change: t.Callable[[], None]) -> None:
        self._due.append((self.clock() + seconds, change))

    def start_update(self, kind: str, apply: t.Callable[[], None]) -> Parameters:
        """An update that is successful after ``PACE`` seconds, unless it ended otherwise before."""
        update_id = f"update-{len(self.updates) + 1}"
        update: Parameters = {"id": update_id, "type": kind, "status": "InProgress"}
        self.updates[update_id] = update

        def end() -> None:
            if update["status"] == "InProgress":
                update["status"] = "Successful"
                apply()

        self.later(PACE, end)
        return update

    def _record(self, params: Parameters, model: t.Any, **_event: t.Any) -> None:
        # As on a wire: a tuple is a list.
        self.calls.append((model.name, json.loads(json.dumps(params))))

    def _respond(self, model: t.Any, **_event: t.Any) -> tuple[AWSResponse, Parameters]:
        self._apply_due_changes()
        try:
            for first in self.first.get(model.name, [])[:1]:
                del self.first[model.name][0]
                if isinstance(first, Refusal):
                    raise first
                first()
            answer = getattr(self, f"_{model.name}")(self.calls[-1][1]) or {}
        except Refusal as refusal:
            code, message = refusal.args
            return self._response(400), {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {}}
        # As on a wire: an answer doesn't change afterwards.
        return self._response(200), copy.deepcopy(answer)

    def _response(self, status: int) -> AWSResponse:
        return AWSResponse("https://eks", status, {}, t.cast(t.Any, None))

    def _apply_due_changes(self) -> None:
        due = [change for moment, change in self._due if moment <= self.clock()]
        self._due = [(moment, change) for moment, change in self._due if moment > self.clock()]
        for change in due:
            change()

    def _set_cluster(self, **changes: t.Any) -> None:
        self.cluster = {**(self.cluster or {}), **changes}

    def _existing(self) -> Parameters:
        if self.cluster is None:
            raise Refusal("ResourceNotFoundException", "No cluster found for name: petstore.")
        return self.cluster

    def _DescribeCluster(self, _params: Parameters) -> Parameters:
        return {"cluster": self._existing()}

    def _CreateCluster(self, params: Parameters) -> Parameters:
        if self.cluster:
            raise Refusal("ResourceInUseException", "Cluster already exists with name: petstore")
        given = {key: value for key, value in params.items() if key not in ("bootstrapSelfManagedAddons",)}
        vpc = {**make_cluster()["resourcesVpcConfig"], **given.pop("resourcesVpcConfig")}
        self.cluster = make_cluster(status="CREATING", resourcesVpcConfig=vpc, **given)
        self.later(PACE, lambda: self._set_cluster(status="ACTIVE"))
        return {"cluster": self.cluster}

    def _DeleteCluster(self, _params: Parameters) -> Parameters:
        self._existing()
        self._set_cluster(status="DELETING")
        self.later(PACE, lambda: setattr(self, "cluster", None))
        return {"cluster": self.cluster}

    def _UpdateClusterConfig(self, params: Parameters) -> Parameters:
        changes = {key: value for key, value in params.items() if key not in ("name", "clientRequestToken")}
        return {"update": self._update(self._update_type(changes), changes)}

    def _update_type(self, changes: Parameters) -> str:
        vpc = changes.get("resourcesVpcConfig")
        if vpc:
            return "EndpointAccessUpdate" if "endpointPublicAccess" in vpc else "VpcConfigUpdate"
        kinds = {UPDATE_TYPES[key] for key in changes if key in UPDATE_TYPES}
        if len(kinds) != 1:
            raise Refusal("InvalidParameterException", "Only one type of update can be allowed.")
        return kinds.pop()

    def _UpdateClusterVersion(self, params: Parameters) -> Parameters:
        return {"update": self._update("VersionUpdate", {"version": params["version"]})}

    def _update(self, kind: str, changes: Parameters) -> Parameters:
        for update in self.updates.values():
            if update["status"] == "InProgress":
                raise Refusal(
                    "ResourceInUseException",
                    f"Cannot {kind} because cluster petstore currently has update {update['id']} in progress",
                )
        cluster = self._existing()
        vpc = {**cluster["resourcesVpcConfig"], **changes.pop("resourcesVpcConfig", {})}
        return self.start_update(kind, lambda: self._set_cluster(**changes, resourcesVpcConfig=vpc))

    def _ListInsights(self, params: Parameters) -> Parameters:
        # A page for each here, too.
        wanted = params["filter"]
        assert wanted["categories"] == ["UPGRADE_READINESS"]
        found = [each for each in self.insights if each["insightStatus"]["status"] in wanted["statuses"]]
        index = int(params.get("nextToken") or 0)
        following = {"nextToken": str(index + 1)} if index + 1 < len(found) else {}
        shown = ("id", "name", "category", "kubernetesVersion", "insightStatus")
        page = [{key: each[key] for key in shown if key in each} for each in found[index : index + 1]]
        return {"insights": page, **following}

    def _DescribeInsight(self, params: Parameters) -> Parameters:
        return {"insight": next(each for each in self.insights if each["id"] == params["id"])}

    def _ListUpdates(self, params: Parameters) -> Parameters:
        # A page for each, so that reading only one page would be noticed.
        ids = list(self.updates)
        index = int(params.get("nextToken") or 0)
        following = {"nextToken": str(index + 1)} if index + 1 < len(ids) else {}
        return {"updateIds": ids[index : index + 1], **following}

    def _DescribeUpdate(self, params: Parameters) -> Parameters:
        return {"update": self.updates[params["updateId"]]}

    def _tagged(self, arn: str) -> Parameters:
        return next(entry for entry in [self.cluster, *self.entries.values()] if entry and arn in _arns(entry))

    def _TagResource(self, params: Parameters) -> None:
        self._tagged(params["resourceArn"])["tags"] |= params["tags"]

    def _UntagResource(self, params: Parameters) -> None:
        for key in params["tagKeys"]:
            del self._tagged(params["resourceArn"])["tags"][key]

    def _ListAccessPolicies(self, _params: Parameters) -> Parameters:
        names = ["AmazonEKSClusterAdminPolicy", "AmazonEKSEditPolicy", "AmazonEKSViewPolicy"]
        return {"accessPolicies": [{"name": name, "arn": policy_arn(name)} for name in names]}

    def _existing_entry(self, params: Parameters) -> Parameters:
        self._existing()
        if params["principalArn"] not in self.entries:
            raise Refusal(
                "ResourceNotFoundException",
                "The specified principalArn could not be found. You can view your available access entries with "
                "'list-access-entries'.",
            )
        return self.entries[params["principalArn"]]

    def _DescribeAccessEntry(self, params: Parameters) -> Parameters:
        return {"accessEntry": self._existing_entry(params)}

    def _CreateAccessEntry(self, params: Parameters) -> Parameters:
        self._existing()
        principal = params["principalArn"]
        if principal in self.entries:
            raise Refusal(
                "ResourceInUseException", "The specified access entry resource is already in use on this cluster."
            )
        given = {key: value for key, value in params.items() if key != "clientRequestToken"}
        self.entries[principal] = make_entry(principal, **given)
        return {"accessEntry": self.entries[principal]}

    def _UpdateAccessEntry(self, params: Parameters) -> Parameters:
        entry = self._existing_entry(params)
        entry |= {key: params[key] for key in ("username", "kubernetesGroups") if key in params}
        return {"accessEntry": entry}

    def _DeleteAccessEntry(self, params: Parameters) -> None:
        self._existing_entry(params)
        del self.entries[params["principalArn"]]

    def _ListAssociatedAccessPolicies(self, params: Parameters) -> Parameters:
        self._existing_entry(params)
        return {"associatedAccessPolicies": list(self.associations.get(params["principalArn"], {}).values())}

    def _AssociateAccessPolicy(self, params: Parameters) -> None:
        self._existing_entry(params)
        scope = {"namespaces": [], **params["accessScope"]}
        association = {"policyArn": params["policyArn"], "accessScope": scope}
        self.associations.setdefault(params["principalArn"], {})[params["policyArn"]] = association

    def _DisassociateAccessPolicy(self, params: Parameters) -> None:
        del self.associations[params["principalArn"]][params["policyArn"]]


def make_entry(principal: str, **changes: t.Any) -> Parameters:
    """An access entry as DescribeAccessEntry shows it."""
    return {
        "clusterName": "petstore",
        "principalArn": principal,
        "accessEntryArn": f"arn:aws:eks:us-east-1:{ACCOUNT}:access-entry/petstore/role/{ACCOUNT}/team/1",
        "type": "STANDARD",
        "username": "team:{{SessionName}}",
        "kubernetesGroups": [],
        "createdAt": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
        "tags": {},
        **changes,
    }


def policy_arn(name: str) -> str:
    return f"arn:aws:eks::aws:cluster-access-policy/{name}"


def _arns(resource: Parameters) -> tuple[str | None, str | None]:
    return resource.get("arn"), resource.get("accessEntryArn")


class Runner:
    """Runs a module's ``main()`` with real arguments against a fake EKS."""

    def __init__(self, module: t.Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.module = module
        self.monkeypatch = monkeypatch
        self.capsys = capsys

    def __call__(self, eks: FakeEks, *, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """The module's result; ``failed`` tells success from failure. An option that is None is left out."""
        # Retries of calls pass without real time, and waits move the fake clock.
        self.monkeypatch.setattr("time.sleep", eks.clock.pause)
        if hasattr(self.module, "wait"):
            fake_wait = functools.partial(wait, clock=eks.clock, pause=eks.clock.pause)
            self.monkeypatch.setattr(self.module, "wait", fake_wait)
            self.monkeypatch.setattr("time.monotonic", eks.clock)
        given = {name: value for name, value in options.items() if value is not None}
        return run_main(self.module.main, eks.client_of, self.capsys, check=check, **given)
