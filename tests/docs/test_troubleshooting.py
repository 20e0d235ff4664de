# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The troubleshooting guide has each sentence that plugins, roles and playbooks can say, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
GUIDE = CHECKOUT / "docs/docsite/rst/guide_troubleshooting.rst"

#: Stands in the guide for a value that a message is filled with.
GAP = "…"

#: Sentences in the plugins that are never the reason of a failure.
NO_MESSAGES = {
    # Words that are looked for in AWS's answers.
    "Error in role params",
    "IAM role's policy must include",
    "Missing Authentication Token",
    "No cluster found for name:",
    "The provided role doesn't have the Amazon EKS Managed Policies associated with it",
    "associated with another service",
    "could not be assumed because",
    "does not exist",
    "is referenced in",
    "authentication mode must be set to one of [API",
    # What is looked for in names, and replaced in a message.
    r"(?=\S)[A-Za-z0-9 _.:/=+@*?-]{1,128}(?<=\S)",
    r"(?=\S)[A-Za-z0-9 _.:/=+@-]{1,128}(?<=\S)",
    # A type.
    "str | t.Mapping[str, t.Any] | t.Sequence[t.Any]",
    # A deployment's description.
    "imported sha256:… stored sha256:…",
    "imported sha256:([0-9a-f]{64}) stored sha256:([0-9a-f]{64})",
    # A stage's description.
    "before: deployment … variables …",
    "before: deployment (\\w+) variables (\\{.*\\})",
    # A mapping template.
    '#set($context.requestOverride.path = "…")',
    # Descriptions of links.
    "EKS cluster …, Service …",
    """#set(… = $util.urlEncode($input.params('…')).replaceAll("[+]", "%20")…)""",
    # Kinds, and who holds one, in the sentences about adoption.
    "VPC link V1",
    "VPC link V2",
    "the CloudFormation stack",
    # Progress, and the aims of waits.
    ", … more to follow",
    "AWS has done …, and does not show it yet.",
    "Load balancer … is …, ….",
    "Service … shows its load balancer.",
    "The cluster is ACTIVE.",
    "There is no cluster.",
    "all … requests were answered as expected",
    "the API at … to answer",
    "the VPC link is gone",
    "the Kubernetes API of … to answer",
    "the load balancer of …",
    "to become available",
    "no endpoint service has the load balancer any more",
    "… of … targets healthy",
    # From a report on the changes to a document.
    "callbacks are left out",
    "jsonSchemaDialect is left out",
    "of several examples the first is kept",
    "paths are served without the slash at their end",
    "payloadFormatVersion is left out, as it is of HTTP APIs",
    "responses that are not for one status code are left out",
    "schemas of responses that are neither objects nor named are left out",
    "the keyword … is left out",
    "the summary is left out",
    "webhooks are left out",
    "… is left out, as it is of HTTP APIs",
    "…: … is now …, through …",
    # How a verdict becomes a message.
    "… Owner: … To do: …",
    "… Owner: …. To do: …",
    "load balancer of …/…",
    # In a drift, in place of a value.
    "as it is",
    # Mistakes of a caller within the collection.
    "A load balancer's state can be judged only where it is seen through AWS.",
    "No such goal: …",
    # Said by Ansible around it.
    "for deletion protection",
}


def plain(text: str) -> str:
    return re.sub(f"{GAP}+", GAP, re.sub(r"\s+", " ", text)).strip()


def is_sentence(text: str) -> bool:
    return len(re.findall(r"[A-Za-z']+", text)) > 2 and " " in text


def of_plugins() -> Iterator[str]:
    for path in (CHECKOUT / "plugins").rglob("*.py"):
        tree = ast.parse(path.read_text())
        passed = set(silent(tree))
        for node in ast.walk(tree):
            if id(node) not in passed and (text := template(node)):
                yield text


def silent(tree: ast.AST) -> Iterator[int]:
    """Documentation, the names of operations (after "Failed to"), and parts of longer sentences."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            yield id(node.value)
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "").isupper():
            yield from (id(node.value),) if isinstance(node.value, ast.Constant) else ()
        elif isinstance(node, ast.FunctionDef):
            yield from (id(part) for decorator in node.decorator_list for part in ast.walk(decorator))
        elif isinstance(node, ast.JoinedStr):
            yield from (id(part) for part in node.values)


def template(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values)
    return None


def of_roles() -> Iterator[str]:
    for path in (*CHECKOUT.glob("roles/*/tasks/*.yml"), *CHECKOUT.glob("playbooks/**/*.yml")):
        for task in tasks(yaml.safe_load(path.read_text())):
            for module in ("ansible.builtin.assert", "ansible.builtin.fail", "seam.eks_auto.check_identity"):
                options = task.get(module) or {}
                for key in ("fail_msg", "msg", "remedy"):
                    yield from of_jinja(str(options.get(key, "")))
    for path in CHECKOUT.glob("roles/*/vars/main.yml"):
        # The parts of messages that several tasks have in common.
        for name, value in yaml.safe_load(path.read_text()).items():
            if name.endswith(("_held", "_change", "_words")):
                yield from of_jinja(value)


def tasks(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for item in node:
            yield from tasks(item)
    elif isinstance(node, dict):
        yield node
        for key in ("block", "rescue", "always", "tasks", "pre_tasks"):
            yield from tasks(node.get(key))


def of_jinja(text: str) -> Iterator[str]:
    """The text with gaps, and the possible values of an expression in it."""
    for expression in re.findall(r"{{(.*?)}}", text, re.DOTALL):
        yield from (part for part in re.findall(r"'([^']*)'", expression) if is_sentence(part))
    yield re.sub(r"{%.*?%}", "", re.sub(r"{{.*?}}", GAP, text, flags=re.DOTALL), flags=re.DOTALL)


def messages() -> set[str]:
    return {text for found in (*of_plugins(), *of_roles()) if is_sentence(text := plain(found))} - NO_MESSAGES


def guide() -> str:
    return plain(GUIDE.read_text().replace("``", ""))


def terms() -> list[str]:
    """The guide's keys: literals on a line of their own, above their explanation."""
    lines = re.findall(r"^(``.+``)$(?=\n    )", GUIDE.read_text(), re.MULTILINE)
    return [term for line in lines for term in re.findall(r"``(.+?)``", line)]


def test_the_guide_has_every_message() -> None:
    """At length, or by a key that is a part of it, long enough to be no other's."""
    text = guide()
    keys = [key for key in terms() if is_sentence(key)]
    missing = [said for said in messages() if said not in text and not any(key in said for key in keys)]
    assert sorted(missing) == []


def test_the_guide_has_no_message_that_nobody_says() -> None:
    said = [plain(found) for found in (*of_plugins(), *of_roles())]
    assert len(terms()) > 100
    assert [key for key in terms() if not any(key.strip("[]") in text for text in said)] == []


def test_what_is_no_message_is_still_there() -> None:
    assert {plain(text) for text in of_plugins()} >= NO_MESSAGES


if __name__ == "__main__":
    print("\n".join(sorted(messages())))
