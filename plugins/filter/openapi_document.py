# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: the text of an OpenAPI document -> the document."""

from __future__ import annotations

import json
import typing as t

import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.openapi import OpenApiError
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.reading import plain


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML with JSON's kinds of values: a date stays text."""

    yaml_implicit_resolvers: t.ClassVar[dict[str, t.Any]] = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def openapi_document(text: str) -> t.Any:
    """See openapi_document.yml."""
    if not isinstance(text, str):
        raise AnsibleFilterError(f"openapi_document: give the text of a document, not a {type(text).__name__}")
    try:
        return plain(_load(text.removeprefix("\ufeff")))
    except OpenApiError as error:
        raise AnsibleFilterError(f"openapi_document: {error}") from error


def _load(text: str) -> t.Any:
    """JSON is tried first. YAML includes nearly all of it, yet reads it slowly and refuses its escaped emoji."""
    try:
        document = json.loads(text)
        # Half of an escaped pair is JSON, but can't be sent.
        json.dumps(document, ensure_ascii=False).encode()
        return document
    except UnicodeEncodeError as error:
        raise OpenApiError(
            f"the OpenAPI document has half of an escaped character: {error.object[error.start]!r}"
        ) from error
    except ValueError as error:
        not_json = error
    try:
        return yaml.load(text, Loader=Loader)
    except yaml.YAMLError as error:
        meant_as_json = text.lstrip().startswith("{")
        raise OpenApiError(
            f"the OpenAPI document is neither JSON nor YAML: {not_json if meant_as_json else error}"
        ) from error


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"openapi_document": openapi_document}
