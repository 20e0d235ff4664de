# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad input ends in one clear error that names the variable, before anything is changed."""

from __future__ import annotations

import functools
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from .conftest import CHECKOUT, Lab

WORKLOAD = "playbooks/k8s/workload.yml"
API = "playbooks/infra/api.yml"

INVALID: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(
    Path(__file__).with_name("bad_input.yml").read_text(encoding="utf-8")
)
GROUPS = {"bootstrap": "admin", "infra": "infra", "k8s": "k8s"}
DOCUMENTS = {
    "list": "[]",
    "other": '{"title": "no OpenAPI"}',
    "no_paths": '{"openapi": "3.0.1", "info": {"title": "t", "version": "1"}, "paths": {}}',
    "broken": '{"openapi": ',
    "large": '{"pad": "' + "x" * (6 * 1024 * 1024) + '"}',
}


class Refusals(NamedTuple):
    """How the hosts of one run ended, each with an invalid variable file."""

    output: str
    #: The messages of the failed tasks, by host.
    said: dict[str, str]
    #: The numbers of PLAY RECAP, by host.
    recap: dict[str, dict[str, int]]


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    for name, text in DOCUMENTS.items():
        (folder / f"{name}.json").write_text(text)
    return folder


@pytest.fixture(scope="module")
def refused(lab: Lab, documents: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Refusals]:
    """Runs a playbook once for all of its invalid variable files, each that of a host of its own."""

    @functools.cache
    def run(playbook: str) -> Refusals:
        inventory = tmp_path_factory.mktemp("inventory")
        shutil.copytree(CHECKOUT / "inventories/lab/group_vars", inventory / "group_vars")
        group = GROUPS[playbook.split("/")[1]]
        all_hosts = yaml.safe_load((CHECKOUT / "inventories/lab/hosts.yml").read_text())["all"]
        all_hosts["children"] = {group: {"hosts": dict.fromkeys(INVALID[playbook])}}
        (inventory / "hosts.yml").write_text(yaml.safe_dump({"all": all_hosts}))
        (inventory / "host_vars").mkdir()
        for name, variables in INVALID[playbook].items():
            text = yaml.safe_dump({"documents": str(documents), **variables, "says": None})
            (inventory / "host_vars" / f"{name}.yml").write_text(text)
        environment = {"ANSIBLE_CALLBACK_RESULT_FORMAT": "json", "ANSIBLE_DISPLAY_FAILED_STDERR": "0"}
        done = lab.playbook(playbook, inventory=inventory, environment=environment)
        said: dict[str, str] = dict.fromkeys(INVALID[playbook], "")
        for host, result in re.findall(r"^(?:fatal|failed): \[([^]]+)\].*? => (\{.*)$", done.output, re.MULTILINE):
            said[host] += json.loads(result)["msg"] + "\n"
        recap = {
            host: {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", numbers)}
            for host, numbers in re.findall(r"^([\w-]+) +: (ok=.*)$", done.output, re.MULTILINE)
        }
        return Refusals(done.output, said, recap)

    return run


@pytest.mark.parametrize(
    ("playbook", "name"), [(playbook, name) for playbook, files in INVALID.items() for name in files]
)
def test_an_invalid_variable_file_ends_in_one_clear_error(
    refused: Callable[[str], Refusals], documents: Path, playbook: str, name: str
) -> None:
    run = refused(playbook)
    assert run.recap[name]["failed"] == 1, run.output
    assert run.recap[name]["changed"] == 0
    assert INVALID[playbook][name]["says"].replace("{{ documents }}", str(documents)) in run.said[name]
    assert "Traceback" not in run.said[name]


def test_nothing_was_changed_for_any_of_them(lab: Lab, refused: Callable[[str], Refusals]) -> None:
    files = sum(len(refused(playbook).said) for playbook in INVALID)
    print(f"figures: {files} invalid variable files, {len(lab.mutating_calls())} mutating calls")
    assert files >= 150
    assert lab.mutating_calls() == []


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"petstore_workload_image": ""}, "petstore_workload_image: "),
        ({"apigw_vpclink_definition_file": "/nowhere.json"}, "apigw_vpclink_definition_file: there is no file"),
    ],
)
@pytest.mark.parametrize("playbook", ["site.yml", "playbooks/replace_nlb.yml", "playbooks/upgrade.yml"])
def test_both_teams_variables_are_checked_before_the_first_change(
    lab: Lab, playbook: str, variables: dict[str, Any], says: str
) -> None:
    run = lab.playbook(playbook, "--extra-vars", json.dumps(variables))
    assert run.returncode != 0
    assert says in run.output
    assert lab.mutating_calls() == []


