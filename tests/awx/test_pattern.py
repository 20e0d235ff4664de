# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Surveys, playbooks, inventories and the roles' argument specs agree, and the pattern's files refer to existing
things.
"""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from jinja2 import StrictUndefined, sandbox

CHECKOUT = Path(__file__).resolve().parents[2]
PATTERN = CHECKOUT / "extensions/patterns/eks_auto_api"
PLAYBOOKS = CHECKOUT / "playbooks"
#: The play of a team, which its playbooks import.
TEAM = PLAYBOOKS / "shared/team.yml"

DEFINITION = json.loads((PATTERN / "meta/pattern.json").read_text())
RESOURCES = DEFINITION["aap_resources"]
TEMPLATES = {each["name"]: each for each in RESOURCES["controller_job_templates"]}
CONTROLLER = yaml.safe_load((PATTERN / "meta/controller.yml").read_text())
WORKFLOWS = {each["name"]: each for each in CONTROLLER["workflows"]}
QUESTIONS = [
    pytest.param(name, question, id=question["variable"])
    for name, template in TEMPLATES.items()
    for question in template.get("survey", {}).get("spec", [])
]
#: The type that AWX takes a question's default in.
ANSWERS = {"integer": int, "float": float, "text": str, "multiplechoice": str}


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def spec(role: str) -> dict[str, Any]:
    """The options of a role, whatever its entry point."""
    points = read(CHECKOUT / "roles" / role / "meta/argument_specs.yml")["argument_specs"].values()
    return {name: option for point in points for name, option in point["options"].items()}


def default(role: str, variable: str) -> Any:
    return read(CHECKOUT / "roles" / role / "defaults/main.yml").get(variable)


def bounds(role: str, variable: str) -> tuple[int, int] | None:
    """The range of a variable in the role's check of its input."""
    path = CHECKOUT / "roles" / role / "tasks/check.yml"
    tasks = read(path if path.exists() else path.with_name("preflight.yml"))
    rules = [task["seam.eks_auto.check_input"]["rules"] for task in tasks if "seam.eks_auto.check_input" in task]
    between = [each[variable]["between"] for each in rules if isinstance(each.get(variable), dict)]
    loops = [task["loop"] for task in tasks if isinstance(task.get("loop"), list)]
    between += [[x["least"], x["most"]] for loop in loops for x in loop if x.get("name") == variable]
    return (between[0][0], between[0][1]) if between else None


def imported(play: dict[str, Any], playbook: Path) -> Path | None:
    """The playbook that a play imports, by path or by full name."""
    name = play.get("ansible.builtin.import_playbook")
    if name is None:
        return None
    if name.startswith("seam.eks_auto."):
        return PLAYBOOKS / (name.removeprefix("seam.eks_auto.").replace(".", "/") + ".yml")
    return (playbook.parent / name).resolve()


def plays(playbook: Path) -> list[dict[str, Any]]:
    """The plays of a playbook and of those that it imports."""
    return [play for entry in read(playbook) for play in of_entry(entry, playbook)]


def of_entry(entry: dict[str, Any], playbook: Path) -> list[dict[str, Any]]:
    """The plays of one entry. The import of a team's play names the team and its steps."""
    source = imported(entry, playbook)
    if source == TEAM:
        return [{**entry, "hosts": entry["vars"]["seam_team"], "steps": entry["vars"]["seam_steps"]}]
    return plays(source) if source else [entry]


def roles(found: list[dict[str, Any]]) -> list[str]:
    return [step["role"] for play in found for step in play.get("steps", []) if "role" in step]


def options(found: list[dict[str, Any]]) -> dict[str, tuple[str, dict[str, Any]]]:
    """The options of all roles that plays run, each with its role."""
    return {name: (role, option) for role in roles(found) for name, option in spec(role).items()}


def of_template(name: str) -> list[dict[str, Any]]:
    return plays(PATTERN / "playbooks" / TEMPLATES[name]["playbook"])


def fits(name: str, value: Any, option: dict[str, Any]) -> str:
    """Why an option doesn't take a value; empty if it does. A value that is one template is known at run time only."""
    if isinstance(value, str) and value.startswith("{{"):
        return ""
    return "; ".join(ArgumentSpecValidator({name: option}).validate({name: value}).error_messages)


def asked_as(option: dict[str, Any]) -> tuple[str, list[str] | None]:
    """The type and the choices of a question about an option."""
    if option["type"] == "bool":
        return "multiplechoice", ["false", "true"]
    if option.get("choices"):
        return "multiplechoice", option["choices"]
    return {"int": "integer", "float": "float"}.get(option["type"], "text"), None


