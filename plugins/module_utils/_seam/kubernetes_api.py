# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The few calls of the Kubernetes API that look at a Service: list and watch, each with a token of its own."""

from __future__ import annotations

import json
import threading
import typing as t
from contextlib import contextmanager

from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError

Resource = dict[str, t.Any]

_LISTS = {
    "Service": "list_namespaced_service",
    "Event": "list_namespaced_event",
    "Pod": "list_namespaced_pod",
}

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
    wants to be left alone (429, 503).
    """

    def __init__(self, message: str, denied: bool = False, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.denied = denied
        self.retry_after = retry_after


class KubernetesApi:
    """One namespace of one cluster, as its raw objects.

    ``endpoint`` is the API server's URL, ``ca_file`` the path of its certificate authority (PEM), ``mint`` gives a
    bearer token. Every call raises :class:`KubernetesError`, and ImportError without the ``kubernetes`` package.
    """

    def __init__(self, endpoint: str, ca_file: str, mint: t.Callable[[], str], namespace: str) -> None:
        self._endpoint = endpoint
        self._ca_file = ca_file
        self._mint = mint
        self._namespace = namespace

    def list(self, kind: str, **selectors: str) -> tuple[list[Resource], str]:
        """The objects of a kind, and the resource version to watch from."""
        with self._core() as core:
            answer = getattr(core, _LISTS[kind])(self._namespace, _request_timeout=_LIST_TIMEOUT, **selectors)
            items = [core.api_client.sanitize_for_serialization(item) for item in answer.items]
            return items, answer.metadata.resource_version

    def watch(self, kind: str, resource_version: str, **selectors: str) -> t.Iterator[tuple[str, Resource]]:
        """Changes since the resource version, as (``ADDED``, ``MODIFIED`` or ``DELETED``, object), as they come.

        Ends when the API server ends it, which it does now and then; a resource version that is too old is an error.
        """
        from kubernetes.watch import Watch

        with self._core() as core:
            changes = Watch(return_type="object").stream(
                getattr(core, _LISTS[kind]),
                self._namespace,
                resource_version=resource_version,
                timeout_seconds=WATCH_LENGTH,
                _request_timeout=_WATCH_TIMEOUT,
                **selectors,
            )
            for change in changes:
                yield change["type"], change["raw_object"]

    @contextmanager
    def _core(self) -> t.Iterator[t.Any]:
        """The core API with a fresh token; turns what goes wrong inside into our exception."""
        # Imported when needed: it takes most of a second, and who observes AWS only need not have it.
        from kubernetes import client
        from urllib3.exceptions import HTTPError

        configuration = client.Configuration(host=self._endpoint)
        configuration.ssl_ca_cert = self._ca_file
        configuration.client_side_validation = False
        configuration.retries = False  # who calls tries again, in its own time
        try:
            with _MINT_LOCK:
                token = self._mint()
            with client.ApiClient(configuration, "Authorization", f"Bearer {token}") as api_client:
                yield client.CoreV1Api(api_client)
        except client.ApiException as error:
            denied = error.status in (401, 403)
            raise KubernetesError(_message(error), denied, _retry_after(error)) from error
        except (HTTPError, OSError, AnsibleAWSError) as error:
            raise KubernetesError(str(error)) from error


def _message(error: t.Any) -> str:
    """The API server's own words."""
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return f"{error.status} {error.reason}"


def _retry_after(error: t.Any) -> float:
    """The seconds of a Retry-After header; the API server sends whole ones."""
    value = (error.headers or {}).get("Retry-After", "")
    return float(value) if value.isdecimal() else 0.0
