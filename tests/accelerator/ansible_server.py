# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the modules of tested playbooks, or ansible-playbook itself, in forks of a process with their imports loaded.

Ansible starts a Python for each module, which loads boto3, Kubernetes' client and the descriptions of AWS's services, and ends.
Here each module is a new process as well, with the arguments, environment and folder that Ansible gives it; only its
imports are loaded already. So are ansible-playbook's. Both live no longer than the process that asked for them.

Started as ``python -m ansible_server SOCKET modules`` or ``python -m ansible_server SOCKET ansible-playbook``, the latter in the
folder and with the settings (ANSIBLE_...) of its runs. It ends when its standard input does.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Iterable
from multiprocessing.connection import Client, Connection
from typing import Any, NamedTuple, NoReturn

#: Instead of a module's name.
PLAYBOOK = "ansible-playbook"
#: Imports loaded for modules, and for ansible-playbook.
LOADED = {
    "modules": (
        "ansible.module_utils.basic",
        "kubernetes.client.api.core_v1_api",
        "kubernetes.dynamic",
        "kubernetes.watch",
        "ansible_collections.amazon.aws.plugins.module_utils.modules",
        "ansible_collections.kubernetes.core.plugins.module_utils.k8s.core",
        "ansible_collections.kubernetes.core.plugins.module_utils.k8s.runner",
        "ansible_collections.kubernetes.core.plugins.module_utils.k8s.waiter",
    ),
    PLAYBOOK: ("ansible.cli.playbook", "ansible.plugins.strategy.linear"),
}
#: The services for which modules make clients.
SERVICES = ("apigateway", "apigatewayv2", "ec2", "eks", "elbv2", "iam", "resourcegroupstaggingapi", "sts")


class Request(NamedTuple):
    """One module to run, or ansible-playbook."""

    #: Its name as a Python module.
    name: str
    #: The arguments of the module, as Ansible would write them into it, or of ansible-playbook: JSON.
    arguments: bytes
    environment: dict[str, str]
    folder: str


Result = tuple[int, bytes, bytes]


def execute(address: str, request: Request) -> Result:
    """Send a request to the server at a socket's path. Returns exit code, standard output and standard error."""
    with Client(address) as connection:
        connection.send(tuple(request))
        result: Result = connection.recv()
    return result


def serve(address: str, what: str) -> None:
    """Run modules, or ansible-playbook, until standard input ends."""
    for name in LOADED[what]:
        importlib.import_module(name)
    if what == "modules":
        make_clients(SERVICES)
    gc.freeze()  # all of it stays: spare each fork the garbage collection
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a fork
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen(64)
        print("serving", flush=True)
        while sys.stdin not in select.select([server, sys.stdin], [], [])[0]:
            accepted, _address = server.accept()
            if os.fork() == 0:
                server.close()
                answer(Connection(accepted.detach()))
            accepted.close()


def make_clients(services: Iterable[str]) -> None:
    """Make boto3's clients of these services once, to load the files that any client needs."""
    import boto3

    session = boto3.Session("unused", "unused", region_name="us-west-2")
    for service in services:
        session.client(service)


def answer(connection: Connection) -> NoReturn:
    """Run the request, as the process that would have been started."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request = Request(*connection.recv())
    atexit._clear()  # registered functions are the server's
    done = threading.Event()
    threading.Thread(target=_end_with, args=(connection, done), daemon=True).start()
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment)
    output, errors = os.memfd_create("output"), os.memfd_create("errors")
    for source, target in ((os.open(os.devnull, os.O_RDONLY), 0), (output, 1), (errors, 2)):
        os.dup2(source, target)
    code = _run(request)
    done.set()
    connection.send((code, _content(output), _content(errors)))
    os._exit(code)


def _run(request: Request) -> int:
    code: Any = 0
    try:
        if request.name == PLAYBOOK:
            _run_playbook(json.loads(request.arguments))
        else:
            _run_module(request)
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else int(code is not None)


def _run_module(request: Request) -> None:
    """Run a module as Ansible's own wrapper does."""
    from ansible.module_utils._internal._ansiballz import _loader

    _loader.run_module(
        json_params=request.arguments, profile="legacy", module_fqn=request.name, modlib_path="", extensions={}
    )


def _run_playbook(arguments: list[str]) -> None:
    from ansible.cli import playbook

    playbook.main([PLAYBOOK, *arguments])


def _content(file: int) -> bytes:
    with open(file, "rb") as opened:
        opened.seek(0)
        return opened.read()


def _end_with(connection: Connection, done: threading.Event) -> None:
    """End this process and its children when the process that asked for it has ended, and only then."""
    with contextlib.suppress(EOFError, OSError):
        connection.recv()
    if not done.is_set():
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    serve(*sys.argv[1:])
