# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EKS tokens: their content, their signature and their signer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import typing as t
from urllib.parse import parse_qsl, quote, urlsplit

import boto3
import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._core.errors import SeamError
from ansible_collections.seam.eks_auto.plugins.module_utils._eks.token import TOKEN_PREFIX, mint_token

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


@pytest.fixture(autouse=True)
def no_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def sts(**options: t.Any) -> t.Any:
    credentials = {
        "aws_access_key_id": "AKIDEXAMPLE",
        "aws_secret_access_key": SECRET,
        "aws_session_token": "session/token==",
    }
    return boto3.client("sts", region_name="ap-northeast-1", **{**credentials, **options})


def decode(token: str) -> t.Any:
    assert token.startswith(TOKEN_PREFIX)
    encoded = token.removeprefix(TOKEN_PREFIX)
    assert "=" not in encoded
    return urlsplit(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode())


def signature(url: t.Any, cluster: str) -> str:
    """The signature by the book: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html"""
    query = {key: value for key, value in parse_qsl(url.query, keep_blank_values=True) if key != "X-Amz-Signature"}
    canonical_query = "&".join(f"{quote(key, safe='')}={quote(query[key], safe='')}" for key in sorted(query))
    headers = f"host:{url.netloc}\nx-k8s-aws-id:{cluster}\n"
    payload = hashlib.sha256(b"").hexdigest()
    request = "\n".join(["GET", url.path, canonical_query, headers, "host;x-k8s-aws-id", payload])
    _, scope = query["X-Amz-Credential"].split("/", 1)
    hashed = hashlib.sha256(request.encode()).hexdigest()
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = "\n".join(["AWS4-HMAC-SHA256", query["X-Amz-Date"], scope, hashed])
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def test_a_presigned_call_of_the_regional_sts_that_names_the_cluster() -> None:
    url = decode(mint_token(sts(), "petstore"))
    assert (url.scheme, url.netloc, url.path) == ("https", "sts.ap-northeast-1.amazonaws.com", "/")
    query = dict(parse_qsl(url.query))
    assert query["Action"] == "GetCallerIdentity" and query["Version"] == "2011-06-15"
    assert query["X-Amz-Expires"] == "60"
    assert query["X-Amz-SignedHeaders"] == "host;x-k8s-aws-id"
    assert query["X-Amz-Security-Token"] == "session/token=="


@pytest.mark.parametrize("cluster", ["petstore", "other"])
def test_the_signature_covers_the_cluster(cluster: str) -> None:
    url = decode(mint_token(sts(), cluster))
    assert dict(parse_qsl(url.query))["X-Amz-Signature"] == signature(url, cluster)
    assert dict(parse_qsl(url.query))["X-Amz-Signature"] != signature(url, "third")


def test_one_client_can_sign_for_several_clusters() -> None:
    client = sts()
    for cluster in ("petstore", "other"):
        url = decode(mint_token(client, cluster))
        assert dict(parse_qsl(url.query))["X-Amz-Signature"] == signature(url, cluster)


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"])
def test_the_endpoint_is_the_clients(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    assert decode(mint_token(sts(endpoint_url="http://127.0.0.1:4566"), "petstore")).netloc == "127.0.0.1:4566"
    monkeypatch.setenv(variable, "http://127.0.0.1:5000")
    assert decode(mint_token(sts(), "petstore")).netloc == "127.0.0.1:5000"


def test_without_credentials_there_is_one_clear_error() -> None:
    client = sts(aws_access_key_id=None, aws_secret_access_key=None, aws_session_token=None)
    with pytest.raises(SeamError, match="Failed to sign an EKS token"):
        mint_token(client, "petstore")