def faults(question: dict[str, Any], known: dict[str, tuple[str, dict[str, Any]]], inventory: set[str]) -> list[str]:
    """The faults of a question, by the options of its template's roles and the inventory's variables."""
    variable = question["variable"]
    if variable not in known:
        return ["no role of the playbook has this variable"]
    role, option = known[variable]
    kind, choices = asked_as(option)
    expected = default(role, variable)
    if option["type"] == "bool":
        expected = str(expected).lower()
    limits = bounds(role, variable)
    wrong = {
        f"the type is {kind}": question["type"] != kind,
        f"the choices are {choices}": question.get("choices") != choices,
        f"the role's default is {expected}": question.get("default") != expected,
        "AWX takes no default of this type": type(question.get("default")) is not ANSWERS.get(question["type"]),
        f"the role takes {limits}": (question.get("min"), question.get("max")) != (limits or (None, None)),
        # A required question has no default for AWX: launches by API and workflows would have to answer it.
        "the role does not require it": question["required"] is not option.get("required", False),
        # The survey's answer, even the default, would win silently.
        "the inventory sets it as well": variable in inventory,
    }
    return [fault for fault, found in wrong.items() if found]


def inventory_variables(name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in sorted((CHECKOUT / "inventories" / name / "group_vars").glob("*.yml")):
        found |= read(path)
    return found


@pytest.mark.parametrize(("template", "question"), QUESTIONS)
def test_question_is_what_the_role_wants(template: str, question: dict[str, Any]) -> None:
    assert faults(question, options(of_template(template)), set(inventory_variables("example"))) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"variable": "petstore_workload_copies"}, "no role of the playbook has this variable"),
        ({"variable": "vpc_tagging_private"}, "no role of the playbook has this variable"),
        ({"type": "text", "default": "2"}, "the type is integer"),
        ({"default": 3}, "the role's default is 2"),
        ({"default": "2"}, "AWX takes no default of this type"),
        ({"choices": ["2", "3"]}, "the choices are None"),
        ({"min": 0}, "the role takes (1, 1000)"),
        ({"max": 2000}, "the role takes (1, 1000)"),
        ({"required": True}, "the role does not require it"),
        ({"variable": "petstore_workload_image"}, "the inventory sets it as well"),
    ],
)
def test_wrong_question_is_found(change: dict[str, Any], fault: str) -> None:
    template = "EKS API / k8s / Workload"
    question = TEMPLATES[template]["survey"]["spec"][0] | change
    assert fault in faults(question, options(of_template(template)), set(inventory_variables("example")))


@pytest.mark.parametrize("inventory", ["example", "lab"])
def test_inventory_sets_what_roles_have(inventory: str) -> None:
    known = {name: option for path in (CHECKOUT / "roles").iterdir() for name, option in spec(path.name).items()}
    for name, value in inventory_variables(inventory).items():
        if name.startswith(tuple(path.name for path in (CHECKOUT / "roles").iterdir())):
            assert name in known, name
            assert fits(name, value, known[name]) == ""


@pytest.mark.parametrize(
    "playbook", sorted((*PLAYBOOKS.rglob("*.yml"), *PATTERN.glob("playbooks/*.yml"))), ids=lambda x: x.stem
)
def test_playbook_sets_what_its_roles_have(playbook: Path) -> None:
    if playbook.parent.name in ("shared", "awx"):
        return
    for play in read(playbook):
        known = options(of_entry(play, playbook))
        for name, value in play.get("vars", {}).items():
            # Variables that playbooks pass to each other.
            if name.startswith("seam_"):
                continue
            assert name in known, name
            assert fits(name, value, known[name][1]) == ""


def test_example_inventory_sets_what_the_playbooks_ask_of_it() -> None:
    used = {
        name for path in PLAYBOOKS.rglob("*.yml") for name in re.findall(r"\bseam_\w+|\baws_auth\b", path.read_text())
    }
    # Set by the playbooks themselves, by the person who runs one, or by AWX.
    others = {"seam_team", "seam_play", "seam_steps", "seam_step", "seam_contract", "seam_next_contract"}
    others |= {"seam_drift_report", "seam_drift", "seam_drift_continues", "seam_drift_fails", "seam_adopt"}
    assert used - others == {name for name in inventory_variables("example") if name in used}


