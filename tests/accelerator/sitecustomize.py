# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the programs of a test run start sooner. Python runs this at its start when the folder is on PYTHONPATH.

Most of the CPU time of a playbook here is work that each of its processes repeats. Three things are left out:

- Ansible sends each module as source in a zip of its own, which Python compiles anew each time. The bytecode is kept by
name and source.
- Each session of botocore reads AWS's descriptions of the services and of its regions, some of which are megabytes of
JSON. The modules in one process share them.
- Python collects garbage after each 700 new objects. Programs with so many imports make millions of objects that stay.
"""

from __future__ import annotations

import functools
import gc
import hashlib
import importlib.abc
import importlib.machinery
import marshal
import os
import sys
import zipimport
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType
from typing import Any

gc.set_threshold(100_000, 20, 100)

CACHE = os.path.join(sys.prefix, "bytecode", sys.implementation.cache_tag)

_compile = zipimport._compile_source  # type: ignore[attr-defined]  # the only hook: zipimport keeps no cache


def kept(source: bytes, make: Callable[[], CodeType]) -> CodeType:
    """The result of ``make`` for this source, from this run or an earlier one."""
    path = os.path.join(CACHE, hashlib.sha256(source).hexdigest())
    try:
        with open(path, "rb") as file:
            code: CodeType = marshal.load(file)
    except OSError:
        code = make()
        os.makedirs(CACHE, exist_ok=True)
        # Whole or not at all, even if another process writes it now.
        with open(f"{path}.{os.getpid()}", "wb") as made:
            marshal.dump(code, made)
        os.replace(made.name, path)
    return code


def compile_source(path: str, source: bytes) -> CodeType:
    """The code of a module in a zip, kept by its path within the zip."""
    name = path.rpartition(".zip" + os.sep)[2]
    return kept(name.encode() + b"\0" + source, lambda: _compile(name, source))


zipimport._compile_source = compile_source  # type: ignore[attr-defined]  # the same


class SharedDescriptions(importlib.abc.MetaPathFinder):
    """Gives all of botocore's sessions one loader, which keeps the files it has read."""

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != "botocore.session":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        assert spec and spec.loader
        execute = spec.loader.exec_module

        def execute_and_share(module: ModuleType) -> None:
            execute(module)
            module.create_loader = functools.cache(module.create_loader)  # type: ignore[attr-defined]  # botocore's

        spec.loader.exec_module = execute_and_share  # type: ignore[method-assign]  # of this one module's loader
        return spec


sys.meta_path.insert(0, SharedDescriptions())
