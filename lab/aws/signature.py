# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who signed a request: AWS's Signature Version 4, checked with botocore's own signer against the account's keys.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import dataclasses
import datetime
import hmac
from urllib.parse import urlsplit, urlunsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.core.request import Request

from lab.aws import partitions

ALGORITHM = "AWS4-HMAC-SHA256"
TIMESTAMP = "%Y%m%dT%H%M%SZ"
#: A signature holds for this long before and after its time. A presigned STS URL too, whatever its X-Amz-Expires.
WINDOW = datetime.timedelta(minutes=15)


class Refused(Exception):
    """The request is not authentic. ``code`` is that of AWS's query protocol; other protocols have other names."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclasses.dataclass(frozen=True)
class Caller:
    """The owner of the key that signed: ``arn`` as in GetCallerIdentity."""

    arn: str
    credentials: Credentials
    expiration: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True)
class Signature:
    """A request's signature, as it came in the Authorization header or in a presigned URL's query."""

    access_key: str
    region: str
    service: str
    timestamp: str
    signed_headers: tuple[str, ...]
    token: str | None
    digest: str

    @classmethod
    def of(cls, request: Request) -> Signature:
        """Read the signature. Raises :class:`Refused` if there is none or it can't be understood."""
        header = request.headers.get("Authorization", "")
        if header.startswith(ALGORITHM):
            parts = dict(
                part.strip().split("=", 1) for part in header.removeprefix(ALGORITHM).split(",") if "=" in part
            )
            outer = request.headers
        elif "X-Amz-Signature" in request.args:
            parts = {
                name: request.args.get(f"X-Amz-{name}", "") for name in ("Credential", "SignedHeaders", "Signature")
            }
            outer = request.args
        else:
            raise Refused("MissingAuthenticationToken", "Request is missing Authentication Token")
        scope = parts.get("Credential", "").split("/")
        if len(scope) != 5 or not parts.get("SignedHeaders") or not parts.get("Signature"):
            raise Refused("IncompleteSignature", "The request signature does not conform to AWS standards.")
        return cls(
            access_key=scope[0],
            region=scope[2],
            service=scope[3],
            timestamp=outer.get("X-Amz-Date", ""),
            signed_headers=tuple(parts["SignedHeaders"].split(";")),
            token=outer.get("X-Amz-Security-Token"),
            digest=parts["Signature"],
        )

    @property
    def scope(self) -> str:
        """The key and its scope, from the Credential part of a signature."""
        return f"{self.access_key}/{self.timestamp[:8]}/{self.region}/{self.service}/aws4_request"

    def verify(self, request: Request) -> Caller:
        """The caller whose secret made this signature. Raises :class:`Refused`."""
        caller = find_caller(self.access_key, self.region)
        if caller is None or caller.credentials.token != self.token:
            raise Refused("InvalidClientTokenId", "The security token included in the request is invalid.")
        now = datetime.datetime.now(datetime.UTC)
        if caller.expiration and caller.expiration <= now:
            raise Refused("ExpiredToken", "The security token included in the request is expired")
        self._check_time(now)
        if not hmac.compare_digest(self._expected(request, caller.credentials), self.digest):
            raise Refused(
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
                "Access Key and signing method. Consult the service documentation for details.",
            )
        return caller

    def _check_time(self, now: datetime.datetime) -> None:
        try:
            signed = datetime.datetime.strptime(self.timestamp, TIMESTAMP).replace(tzinfo=datetime.UTC)
        except ValueError:
            raise Refused("IncompleteSignature", "Date must be in ISO-8601 'basic format'.") from None
        if signed + WINDOW < now:
            message = f"Signature expired: {self.timestamp} is now earlier than {(now - WINDOW).strftime(TIMESTAMP)}"
            raise Refused("SignatureDoesNotMatch", f"{message} ({now.strftime(TIMESTAMP)} - 15 min.)")
        if signed - WINDOW > now:
            message = (
                f"Signature not yet current: {self.timestamp} is still later than {(now + WINDOW).strftime(TIMESTAMP)}"
            )
            raise Refused("SignatureDoesNotMatch", f"{message} ({now.strftime(TIMESTAMP)} + 15 min.)")

    def _expected(self, request: Request, credentials: Credentials) -> str:
        """botocore's signature of the same request, over the headers that the caller signed."""
        url = urlsplit(request.raw_url)
        query = "&".join(pair for pair in url.query.split("&") if not pair.startswith("X-Amz-Signature="))
        headers = {name: request.headers.get(name, "") for name in self.signed_headers}
        again = AWSRequest(request.method, urlunsplit(url._replace(query=query)), headers, request.get_data())
        again.context["timestamp"] = self.timestamp
        signer = SigV4Auth(credentials, self.service, self.region)
        return str(signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again))


def find_caller(access_key: str, region: str) -> Caller | None:
    """The owner of an access key of this account: a role's session, or an IAM user."""
    session = partitions.sts(region).get_assumed_role_from_access_key(access_key)
    if session:
        credentials = Credentials(access_key, session.secret_access_key, session.session_token)
        return Caller(session.arn, credentials, session.expiration.replace(tzinfo=datetime.UTC))
    user = partitions.iam(region).get_user_from_access_key_id(access_key)
    for key in user.access_keys if user else []:
        if key.access_key_id == access_key and key.status == "Active":
            return Caller(user.arn, Credentials(access_key, key.secret_access_key))
    return None
