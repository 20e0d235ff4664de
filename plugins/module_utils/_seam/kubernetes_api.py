# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The few reads of the Kubernetes API that look at a namespace: get, list and watch, each with a token of its own.

They speak HTTP themselves: loading Kubernetes' typed client takes longer than all of these calls.
"""

from __future__ import annotations

import base64
import json
import os
import tempfile
import threading
import typing as t
from contextlib import contextmanager, suppress
from urllib.parse import urlencode

from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError

from .._eks.token import mint_token

# botocore brings it; AnsibleAWSModule says so if that is missing.
with suppress(ImportError):
    import urllib3

Resource = dict[str, t.Any]

_PATHS = {"Service": "services", "Event": "events", "Pod": "pods"}

# Seconds after which the API server ends a watch. A token outlives it many times over (15 minutes).
WATCH_LENGTH = 120
# Seconds without an answer after which a connection counts as lost: to connect, to read.
_LIST_TIMEOUT = (5, 15)
_WATCH_TIMEOUT = (5, WATCH_LENGTH + 15)
# boto3 sessions may not be used by two threads at once.
_MINT_LOCK = threading.Lock()


class KubernetesError(Exception):
    """A call that failed.

    ``denied``: the API server did answer, but it does not let us (401, 403). ``retry_after``: the seconds for which it
    wants to be left alone (429, 503). ``status``: its HTTP status, None without an answer.
    """

    def __init__(self, message: str, denied: bool = False, retry_after: float = 0.0, status: int | None = None) -> None:
        super().__init__(message)
        self.denied = denied
        self.retry_after = retry_after
        self.status = status


class KubernetesApi:
    """One cluster, as its raw objects; ``namespace`` is the one that :meth:`list` and :meth:`watch` look at.

    ``endpoint`` is the API server's URL, ``ca_file`` the path of its certificate authority (PEM), ``mint`` gives a
    bearer token. Every call raises :class:`KubernetesError`.
    """

    def __init__(self, endpoint: str, ca_file: str, mint: t.Callable[[], str], namespace: str) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._mint = mint
        self._namespace = namespace
        # Who calls tries again, in its own time.
        self._pool = urllib3.PoolManager(ca_certs=ca_file, retries=False)

    def get(self, path: str, **query: str) -> Resource:
        """What the API server has at a path, such as ``/api/v1``."""
        with self._request(path, query, _LIST_TIMEOUT) as response:
            return t.cast(Resource, json.loads(response.read()))

    def list(self, kind: str, **selectors: str) -> tuple[list[Resource], str]:
        """The objects of a kind, and the resource version to watch from. Selectors: label_selector, field_selector."""
        answer = self.get(self._path(kind), **_query(selectors))
        items = [{"apiVersion": "v1", "kind": kind, **item} for item in answer.get("items") or []]
        return items, answer["metadata"]["resourceVersion"]

    def watch(self, kind: str, resource_version: str, **selectors: str) -> t.Iterator[tuple[str, Resource]]:
        """Changes since the resource version, as (``ADDED``, ``MODIFIED`` or ``DELETED``, object), as they come.

        Ends when the API server ends it, now and then; a resource version too old is an error.
        """
        query = {"watch": "true", "resourceVersion": resource_version, "timeoutSeconds": str(WATCH_LENGTH)}
        with self._request(self._path(kind), {**query, **_query(selectors)}, _WATCH_TIMEOUT) as response:
            for line in _lines(response):
                change = json.loads(line)
                if change["type"] == "ERROR":
                    raise KubernetesError(
                        "{code} {message}".format_map({"code": "", "message": "", **change["object"]})
                    )
                yield change["type"], change["object"]

    def _path(self, kind: str) -> str:
        return f"/api/v1/namespaces/{self._namespace}/{_PATHS[kind]}"

    @contextmanager
    def _request(self, path: str, query: dict[str, str], timeout: tuple[int, int]) -> t.Iterator[t.Any]:
        """The answer to a GET, still to be read; turns what goes wrong inside into our exception."""
        url = f"{self._endpoint}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            with _MINT_LOCK:
                token = self._mint()
            response = self._pool.request(
                "GET",
                url,
                headers={"Accept": "application/json", "Authorization": f"Bearer {token}"},
                timeout=urllib3.Timeout(connect=timeout[0], read=timeout[1]),
                preload_content=False,
            )
            try:
                if response.status != 200:
                    raise _error(response)
                yield response
            finally:
                # An answer that wasn't read to its end, as of a watch, takes its connection with it.
                response.close()
        except (urllib3.exceptions.HTTPError, OSError, ValueError, AnsibleAWSError) as error:
            raise KubernetesError(str(error)) from error


def connect(module: t.Any, cluster: Resource, namespace: str) -> KubernetesApi:
    """The API of a cluster as DescribeCluster shows it, with tokens of the module's AWS credentials."""
    sts = module.client("sts")
    descriptor, ca_file = tempfile.mkstemp(dir=module.tmpdir, suffix=".pem")
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(base64.b64decode(cluster["certificateAuthority"]["data"]))
    return KubernetesApi(cluster["endpoint"], ca_file, lambda: mint_token(sts, cluster["name"]), namespace)


def _query(selectors: dict[str, str]) -> dict[str, str]:
    names = {"label_selector": "labelSelector", "field_selector": "fieldSelector"}
    return {names[name]: value for name, value in selectors.items()}


def _lines(response: t.Any) -> t.Iterator[bytes]:
    rest = b""
    for chunk in response.stream(amt=65536, decode_content=True):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from filter(None, lines)


def _error(response: t.Any) -> KubernetesError:
    """A refusal in the API server's own words. Its Retry-After has whole seconds."""
    try:
        message = str(json.loads(response.read())["message"])
    except (TypeError, ValueError, KeyError):
        message = f"{response.status} {response.reason}"
    seconds = response.headers.get("Retry-After", "")
    return KubernetesError(
        message, response.status in (401, 403), float(seconds) if seconds.isdecimal() else 0.0, response.status
    )
