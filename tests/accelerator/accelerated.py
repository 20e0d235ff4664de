# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The strategy of tested playbooks: Ansible's linear one, with the work of earlier workers kept for later ones.

Ansible forks a worker for each task; everything it compiled and loaded ends with it. A third of the workers' CPU time
is Jinja compiling templates. Here the code of templates is kept, and the plugins for most workers are loaded before any
is forked. A server with all imports loaded runs the modules (ansible_server.py), at the socket in MODULE_SERVER.
"""

from __future__ import annotations

import gc
import importlib.metadata
import json
import os
import sys
from types import CodeType
from typing import Any

import ansible_server
from ansible._internal._templating import _jinja_bits
from ansible.executor import module_common
from ansible.module_utils.common.json import Direction, get_module_encoder
from ansible.plugins import action
from ansible.plugins.loader import connection_loader, filter_loader, lookup_loader, test_loader
from ansible.plugins.strategy import linear
from ansible.utils.display import Display
from jinja2.environment import TemplateExpression
from sitecustomize import kept

#: A template's code depends on these and its text. Jinja evaluates nothing then: Ansible turns its optimizer off.
VERSIONS = [importlib.metadata.version(package) for package in ("ansible-core", "jinja2")]
OPTIONS = (
    *("block_start_string", "block_end_string", "variable_start_string", "variable_end_string"),
    *("comment_start_string", "comment_end_string", "line_statement_prefix", "line_comment_prefix"),
    *("trim_blocks", "lstrip_blocks", "newline_sequence", "keep_trailing_newline", "optimized"),
)

Environment: Any = _jinja_bits.AnsibleEnvironment
_compile, _compile_expression = Environment.compile, Environment.compile_expression


def identity(environment: Any, kind: str, source: str, *others: Any) -> bytes:
    """A key that is the same only for templates or expressions with the same code."""
    context = _jinja_bits._TemplateCompileContext.current(optional=True)
    escapes = context and context.escape_backslashes
    options = [getattr(environment, option) for option in OPTIONS]
    return repr((kind, str(source), VERSIONS, escapes, options, others)).encode()


def compile_template(self: Any, source: Any, *arguments: Any, **options: Any) -> Any:
    """Jinja's compile(), of a text or of nodes. Nodes are an expression's; compile_expression() keeps those."""
    if isinstance(source, str):
        what = identity(self, "template", source, arguments, options)
        return kept(what, lambda: _compile(self, source, *arguments, **options))
    self.compiled = _compile(self, source, *arguments, **options)
    return self.compiled


def compile_expression(self: Any, source: str, undefined_to_none: bool = True) -> TemplateExpression:
    def make() -> CodeType:
        _compile_expression(self, source)
        compiled: CodeType = self.compiled
        return compiled

    code = kept(identity(self, "expression", source), make)
    template = self.template_class.from_code(self, code, self.make_globals(None), None)
    return TemplateExpression(template, undefined_to_none)


Environment.compile, Environment.compile_expression = compile_template, compile_expression


Local: Any = connection_loader.get("local", class_only=True)
_exec_command = Local.exec_command
#: The beginning of a request for the server, in place of a module's text.
REQUEST = b"ansible_server:"


def modify_module(**options: Any) -> module_common._BuiltModule:
    """Ansible's modify_module(), which makes a program of a module, its libraries and its arguments: here, a request."""
    name = module_common._get_ansible_module_fqn(options["module_path"])
    encoder = get_module_encoder("legacy", Direction.CONTROLLER_TO_MODULE)
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": options["module_args"]}, cls=encoder)
    request = json.dumps([name, arguments, options["environment"]], cls=encoder)
    return module_common._BuiltModule(
        b_module_data=REQUEST + request.encode(),
        module_style="new",
        shebang=f"#!{sys.executable}",
        serialization_profile="legacy",
    )


def exec_command(self: Any, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> ansible_server.Result:
    """The local connection's exec_command()."""
    if not in_data or not in_data.startswith(REQUEST):
        done: ansible_server.Result = _exec_command(self, cmd, in_data, sudoable)
        return done
    Display().vvv(f"EXEC {cmd}", host=self._play_context.remote_addr)
    name, arguments, environment = json.loads(in_data.removeprefix(REQUEST))
    request = ansible_server.Request(name, arguments.encode(), {**os.environ, **environment}, os.getcwd())
    return ansible_server.execute(os.environ["MODULE_SERVER"], request)


action.modify_module, Local.exec_command = modify_module, exec_command


class StrategyModule(linear.StrategyModule):
    """Ansible's linear strategy, after loading what workers would load."""

    def run(self, iterator: Any, play_context: Any) -> Any:
        for loader in (filter_loader, test_loader):
            list(loader.all())
        for name in ("env", "file", "template"):
            lookup_loader.get(f"ansible.builtin.{name}", class_only=True)
        if iterator._play.hosts == ["k8s"]:
            # It loads boto3, which other plays don't need outside modules.
            lookup_loader.get("seam.eks_auto.kubeconfig", class_only=True)
            ansible_server.make_clients(["eks", "sts"])
        # All objects so far stay. Without freezing, each worker's garbage collection would copy the memory it shares.
        gc.freeze()
        return super().run(iterator, play_context)
