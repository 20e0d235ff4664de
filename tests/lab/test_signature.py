# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signed requests against the endpoint: it lets in good signatures, and says why it refuses the others."""

from __future__ import annotations

import datetime
import urllib.request
from typing import Any
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError

from tests.running_lab import ACCOUNT, RunningLab

SERVICES = ["eks", "apigateway", "sts", "iam", "elbv2", "ec2"]
READS = {
    "eks": "list_clusters",
    "apigateway": "get_rest_apis",
    "sts": "get_caller_identity",
    "iam": "list_roles",
    "elbv2": "describe_load_balancers",
    "ec2": "describe_vpcs",
}


def refusal(client: Any) -> tuple[str, int]:
    """The code and HTTP status with which a harmless call is refused."""
    with pytest.raises(ClientError) as caught:
        getattr(client, READS[client.meta.service_model.service_name])()
    return caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_good_signature_is_let_in(lab: RunningLab, service: str) -> None:
    getattr(lab.client(service), READS[service])()


@pytest.mark.parametrize("identity", ["admin", "infra", "k8s"])
def test_sts_knows_the_lab_s_identities(lab: RunningLab, identity: str) -> None:
    arn = lab.client("sts", identity).get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/seam-{identity}/lab"
    assert arn == lab.facts["credentials"][identity]["arn"]


@pytest.mark.parametrize(
    ("service", "code", "status"),
    [
        ("eks", "UnrecognizedClientException", 403),
        ("apigateway", "UnrecognizedClientException", 403),
        ("sts", "InvalidClientTokenId", 403),
        ("elbv2", "InvalidClientTokenId", 403),
        ("ec2", "AuthFailure", 401),
    ],
)
def test_an_unknown_key_is_refused_as_the_service_does(lab: RunningLab, service: str, code: str, status: int) -> None:
    assert refusal(lab.client(service, aws_access_key_id="ASIAUNKNOWN")) == (code, status)


@pytest.mark.parametrize(
    ("service", "code"),
    [("eks", "InvalidSignatureException"), ("iam", "SignatureDoesNotMatch"), ("ec2", "AuthFailure")],
)
def test_a_wrong_secret_is_refused(lab: RunningLab, service: str, code: str) -> None:
    assert refusal(lab.client(service, aws_secret_access_key="wrong"))[0] == code


def test_a_key_without_its_session_token_is_refused(lab: RunningLab) -> None:
    assert refusal(lab.client("sts", aws_session_token=None))[0] == "InvalidClientTokenId"


def test_a_key_with_another_session_s_token_is_refused(lab: RunningLab) -> None:
    token = lab.facts["credentials"]["k8s"]["session_token"]
    assert refusal(lab.client("sts", "infra", aws_session_token=token))[0] == "InvalidClientTokenId"


def test_a_request_without_signature_is_refused(lab: RunningLab) -> None:
    url = f"{lab.facts['aws_endpoint_url']}/clusters"
    with pytest.raises(HTTPError) as caught:
        urllib.request.urlopen(url)
    assert caught.value.code == 403
    assert caught.value.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"


def test_a_changed_body_is_refused(lab: RunningLab) -> None:
    client = lab.client("sts")

    def change(request: Any, **_event: Any) -> None:
        request.body = request.body[::-1]

    client.meta.events.register("before-send.sts", change)
    assert refusal(client)[0] == "SignatureDoesNotMatch"


def test_a_signature_of_an_hour_ago_is_refused(lab: RunningLab, monkeypatch: pytest.MonkeyPatch) -> None:
    then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: then)
    with pytest.raises(ClientError, match="Signature expired"):
        lab.client("sts").get_caller_identity()


def test_a_user_s_access_key_works_until_it_is_deleted(lab: RunningLab) -> None:
    iam = lab.client("iam", "admin")
    user = iam.create_user(UserName="mill")["User"]
    key = iam.create_access_key(UserName="mill")["AccessKey"]
    keys = {
        "aws_access_key_id": key["AccessKeyId"],
        "aws_secret_access_key": key["SecretAccessKey"],
        "aws_session_token": None,
    }
    assert lab.client("sts", **keys).get_caller_identity()["Arn"] == user["Arn"]
    iam.delete_access_key(UserName="mill", AccessKeyId=key["AccessKeyId"])
    assert refusal(lab.client("sts", **keys))[0] == "InvalidClientTokenId"


def test_an_assumed_role_s_session_works(lab: RunningLab) -> None:
    answer = lab.client("sts", "admin").assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/seam-k8s", RoleSessionName="mill"
    )
    credentials = answer["Credentials"]
    client = lab.client(
        "sts",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    assert client.get_caller_identity()["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/seam-k8s/mill"


def test_a_presigned_sts_url_identifies_its_signer(lab: RunningLab) -> None:
    url = lab.client("sts", "k8s").generate_presigned_url("get_caller_identity", HttpMethod="GET")
    with urllib.request.urlopen(url) as response:
        assert b":assumed-role/seam-k8s/lab</Arn>" in response.read()
    with pytest.raises(HTTPError) as caught:
        urllib.request.urlopen(url.replace("GetCallerIdentity", "GetSessionToken"))
    assert caught.value.code == 403


def test_ordinary_parameters_with_special_characters_are_verified(lab: RunningLab) -> None:
    arn = f"arn:aws:eks:{lab.facts['region']}:{ACCOUNT}:cluster/a b+c~"
    with pytest.raises(ClientError, match="NotFoundException"):
        lab.client("eks").list_tags_for_resource(resourceArn=arn)


def test_calls_are_logged_with_their_caller(lab: RunningLab) -> None:
    before = len(lab.calls())
    lab.client("elbv2", "k8s").describe_load_balancers()
    lab.client("ec2").create_security_group(GroupName="logged", Description="logged")
    refusal(lab.client("sts", aws_secret_access_key="wrong"))
    seen = [
        (call["caller"].split("/")[1:2], call["service"], call["operation"], call["mutating"], call["status"])
        for call in lab.calls()[before:]
    ]
    assert seen == [
        (["seam-k8s"], "elasticloadbalancing", "DescribeLoadBalancers", False, 200),
        (["seam-admin"], "ec2", "CreateSecurityGroup", True, 200),
        ([], "sts", "GetCallerIdentity", False, 403),
    ]