def test_pattern_has_what_the_format_asks_for() -> None:
    assert DEFINITION["name"] == PATTERN.name
    assert len(DEFINITION["title"]) <= 64
    assert {"schema_version", "description", "short_description"} <= set(DEFINITION)
    assert {"name", "description"} <= set(RESOURCES["controller_project"])
    assert {"name", "description", "image_name"} <= set(RESOURCES["controller_execution_environment"])
    assert (PATTERN / "README.md").is_file()
    assert [each.get("primary", False) for each in TEMPLATES.values()].count(True) == 1
    for template in TEMPLATES.values():
        assert template["execution_environment"] == RESOURCES["controller_execution_environment"]["name"]
        assert template["ask_inventory_on_launch"] is template["ask_credential_on_launch"] is True
    assert {each["playbook"] for each in TEMPLATES.values()} == {
        path.name for path in (PATTERN / "playbooks").iterdir()
    }


@pytest.mark.parametrize("template", TEMPLATES)
def test_template_is_one_teams_and_works_on_its_hosts_with_its_credential(template: str) -> None:
    (owner,) = (each for each in CONTROLLER["templates"] if template in each["names"])
    assert {play["hosts"] for play in of_template(template)} == {owner["team"]}
    assert {"name": owner["credential"], "team": owner["team"]} in CONTROLLER["credentials"]
    assert owner["team"] in [team["name"] for team in CONTROLLER["teams"]]


def steps(workflow: str) -> list[str]:
    """The templates of a workflow in order, with an empty text for an approval."""
    nodes = {each["identifier"]: each for each in WORKFLOWS[workflow]["nodes"]}
    (at,) = set(nodes) - {after for each in nodes.values() for after in each["success_nodes"]}
    order: list[dict[str, Any]] = []
    while at:
        order.append(nodes[at])
        (at,) = nodes[at]["success_nodes"] or [""]
    assert len(order) == len(nodes)
    return [each.get("unified_job_template", "") for each in order]


@pytest.mark.parametrize(
    ("workflow", "playbook"),
    [
        ("EKS API / Deploy", "site.yml"),
        ("EKS API / Upgrade", "upgrade.yml"),
        ("EKS API / Replace load balancer", "replace_nlb.yml"),
        ("EKS API / Remove", "teardown.yml"),
    ],
)
def test_workflow_does_what_the_playbook_for_one_person_does(workflow: str, playbook: str) -> None:
    """The same plays in the same order. The checks at the start of the one-person playbook are each team's in its
    template.
    """
    found = [play for template in steps(workflow) if template for play in of_template(template)]
    teams = [play for play in plays(PLAYBOOKS / playbook) if not play["name"].startswith("Check | ")]
    assert [play["name"] for play in found] == [play["name"] for play in teams]


def test_a_replacement_is_approved_before_the_requests_move_and_before_the_way_back_is_closed() -> None:
    templates = steps("EKS API / Replace load balancer")
    after = [template for before, template in itertools.pairwise(templates) if before == ""]
    assert after == ["EKS API / infra / Canary", "EKS API / infra / Switch", "EKS API / infra / Remove link"]


@pytest.mark.parametrize("workflow", ["EKS API / Deploy", "EKS API / Remove"])
def test_the_one_approval_is_at_the_seam(workflow: str) -> None:
    """Before the first play of the other side."""
    templates = steps(workflow)
    seam = templates.index("")
    assert templates.count("") == 1
    # The API on one side, the load balancer that it is joined to on the other.
    sides = {roles(of_template(templates[seam - 1]))[0], roles(of_template(templates[seam + 1]))[0]}
    assert sides == {"petstore_workload", "apigw_vpclink"}
    assert WORKFLOWS[workflow]["approved_by"] == of_template(templates[seam + 1])[0]["hosts"]


def test_credential_type_injects_its_own_fields_alone() -> None:
    """AWX refuses an injector that names an unknown field or one of Ansible's own variables."""
    kind = CONTROLLER["credential_type"]
    fields = {field["id"]: "x" for field in kind["inputs"]["fields"]}
    assert set(kind["inputs"]["required"]) == set(fields)
    assert [field["id"] for field in kind["inputs"]["fields"] if field.get("secret")] == ["secret_key"]
    environment = sandbox.ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    rendered = environment.from_string(kind["injectors"]["file"]["template"]).render(fields)
    assert "{" not in rendered
    assert not [name for name in kind["injectors"]["env"] if name.startswith("ANSIBLE_")]
    assert "extra_vars" not in kind["injectors"]
