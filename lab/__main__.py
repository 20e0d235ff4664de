# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m lab`: start, show, empty and end a lab on this machine."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lab import faults, images
from lab import folder as folders
from lab.settings import MARK, Settings, free_octet

PACE = 1.0
REGION = "us-west-2"

#: Seconds to get ready, and to end when asked to.
_START_TIMEOUT = 60.0
_STOP_TIMEOUT = 20.0
_POLL = 0.05


def main() -> int:
    """Run the command; returns the exit code."""
    arguments = _parser().parse_args()
    folder: Path = arguments.folder.absolute()
    match arguments.command:
        case "up":
            return _up(folder, arguments)
        case "down":
            return _down(folder)
        case "status":
            return _status(folder)
        case "reset":
            return _reset(folder)
        case "env":
            return _env(folder, arguments.values)
        case "image":
            return _image(folder, *arguments.image)
        case "fault":
            return _fault(folder, arguments)
        case _:
            return _demo(folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    texts = {
        "up": "start the lab, and return when it is ready",
        "down": "end it; no process is left",
        "status": "say whether it runs, and where",
        "reset": "empty the account: end it and start it again, on the same ports",
        "env": "add variables to the file to source",
        "image": "run your own program in the pods of an image; it must listen at the address in HOST, on any port",
        "fault": "make calls fail, list the injected faults, or stop",
        "demo": "start it, run site.yml, call the API",
    }
    for name, text in texts.items():
        command = commands.add_parser(name, help=text)
        command.add_argument("--folder", type=Path, default=Path(".lab"), help="where its state is (default: .lab)")
    up = commands.choices["up"]
    up.add_argument("--pace", type=_pace, default=PACE, help="multiplies how long AWS's slow steps take (0: no time)")
    up.add_argument("--region", default=REGION, help=f"AWS region (default: {REGION})")
    up.add_argument("--port", type=int, help="port of the AWS endpoint; APIs are served on the next one")
    up.add_argument(
        "--token-lifetime",
        type=float,
        default=Settings.token_lifetime,
        help="seconds for which an EKS token is good (default: 900, as on AWS)",
    )
    up.add_argument(
        "--integration-timeout",
        type=float,
        default=Settings.integration_timeout,
        help="the account's quota for the timeout of an integration, in seconds (default: 29, as in a new account)",
    )
    up.add_argument(
        "--rates", action="store_true", help="make API Gateway refuse calls that come faster than AWS allows"
    )
    up.add_argument("--foreground", action="store_true", help="stay until interrupted")
    _add_fault_arguments(commands.choices["fault"])
    commands.choices["image"].add_argument("image", type=_image_command, metavar="NAME=COMMAND")
    commands.choices["env"].add_argument("values", nargs="+", type=_assignment, metavar="NAME=VALUE")
    return parser


def _add_fault_arguments(command: argparse.ArgumentParser) -> None:
    default = faults.Fault("")
    kinds = "; ".join(f"{kind}: {text}" for kind, text in faults.KINDS.items())
    command.add_argument("kind", choices=[*faults.KINDS, "list", "clear"], help=kinds)
    command.add_argument(
        "--service", default=default.service, help="the name that requests are signed for, or kubernetes"
    )
    command.add_argument("--operation", default=default.operation, help='such as CreateCluster, or "patch services"')
    command.add_argument("--mutating", action="store_true", help="only calls that may change something")
    command.add_argument(
        "--after", action="store_true", help=f"after the call took effect ({', '.join(faults.LATE_KINDS)})"
    )
    command.add_argument("--rate", type=_share, default=default.rate, help="share of calls to hit (default: 1)")
    command.add_argument("--skip", type=int, default=default.skip, help="calls to let through first")
    command.add_argument("--count", type=int, help="most calls to hit")
    command.add_argument("--seconds", type=float, default=default.seconds, help="for slow and restart")
    command.add_argument("--seed", type=int, default=default.seed, help="seed of the random choice by --rate")


def _fault(folder: Path, arguments: argparse.Namespace) -> int:
    if not folders.read_facts(folder):
        return _no_lab(folder)
    if arguments.kind == "list":
        for line in faults.injected(folder):
            print(line)
        return 0
    if arguments.kind == "clear":
        faults.clear(folder)
        return 0
    if arguments.after and arguments.kind not in faults.LATE_KINDS:
        print(f"--after goes with {' and '.join(faults.LATE_KINDS)} only.", file=sys.stderr)
        return 1
    names = {each.name for each in dataclasses.fields(faults.Fault)} - {"id", "spared"}
    values = {name: getattr(arguments, name) for name in names}
    faults.add(folder, faults.Fault(**values))
    return 0


def _up(folder: Path, arguments: argparse.Namespace) -> int:
    if folders.holder(folder) is not None:
        print("The lab is up already.")
        return _status(folder)
    settings = _settings(
        folder,
        arguments.port,
        pace=arguments.pace,
        region=arguments.region,
        token_lifetime=arguments.token_lifetime,
        integration_timeout=arguments.integration_timeout,
        rates=arguments.rates,
    )
    for port in (settings.aws_port, settings.execute_api_port):
        if not _is_free(port):
            print(f"Port {port} of 127.0.0.1 is taken. Choose another with --port.", file=sys.stderr)
            return 1
    os.environ[MARK] = str(folder)
    if arguments.foreground:
        from lab import server

        server.serve(settings)
        return 0
    return _start(settings)


def _settings(folder: Path, port: int | None = None, **changes: Any) -> Settings:
    """The settings to start a lab with, at its last addresses if they are free.

    Settings that aren't in ``changes`` are the last lab's, or else the defaults.
    """
    before = folders.read_facts(folder)
    ports = before.get("aws_port", 0), before.get("execute_api_port", 0)
    if port is not None:
        ports = port, port + 1
    elif not all(ports) or not all(map(_is_free, ports)):
        ports = _free_ports()
    octet = before.get("loopback_octet") or free_octet()
    addresses = {"aws_port": ports[0], "execute_api_port": ports[1], "loopback_octet": octet}
    return Settings.from_json({"pace": PACE, "region": REGION, **before, **changes, **addresses, "folder": folder})


def _start(settings: Settings) -> int:
    """Start the lab in the background, in a session of its own, and wait until it is ready."""
    settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, "-m", "lab.server", json.dumps(settings.to_json())]
    log_path = settings.folder / "lab.log"
    with log_path.open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=Path(__file__).parent.parent,
            # An arena of glibc's for each thread takes a tenth more memory, and gains nothing here.
            env={**os.environ, "MALLOC_ARENA_MAX": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_TIMEOUT
    while folders.read_facts(settings.folder).get("pid") != process.pid:
        if process.poll() is not None or time.monotonic() > deadline:
            _kill(_processes_of(settings.folder))
            print(f"The lab did not start. The end of {log_path}:\n{log_path.read_text()[-2000:]}", file=sys.stderr)
            return 1
        time.sleep(_POLL)
    return _status(settings.folder)


def _down(folder: Path) -> int:
    pid = folders.holder(folder)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_TIMEOUT
        while folders.holder(folder) is not None and time.monotonic() < deadline:
            time.sleep(_POLL)
    while processes := _processes_of(folder):
        _kill(processes)
        time.sleep(_POLL)
    print("The lab is down.")
    return 0


def _reset(folder: Path) -> int:
    _down(folder)
    os.environ[MARK] = str(folder)
    return _start(_settings(folder))


def _status(folder: Path) -> int:
    pid = folders.holder(folder)
    if pid is None:
        print("The lab is down.")
        return 1
    facts = folders.read_facts(folder)
    print(
        f"The lab is up (process {pid}, pace {facts['pace']:g}).\n"
        f"  AWS endpoint  {facts['aws_endpoint_url']} ({facts['region']}, account {facts['account']})\n"
        f"  APIs          {facts['execute_api_url']}/<api id>/<stage>/<path>\n"
        f"  to source     . {_short(folder / 'env')}"
    )
    return 0


def _env(folder: Path, values: Iterable[tuple[str, str]]) -> int:
    if not (folder / "env").exists():
        return _no_lab(folder)
    folders.set_environment(folder, dict(values))
    return 0


def _image(folder: Path, image: str, command: str) -> int:
    if not folders.read_facts(folder):
        return _no_lab(folder)
    images.add(folder, image, command)
    return 0


def _no_lab(folder: Path) -> int:
    print(f"There is no lab in {folder}.", file=sys.stderr)
    return 1


def _demo(folder: Path) -> int:
    from lab import demo

    if folders.holder(folder) is None:
        os.environ[MARK] = str(folder)
        if _start(_settings(folder)):
            return 1
    return demo.run(folder)


def _pace(text: str) -> float:
    pace = float(text)
    if not 0 <= pace < float("inf"):
        raise argparse.ArgumentTypeError("must be 0 or more")
    return pace


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError("must be from 0 to 1")
    return share


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise argparse.ArgumentTypeError(f"not NAME=VALUE: {text}")
    return name, value


def _image_command(text: str) -> tuple[str, str]:
    name, _, command = text.partition("=")
    if not command:
        raise argparse.ArgumentTypeError(f"not NAME=COMMAND: {text}")
    try:
        return images.repository(name), command
    except images.InvalidReference as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _short(path: Path) -> str:
    """The path as one would type it here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _is_free(port: int) -> bool:
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _processes_of(folder: Path) -> list[int]:
    """The lab's processes, found by the mark in their environment. Includes survivors of a crash."""
    mark = f"{MARK}={folder}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes().split(b"\0") and int(process.name) != os.getpid():
                found.append(int(process.name))
    return found


def _kill(processes: Iterable[int]) -> None:
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
