# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the modules of a test run start sooner. Python runs this at its start when the folder is on PYTHONPATH.

Ansible sends each module as source in a zip of its own, which Python compiles anew each time: about a sixth of all the
CPU time of a playbook here. This keeps what was compiled, under the name and the source that it was compiled from.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
import zipimport
from collections.abc import Callable
from types import CodeType

CACHE = os.path.join(sys.prefix, "bytecode", sys.implementation.cache_tag)

_compile = zipimport._compile_source  # type: ignore[attr-defined]  # what there is to hook into: zipimport keeps no cache


def kept(source: bytes, make: Callable[[], CodeType]) -> CodeType:
    """What ``make`` made of the source in this run or an earlier one."""
    path = os.path.join(CACHE, hashlib.sha256(source).hexdigest())
    try:
        with open(path, "rb") as file:
            code: CodeType = marshal.load(file)
    except OSError:
        code = make()
        os.makedirs(CACHE, exist_ok=True)
        # Whole or not at all, whoever else does the same now.
        with open(f"{path}.{os.getpid()}", "wb") as made:
            marshal.dump(code, made)
        os.replace(made.name, path)
    return code


def compile_source(path: str, source: bytes) -> CodeType:
    """What zipimport would compile. Modules are known by their path within the zip."""
    name = path.rpartition(".zip" + os.sep)[2]
    return kept(name.encode() + b"\0" + source, lambda: _compile(name, source))


zipimport._compile_source = compile_source  # type: ignore[attr-defined]
