# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The strategy of tested playbooks: Mitogen's linear one, whose workers know what others found out before.

Ansible forks a worker for each task, and what that has compiled and loaded is gone with it. A third of the workers' CPU time
is Jinja compiling templates. Here the code of templates is kept, and the plugins that workers look for in all folders are
loaded before any is forked.
"""

from __future__ import annotations

import gc
import importlib.metadata
from types import CodeType
from typing import Any

import ansible_mitogen.loaders
from ansible._internal._templating import _jinja_bits
from ansible.plugins.loader import filter_loader, test_loader
from jinja2.environment import TemplateExpression
from sitecustomize import kept

#: What decides, besides its text, what a template is compiled to. Jinja evaluates nothing then: Ansible has it not optimize.
VERSIONS = [importlib.metadata.version(package) for package in ("ansible-core", "jinja2")]
OPTIONS = (
    *("block_start_string", "block_end_string", "variable_start_string", "variable_end_string"),
    *("comment_start_string", "comment_end_string", "line_statement_prefix", "line_comment_prefix"),
    *("trim_blocks", "lstrip_blocks", "newline_sequence", "keep_trailing_newline", "optimized"),
)

Environment: Any = _jinja_bits.AnsibleEnvironment
_compile, _compile_expression = Environment.compile, Environment.compile_expression


def identity(environment: Any, kind: str, source: str, *others: Any) -> bytes:
    """Tells a template or an expression from all that would be compiled to something else."""
    context = _jinja_bits._TemplateCompileContext.current(optional=True)
    escapes = context and context.escape_backslashes
    options = [getattr(environment, option) for option in OPTIONS]
    return repr((kind, str(source), VERSIONS, escapes, options, others)).encode()


def compile_template(self: Any, source: Any, *arguments: Any, **options: Any) -> Any:
    """Jinja's compile(), of a text or of nodes. The latter are an expression's, which is kept by compile_expression()."""
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


class StrategyModule(ansible_mitogen.loaders.strategy_loader.get("mitogen_linear", class_only=True)):  # type: ignore[misc]
    """Mitogen's, after all plugins of Jinja were loaded."""

    def run(self, *arguments: Any) -> Any:
        for loader in (filter_loader, test_loader):
            list(loader.all())
        # What there is now stays: no worker need look whether it is garbage, which copies the memory that it shares.
        gc.freeze()
        return super().run(*arguments)