def test_without_credentials_there_is_one_clear_error(lab: Lab) -> None:
    auth = {"region": lab.facts["region"], "endpoint_url": lab.facts["aws_endpoint_url"]}
    environment = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"}
    run = lab.playbook(API, "--extra-vars", json.dumps({"aws_auth": auth}), environment=environment)
    assert run.returncode != 0
    assert "redentials" in run.output
    assert "Traceback" not in run.output


def test_a_profile_that_asks_for_a_code_is_one_clear_error(lab: Lab, tmp_path: Path) -> None:
    """botocore would read it from a terminal."""
    keys = lab.facts["credentials"]["infra"]
    (tmp_path / "config").write_text(
        f"[profile base]\naws_access_key_id = {keys['access_key']}\naws_secret_access_key = {keys['secret_key']}\n"
        "[profile infra]\nrole_arn = arn:aws:iam::123456789012:role/seam-infra\nsource_profile = base\n"
        "mfa_serial = arn:aws:iam::123456789012:mfa/somebody\n"
    )
    auth = {"profile": "infra", "region": lab.facts["region"], "endpoint_url": lab.facts["aws_endpoint_url"]}
    environment = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    run = lab.playbook(API, "--extra-vars", json.dumps({"aws_auth": auth}), environment=environment)
    assert run.returncode != 0
    assert "the AWS profile infra asks for an MFA code, which a task can't give." in " ".join(run.output.split())


def test_when_nobody_listens_there_is_one_clear_error(lab: Lab) -> None:
    auth = {**lab.facts["credentials"]["infra"], "region": "us-west-2", "endpoint_url": "http://127.0.0.1:9"}
    auth.pop("arn")
    run = lab.playbook(API, "--extra-vars", json.dumps({"aws_auth": auth}))
    assert run.returncode != 0
    assert "http://127.0.0.1:9" in run.output
    assert "a lab has to be started" in " ".join(run.output.split())
    assert "Give the hosts" not in run.output
    assert "Traceback" not in run.output


def test_a_cluster_that_is_not_there_is_one_clear_error(lab: Lab) -> None:
    run = lab.playbook(WORKLOAD, "--extra-vars", json.dumps({"seam_cluster": "other"}))
    assert run.returncode != 0
    said = "There is no EKS cluster other in this account and region. Owner: infra. To do: infra runs playbooks/infra/foundation.yml"
    assert said in " ".join(run.output.split())
    assert "Traceback" not in run.output


def test_in_the_wrong_region_there_is_one_clear_error(lab: Lab) -> None:
    """The first task says so; where the inventory is wrong as well, IAM does."""
    auth = {**lab.facts["credentials"]["k8s"], "region": "eu-central-1", "endpoint_url": lab.facts["aws_endpoint_url"]}
    auth.pop("arn")
    says = {
        lab.facts["region"]: "The region is eu-central-1; expected is us-west-2.",
        "eu-central-1": "is not authorized to perform: eks:DescribeCluster on resource: arn:aws:eks:eu-central-1:",
    }
    for expected, words in says.items():
        run = lab.playbook(WORKLOAD, "--extra-vars", json.dumps({"aws_auth": auth, "seam_region": expected}))
        assert run.returncode != 0
        assert words in " ".join(run.output.split())
        assert "Traceback" not in run.output
