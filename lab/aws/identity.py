# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who uses a cluster's Kubernetes API, and what they may do: EKS tokens, access entries, access policies.

Tokens are checked as EKS's own authenticator does
(https://github.com/kubernetes-sigs/aws-iam-authenticator, pkg/token/token.go); STS's host is the lab's.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime
import logging
import time
import urllib.error
import urllib.request
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

from lab.aws.eks.cluster import AccessEntry, Cluster
from lab.aws.signature import TIMESTAMP
from lab.kubernetes import policies
from lab.kubernetes.auth import Attributes, Decision, User
from lab.kubernetes.policies import Association
from lab.settings import ACCOUNT

PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"
#: Seconds for which a verified token is not verified again.
REMEMBERED = 3.0

_LOG = logging.getLogger(__name__)
_MAX_TOKEN_LENGTH = 4096
_PARAMETERS = {
    "action",
    "version",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
    "x-amz-user-agent",
}
_STS = "{https://sts.amazonaws.com/doc/2011-06-15/}"


class BadToken(Exception):
    """Why a token is not good. Only the log says so: the caller hears "Unauthorized"."""


@dataclasses.dataclass(frozen=True)
class Identity:
    """A token's maker, from STS. ``principal_id`` is IAM's unique id of the role or user."""

    arn: str
    principal_id: str
    session_name: str
    access_key: str


class ClusterAccess:
    """Authentication and authorization of one cluster; ``authenticate`` blocks, ``authorize`` doesn't.

    ``lifetime`` is how long a token is good; AWS's are for 15 minutes.
    """

    def __init__(self, cluster: Cluster, sts_url: str, lifetime: datetime.timedelta) -> None:
        self.cluster = cluster
        self.sts_host = urlsplit(sts_url).netloc
        self.lifetime = lifetime
        #: Verified tokens: when to verify them again, and whose they are.
        self._verified: dict[str, tuple[float, Identity]] = {}

    def authenticate(self, token: str) -> User | None:
        """The Kubernetes user that a token stands for, by the access entry of its maker."""
        try:
            identity = self._verify_or_remember(token)
        except BadToken as reason:
            _LOG.info("cluster %s: token refused: %s", self.cluster.name, reason)
            return None
        entry = self._entry(identity.principal_id)
        if entry is None:
            _LOG.info("cluster %s: no access entry for %s", self.cluster.name, identity.arn)
            return None
        return _user(identity, entry)

    def authorize(self, user: User, wanted: Attributes) -> Decision:
        """Whether the access policies of the user's access entry allow it. RBAC is the API server's own affair."""
        entry = self._entry(user.uid.rpartition(":")[2])
        if entry is None:
            return Decision(False)
        return policies.authorize((_as_association(item) for item in list(entry.policies.values())), wanted)

    def _entry(self, principal_id: str) -> AccessEntry | None:
        entries = list(self.cluster.entries.values())
        return next((entry for entry in entries if entry.principal_id == principal_id), None)

    def _verify_or_remember(self, token: str) -> Identity:
        now = time.monotonic()
        self._verified = {known: (until, who) for known, (until, who) in self._verified.items() if until > now}
        if token not in self._verified:
            identity, left = self._verify(token)
            self._verified[token] = (now + min(REMEMBERED, left), identity)
        return self._verified[token][1]

    def _verify(self, token: str) -> tuple[Identity, float]:
        """The token's maker, and for how many seconds the token is still good. Raises :class:`BadToken`."""
        url = _decode(token)
        parts = urlsplit(url)
        if parts.netloc != self.sts_host:
            raise BadToken(f'unexpected hostname "{parts.netloc}" in pre-signed URL')
        if parts.path not in ("", "/"):
            raise BadToken("unexpected path in pre-signed URL")
        parameters = _parameters(parts.query)
        if parameters.get("action") != "GetCallerIdentity":
            raise BadToken("unexpected action parameter in pre-signed URL")
        if CLUSTER_HEADER not in parameters.get("x-amz-signedheaders", "").lower().split(";"):
            raise BadToken(f"client did not sign the {CLUSTER_HEADER} header in the pre-signed URL")
        expires = parameters.get("x-amz-expires", "")
        if not expires.isdecimal() or int(expires) > 900:
            raise BadToken("invalid X-Amz-Expires parameter in pre-signed URL")
        left = self._time_left(parameters.get("x-amz-date", ""))
        return self._ask_sts(url, parameters.get("x-amz-credential", "").partition("/")[0]), left

    def _time_left(self, date: str) -> float:
        try:
            made = datetime.datetime.strptime(date, TIMESTAMP).replace(tzinfo=datetime.UTC)
        except ValueError:
            raise BadToken("X-Amz-Date parameter must be present in pre-signed URL") from None
        left = (made + self.lifetime - datetime.datetime.now(datetime.UTC)).total_seconds()
        if left < 0:
            raise BadToken(f"X-Amz-Date parameter is expired ({self.lifetime} expiration) {date}")
        return left

    def _ask_sts(self, url: str, access_key: str) -> Identity:
        """Let STS verify the signature, over the name of this cluster."""
        request = urllib.request.Request(url, headers={CLUSTER_HEADER: self.cluster.name})
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                result = ElementTree.parse(response).find(f"{_STS}GetCallerIdentityResult")
        except urllib.error.HTTPError as error:
            raise BadToken(f"error from AWS (expected 200, got {error.code})") from error
        except OSError as error:
            raise BadToken(f"error during GET: {error}") from error
        if result is None:
            raise BadToken("error from AWS: no identity in the answer")
        user_id = result.findtext(f"{_STS}UserId", "")
        principal_id, _, session_name = user_id.partition(":")
        return Identity(result.findtext(f"{_STS}Arn", ""), principal_id, session_name, access_key)


def _decode(token: str) -> str:
    if len(token) > _MAX_TOKEN_LENGTH:
        raise BadToken("token is too large")
    if not token.startswith(PREFIX):
        raise BadToken(f'token is missing expected "{PREFIX}" prefix')
    encoded = token.removeprefix(PREFIX)
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise BadToken(str(error)) from error


def _parameters(query: str) -> dict[str, str]:
    """The query with lower-case names: known ones only, each once."""
    parameters: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        name = key.lower()
        if name not in _PARAMETERS:
            raise BadToken(f'non-whitelisted query parameter "{key}"')
        if name in parameters:
            raise BadToken(f'duplicate query parameter found: "{key}"')
        parameters[name] = value
    return parameters


def _user(identity: Identity, entry: AccessEntry) -> User:
    """https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html (user names)"""
    name = (
        str(entry.info["username"])
        .replace("{{SessionNameRaw}}", identity.session_name)
        .replace("{{SessionName}}", identity.session_name.replace("@", "-"))
        .replace("{{AccountID}}", ACCOUNT)
    )
    extra = {
        "accessKeyId": (identity.access_key,),
        "arn": (identity.arn,),
        "canonicalArn": (entry.info["principalArn"],),
        "principalId": (identity.principal_id,),
        "sessionName": (identity.session_name,),
    }
    uid = f"aws-iam-authenticator:{ACCOUNT}:{identity.principal_id}"
    return User(name, uid, tuple(entry.info["kubernetesGroups"]), extra)


def _as_association(item: dict[str, object]) -> Association:
    scope = item["accessScope"]
    assert isinstance(scope, dict)
    namespaces = tuple(scope["namespaces"]) if scope["type"] == "namespace" else None
    return Association(str(item["policyArn"]), namespaces)
