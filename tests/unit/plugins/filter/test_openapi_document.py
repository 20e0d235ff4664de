# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""openapi_document: JSON first, then YAML, and one error for any other or empty text."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.seam.eks_auto.plugins.filter.openapi_document import FilterModule

read = FilterModule().filters()["openapi_document"]


def test_json_with_emoji_that_are_escaped_as_surrogates() -> None:
    text = json.dumps({"openapi": "3.0.1", "info": {"title": "t", "description": "Hello \U0001f44d"}})
    assert "\\ud83d\\udc4d" in text
    assert read(text)["info"]["description"] == "Hello \U0001f44d"


def test_json_is_not_read_as_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yaml.load", lambda *_arguments, **_options: pytest.fail("reads YAML"))
    assert read("\ufeff" + json.dumps({"openapi": "3.0.1"})) == {"openapi": "3.0.1"}


def test_yaml_gives_the_values_of_json() -> None:
    text = """
    openapi: 3.0.1
    info: {title: Shop, version: 2024-05-01}
    paths:
      /on:
        get:
          responses:
            200: {description: ok}
    x-flags: {on: 1}
    """
    document = read(text)
    assert document["info"]["version"] == "2024-05-01"
    assert document["paths"]["/on"]["get"]["responses"] == {"200": {"description": "ok"}}
    assert document["x-flags"] == {"true": 1}
    assert json.dumps(document)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "neither JSON nor YAML: while parsing"),
        ('{"openapi": "3.0.1"', "neither JSON nor YAML: Expecting ',' delimiter: line 1 column 20"),
        ('{"title": "half \\ud83d"}', "has half of an escaped character: '\\ud83d'"),
        ("a: &a {b: *a}", "nested without end"),
        (7, "give the text of a document, not a int"),
        ("info:\npaths: {/pet: {get: }}", "keys without a value: #/info, #/paths/~1pet/get"),
    ],
)
def test_one_error(text: t.Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        read(text)
    assert message in str(caught.value)


def test_many_keys_without_a_value_are_cut_short() -> None:
    with pytest.raises(AnsibleFilterError, match=r"#/k0, .*#/k9, …$"):
        read("\n".join(f"k{number}:" for number in range(12)))


def test_null_is_a_value_where_anything_may_stand() -> None:
    schema = {"example": None, "default": None, "enum": ["a", None], "x-mine": None, "type": ["string", None]}
    read_schema = read(json.dumps({"schema": schema}))["schema"]
    # null in a list of types is the type "null", though YAML reads it as no value unless quoted.
    assert read_schema == {**schema, "type": ["string", "null"]}
    with pytest.raises(AnsibleFilterError, match="#/properties/default"):
        read(json.dumps({"properties": {"default": None}}))
