# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's folder: the files for its users, and the process that holds it.

``lab.json`` says where the lab is and which credentials its identities have, ``env`` says the same to a shell,
``kubeconfig`` to kubectl. They hold secrets, so nobody else may read them.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from lab.settings import ACCOUNT, Settings

Credentials = Mapping[str, str]

#: The beginning of ``env``: keeps the variables' values, so that lab_off can set them back. For any POSIX shell.
_UNDO = """\
# To source: `. {env}`. To undo it: `lab_off`. Written by the lab.
if command -v lab_off >/dev/null 2>&1; then lab_off; fi
for lab_name in {names}; do
  eval "if [ \\"\\${{$lab_name+set}}\\" ]; then lab_was_$lab_name=\\$$lab_name; fi"
done
lab_off() {{
  for lab_name in {names}; do
    eval "if [ \\"\\${{lab_was_$lab_name+set}}\\" ]; then $lab_name=\\$lab_was_$lab_name; else unset $lab_name; fi"
    unset "lab_was_$lab_name"
  done
  unset lab_name
  unset -f lab_off
}}
"""


class Address(Protocol):
    """Where a cluster's API is, and the certificate of its authority (PEM)."""

    @property
    def url(self) -> str: ...

    @property
    def ca_pem(self) -> str: ...


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Make the folder this process's lab, and remove an earlier lab's files. Raises BlockingIOError if held."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        for name in ("calls.jsonl", "kubeconfig"):
            write_private(folder / name, "")
        for name in ("faults.json", "faults.jsonl"):
            (folder / name).unlink(missing_ok=True)
        shutil.rmtree(folder / "clusters", ignore_errors=True)
        yield


def holder(folder: Path) -> int | None:
    """The process that runs the folder's lab, if one does."""
    try:
        with (folder / "lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read())
    except FileNotFoundError:
        pass
    return None


def write_facts(settings: Settings, credentials: Mapping[str, Credentials]) -> None:
    """Say where the lab is: ``env`` first, then ``lab.json``. Readers take the latter as the sign that the lab is
    ready.
    """
    facts = {
        "aws_endpoint_url": settings.aws_url,
        "execute_api_url": settings.execute_api_url,
        "account": ACCOUNT,
        "partition": credentials["infra"]["arn"].split(":")[1],
        "credentials": credentials,
        "pid": os.getpid(),
        **settings.to_json(),
    }
    folder = settings.folder
    exports = {
        "PATH": f'{shlex.quote(str(Path(sys.executable).parent))}:"$PATH"',
        **_quoted(aws_environment(settings, credentials["infra"])),
        **_quoted({"KUBECONFIG": str(folder / "kubeconfig")}),
    }
    _write_environment(folder, exports)
    write_private(folder / "lab.json", json.dumps(facts, indent=2) + "\n")


def read_facts(folder: Path) -> dict[str, Any]:
    """The content of ``lab.json``; empty if there has been no lab yet."""
    try:
        facts: dict[str, Any] = json.loads((folder / "lab.json").read_text())
    except FileNotFoundError:
        return {}
    return facts


def set_environment(folder: Path, values: Mapping[str, str]) -> None:
    """Export more from ``env``; a name's earlier value is replaced."""
    lines = (
        line.removeprefix("export ") for line in (folder / "env").read_text().splitlines() if line[:7] == "export "
    )
    exports = {name: value for name, _, value in (line.partition("=") for line in lines)}
    _write_environment(folder, exports | _quoted(values))


def _write_environment(folder: Path, exports: Mapping[str, str]) -> None:
    """``exports`` are values as a shell reads them, by name."""
    lines = [*_UNDO.format(env=folder / "env", names=" ".join(exports)).splitlines()]
    lines += [f"export {name}={value}" for name, value in exports.items()]
    write_private(folder / "env", "\n".join(lines) + "\n")


def write_kubeconfig(settings: Settings, clusters: Mapping[str, Address], credentials: Credentials) -> None:
    """A context for each cluster, the newest one current, with tokens as ``aws eks update-kubeconfig`` sets them up."""
    # Other commands of kubectl import no more than they need; YAML is slow to load.
    import yaml

    environment = [{"name": key, "value": value} for key, value in aws_environment(settings, credentials).items()]
    config: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "clusters": [], "users": [], "contexts": []}
    for name, address in clusters.items():
        authority = base64.b64encode(address.ca_pem.encode()).decode()
        access = {"server": address.url, "certificate-authority-data": authority}
        token = {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "aws",
            "args": ["--region", settings.region, "eks", "get-token", "--cluster-name", name, "--output", "json"],
            "env": environment,
            "interactiveMode": "Never",
        }
        config["clusters"].append({"name": name, "cluster": access})
        config["users"].append({"name": name, "user": {"exec": token}})
        config["contexts"].append({"name": name, "context": {"cluster": name, "user": name}})
        config["current-context"] = name
    write_private(settings.folder / "kubeconfig", yaml.safe_dump(config, sort_keys=False))


def aws_environment(settings: Settings, credentials: Credentials) -> dict[str, str]:
    """The environment in which AWS's tools use this lab with these credentials."""
    return {
        "AWS_ENDPOINT_URL": settings.aws_url,
        "AWS_REGION": settings.region,
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_ACCESS_KEY_ID": credentials["access_key"],
        "AWS_SECRET_ACCESS_KEY": credentials["secret_key"],
        "AWS_SESSION_TOKEN": credentials["session_token"],
    }


def write_private(path: Path, text: str) -> None:
    """Replace a file at once, with one that only its owner may read."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(text)
    new.replace(path)


def _quoted(values: Mapping[str, str]) -> dict[str, str]:
    return {name: shlex.quote(value) for name, value in values.items()}
