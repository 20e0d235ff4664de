# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Terraform makes the same system in the lab that site.yml makes, with kubectl and the AWS CLI between its two parts.

A machine without terraform, or without its AWS provider, says so in the summary and tries nothing.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.foreign import foreign_objects
from tests.foreign.conftest import Lab
from tests.running_lab import CHECKOUT, K8S_ROLE

CONFIGURATIONS = Path(__file__).parent / "terraform"
DOCUMENT = CHECKOUT / "roles/apigw_vpclink/files/petstore-apigateway-export.json"
VARIABLES = {"cluster": "petstore", "k8s_role": K8S_ROLE, "service": "petstore/vpclink", "document": str(DOCUMENT)}


def mirror() -> Path | None:
    """The folder of this machine that holds the AWS provider, in the layout of `terraform providers mirror`."""
    home = Path.home()
    places = [home / ".terraform.d/plugins", home / ".local/share/terraform/plugins"]
    places += [
        Path("/usr/local/share/terraform/plugins"),
        Path("/usr/share/terraform/plugins"),
        *Path("/opt").glob("*"),
    ]
    return next((place for place in places if (place / "registry.terraform.io/hashicorp/aws").is_dir()), None)


def missing() -> str:
    """What this machine lacks for these tests; empty if it lacks nothing."""
    if not shutil.which("terraform"):
        return "terraform is not on this machine"
    if not mirror():
        return "terraform has no AWS provider on this machine (`terraform providers mirror ~/.terraform.d/plugins`)"
    return ""


@dataclasses.dataclass(frozen=True)
class Terraform:
    """A configuration of ours in a folder of its own, which works in the lab as its administrator."""

    folder: Path
    lab: Lab

    @classmethod
    def of(cls, configuration: str, lab: Lab) -> Terraform:
        folder = lab.folder / "terraform" / configuration
        shutil.copytree(CONFIGURATIONS / configuration, folder)
        terraform = cls(folder, lab)
        terraform.run("init", f"-plugin-dir={mirror()}")
        return terraform

    def run(self, command: str, *arguments: str, **variables: str) -> str:
        """Run a command of terraform; returns what it said."""
        values = {f"TF_VAR_{name}": value for name, value in {**VARIABLES, **variables}.items()}
        done = subprocess.run(
            ["terraform", command, "-no-color", *arguments],
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "TF_IN_AUTOMATION": "1",
                "TF_INPUT": "0",
                **self.lab.environment("admin"),
                **values,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def apply(self, **variables: str) -> None:
        self.run("apply", "-auto-approve", **variables)

    def destroy(self) -> None:
        self.run("destroy", "-auto-approve")

    def outputs(self) -> dict[str, Any]:
        return {name: output["value"] for name, output in json.loads(self.run("output", "-json")).items()}

    def plans_nothing(self, **variables: str) -> None:
        """Fails with the plan if there is anything in it."""
        self.run("plan", "-detailed-exitcode", **variables)


def call(url: str, key: str) -> int:
    """The status with which the API answers a GET."""
    request = urllib.request.Request(url, headers={"x-api-key": key})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def serve(lab: Lab) -> None:
    """What stands between the two parts in a Terraform user's pipeline, as the k8s team."""
    manifests = str(CONFIGURATIONS / "workload.yml")
    address = "--for=jsonpath={.status.loadBalancer.ingress[0].hostname}"
    said(lab, "kubectl", "apply", "-f", manifests)
    said(lab, "kubectl", "-n", "petstore", "rollout", "status", "deployment/petstore", "--timeout=60s")
    said(lab, "kubectl", "-n", "petstore", "wait", "service/vpclink", address, "--timeout=60s")
    balancer = said(lab, "aws", "elbv2", "describe-load-balancers", "--query", "LoadBalancers[0].LoadBalancerArn")
    said(lab, "aws", "elbv2", "wait", "load-balancer-available", "--load-balancer-arns", balancer)
    of_balancer = ("--load-balancer-arn", balancer, "--query", "TargetGroups[0].TargetGroupArn")
    group = said(lab, "aws", "elbv2", "describe-target-groups", *of_balancer)
    said(lab, "aws", "elbv2", "wait", "target-in-service", "--target-group-arn", group)


def said(lab: Lab, *command: str) -> str:
    done = lab.run("AWS_DEFAULT_OUTPUT=text", *command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def without(path: str, folder: Path) -> str:
    """The document without one of its paths, as a file."""
    document = json.loads(DOCUMENT.read_text())
    del document["paths"][path]
    changed = folder / "changed.json"
    changed.write_text(json.dumps(document))
    return str(changed)


def test_terraform_makes_changes_and_removes_the_system(lab: Lab, tmp_path: Path) -> None:
    """Between the two, the playbooks of workload and API work on Terraform's foundation, and change nothing of it."""
    if missing():
        print(f"not tried: {missing()}")
        return
    before = foreign_objects.describe(lab)
    foundation = Terraform.of("foundation", lab)
    foundation.apply()
    serve(lab)
    api = Terraform.of("api", lab)
    api.apply()
    foundation.plans_nothing()
    api.plans_nothing()
    change(api, tmp_path)
    api.destroy()
    said(lab, "kubectl", "delete", "-f", str(CONFIGURATIONS / "workload.yml"))
    take_both(foundation)
    foundation.destroy()
    assert foreign_objects.describe(lab) == before


def change(api: Terraform, folder: Path) -> None:
    """A path less in the document is a path less in the API."""
    outputs = api.outputs()
    url = f"{api.lab.facts['execute_api_url']}/{outputs['api']}/prod"
    login = f"{url}/user/login?username=mill&password=secret"
    assert (call(login, outputs["key"]), call(f"{url}/", outputs["key"])) == (200, 200)
    changed = without("/user/login", folder)
    api.apply(document=changed)
    api.plans_nothing(document=changed)
    assert (call(login, outputs["key"]), call(f"{url}/", outputs["key"])) == (403, 200)


def take_both(foundation: Terraform) -> None:
    made = [foundation.lab.playbook(f"playbooks/{each}.yml") for each in ("k8s/workload", "infra/api")]
    assert [run.returncode for run in made] == [0, 0], "".join(run.output for run in made)
    foundation.plans_nothing()
    for playbook, variable in (("infra/api", "apigw_vpclink_state"), ("k8s/workload", "petstore_workload_state")):
        removed = foundation.lab.playbook(f"playbooks/{playbook}.yml", "--extra-vars", f"{variable}=absent")
        assert removed.returncode == 0, removed.output
