# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EKS tokens: a cluster takes the good ones, and says why it refuses the others."""

from __future__ import annotations

import base64
import datetime
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._eks.token import mint_token
from moto.sts.models import sts_backends
from werkzeug.serving import make_server

from lab.aws import account, identity
from lab.aws.app import AwsApp
from lab.aws.eks.cluster import AccessEntry, Cluster
from lab.aws.identity import ClusterAccess
from lab.kubernetes.auth import Attributes
from lab.settings import ACCOUNT, Settings

REGION = "us-west-2"
LIFETIME = datetime.timedelta(seconds=Settings.token_lifetime)
READ_PODS = Attributes("list", resource="pods", namespace="petstore")


@pytest.fixture(scope="module")
def credentials() -> dict[str, dict[str, str]]:
    return account.open_account(REGION, {})


@pytest.fixture(scope="module")
def sts_calls(tmp_path_factory: pytest.TempPathFactory, credentials: Any) -> Iterator[tuple[str, Callable[[], int]]]:
    """The URL of an AWS endpoint, and how many calls it has had so far."""
    log = tmp_path_factory.mktemp("aws") / "calls.jsonl"
    log.touch()
    server = make_server("127.0.0.1", 0, AwsApp(log, {}), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.port}", lambda: len(log.read_text().splitlines())
    server.shutdown()
    server.server_close()


@pytest.fixture
def cluster(credentials: dict[str, dict[str, str]]) -> Cluster:
    """A cluster with an access entry for the k8s team, which may look at everything."""
    role = f"arn:aws:iam::{ACCOUNT}:role/seam-k8s"
    session = sts_backends[ACCOUNT]["aws"].get_assumed_role_from_access_key(credentials["k8s"]["access_key"])
    view: dict[str, Any] = {
        "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
        "accessScope": {"type": "cluster", "namespaces": []},
    }
    entry = AccessEntry(
        {"principalArn": role, "username": "k8s-{{SessionName}}", "kubernetesGroups": ["team"]},
        session.user_id.partition(":")[0],
        {view["policyArn"]: view},
    )
    return Cluster({"name": "petstore"}, entries={role: entry})


@pytest.fixture
def access(cluster: Cluster, sts_calls: tuple[str, Any]) -> ClusterAccess:
    return ClusterAccess(cluster, sts_calls[0], LIFETIME)


@pytest.fixture
def mint(sts_calls: tuple[str, Any], credentials: dict[str, dict[str, str]]) -> Callable[..., str]:
    def mint(cluster: str = "petstore", who: str = "k8s", **changes: str) -> str:
        keys = credentials[who]
        options = {
            "endpoint_url": sts_calls[0],
            "aws_access_key_id": keys["access_key"],
            "aws_secret_access_key": keys["secret_key"],
            "aws_session_token": keys["session_token"],
        }
        return mint_token(boto3.client("sts", REGION, **{**options, **changes}), cluster)

    return mint


def url_of(token: str) -> str:
    encoded = token.removeprefix(identity.PREFIX)
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()


def token_of(url: str) -> str:
    return identity.PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def test_a_token_is_the_user_of_its_maker_s_entry(access: ClusterAccess, mint: Callable[..., str]) -> None:
    user = access.authenticate(mint())
    assert user is not None
    assert user.name == "k8s-lab"
    assert user.groups == ("team",)
    assert user.extra["arn"] == (f"arn:aws:sts::{ACCOUNT}:assumed-role/seam-k8s/lab",)


def test_the_user_may_do_what_the_entry_s_policies_allow(access: ClusterAccess, mint: Callable[..., str]) -> None:
    user = access.authenticate(mint())
    assert user is not None
    assert access.authorize(user, READ_PODS).allowed
    assert not access.authorize(user, Attributes("delete", resource="pods", namespace="petstore")).allowed
    access.cluster.entries.clear()
    assert not access.authorize(user, READ_PODS).allowed


def test_whoever_has_no_entry_is_nobody(access: ClusterAccess, mint: Callable[..., str]) -> None:
    assert access.authenticate(mint(who="infra")) is None


def tampered(url: str) -> dict[str, str]:
    """Tokens made from a good one's URL, by why they are refused."""
    return {
        "unexpected hostname": url.replace("127.0.0.1", "localhost"),
        "unexpected path": url.replace("/?", "/other?"),
        "unexpected action": url.replace("GetCallerIdentity", "GetSessionToken"),
        "non-whitelisted query parameter": f"{url}&{urlencode({'Extra': 'x'})}",
        "duplicate query parameter": f"{url}&action=GetCallerIdentity",
        "invalid X-Amz-Expires": url.replace("X-Amz-Expires=60", "X-Amz-Expires=901"),
        "did not sign the x-k8s-aws-id": url.replace("x-k8s-aws-id", "x-other"),
        "expected 200, got 403": url.replace("X-Amz-Expires=60", "X-Amz-Expires=61"),
    }


@pytest.mark.parametrize("reason", tampered(""))
def test_a_tampered_token_is_refused(
    access: ClusterAccess, mint: Callable[..., str], caplog: pytest.LogCaptureFixture, reason: str
) -> None:
    caplog.set_level(logging.INFO)
    assert access.authenticate(token_of(tampered(url_of(mint()))[reason])) is None
    assert reason in caplog.text


@pytest.mark.parametrize("token", ["", "token", f"{identity.PREFIX}%%%", f"{identity.PREFIX}{'a' * 5000}"])
def test_what_is_no_token_is_refused(access: ClusterAccess, token: str) -> None:
    assert access.authenticate(token) is None


def test_a_token_is_for_one_cluster(access: ClusterAccess, mint: Callable[..., str]) -> None:
    assert access.authenticate(mint("another")) is None


def test_a_token_signed_with_a_wrong_secret_is_refused(access: ClusterAccess, mint: Callable[..., str]) -> None:
    assert access.authenticate(mint(aws_secret_access_key="wrong")) is None


def test_a_token_ends_with_its_lifetime(
    cluster: Cluster, sts_calls: tuple[str, Any], mint: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    access = ClusterAccess(cluster, sts_calls[0], lifetime=datetime.timedelta(seconds=5))
    then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=10)
    with monkeypatch.context() as patch:
        patch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: then)
        old = mint()
    assert access.authenticate(old) is None
    assert ClusterAccess(cluster, sts_calls[0], LIFETIME).authenticate(old) is not None
    assert access.authenticate(mint()) is not None


def test_sts_is_not_asked_twice_within_seconds(
    access: ClusterAccess, sts_calls: tuple[str, Callable[[], int]], mint: Callable[..., str]
) -> None:
    token, calls = mint(), sts_calls[1]
    assert access.authenticate(token)
    before = calls()
    assert access.authenticate(token)
    assert calls() == before
    access._verified.clear()
    assert access.authenticate(token)
    assert calls() == before + 1
