# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stage's variables: their rules, references to them, and their effect on a stage and its canary."""

from __future__ import annotations

import re

from lab.aws.apigateway.common import Item, bad_request

#: A reference to a stage variable, in an integration's text.
REFERENCE = re.compile(r"\$\{stageVariables\.(\w+)\}")

_NAME = re.compile(r"\w{1,64}", re.ASCII)
#: https://docs.aws.amazon.com/apigateway/latest/api/API_CreateStage.html, variables
_VALUE = re.compile(r"[A-Za-z0-9._~:/?#&=,-]{1,512}")


def resolve(text: str, variables: dict[str, str]) -> str | None:
    """Text with the stage's variables in place of ``${stageVariables.name}``; None when one is missing."""
    if any(name not in variables for name in REFERENCE.findall(text)):
        return None
    return REFERENCE.sub(lambda match: variables[match[1]], text)


def releases(stage: Item) -> list[Item]:
    """The stages that are served: the stage itself and, if it has a canary, the stage with the canary's settings.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/canary-release.html
    """
    if "canarySettings" not in stage:
        return [stage]
    canary, variables = stage["canarySettings"], stage.get("variables", {})
    overridden = {**variables, **canary.get("stageVariableOverrides", {})}
    return [stage, {**stage, "deploymentId": canary["deploymentId"], "variables": overridden}]


def check(variables: dict[str, str]) -> None:
    """Refuse names and values that AWS refuses."""
    for name, value in variables.items():
        if not _NAME.fullmatch(name):
            raise bad_request(f"Invalid stage variable name: {name}. Please use names with only word characters.")
        if not _VALUE.fullmatch(value):
            raise bad_request(
                f"Invalid stage variable value of key {name}.  Please use values with alphanumeric characters and the "
                "symbols ' ', -', '.', '_', ':', '/', '?', '&', '=', and ','."
            )
