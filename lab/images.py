# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Container images: how they are named, and the programs that the lab runs as their containers.

The lab has no registry. It has a program for the petstore's image, and those that `python -m lab image` was given: the
command writes images.json into the lab's folder, and the lab reads it whenever a container starts.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from lab.settings import Settings

_PETSTORE = "swaggerapi/petstore3"
PROGRAM = Path(__file__).parent / "pods" / "petstore.py"

_FILE = "images.json"
_HUB = "docker.io/"

# https://pkg.go.dev/github.com/distribution/reference
_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::\d+)?"
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?P<repository>(?:{_HOST}/)?{_PART}(?:/{_PART})*)(?P<tag>:\w[\w.-]{{0,127}})?"
    r"(?P<digest>@[A-Za-z][A-Za-z0-9]*(?:[+.-_][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)


class InvalidReference(ValueError):
    """The name of an image is no reference; the text is the kubelet's."""

    def __init__(self, image: str) -> None:
        problem = "invalid reference format"
        if _REFERENCE.fullmatch(image.lower()):
            problem += f": repository name ({_full(image).removeprefix(_HUB).partition(':')[0]}) must be lowercase"
        super().__init__(
            f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": {problem}'
        )


def repository(image: str) -> str:
    """An image's name without tag and digest, and without the registry's if that is Docker Hub.

    Raises :class:`InvalidReference`.
    """
    match = _REFERENCE.fullmatch(image)
    if match is None:
        raise InvalidReference(image)
    return match["repository"].removeprefix(_HUB).removeprefix("library/")


def add(folder: Path, image: str, command: str) -> None:
    """Let a shell command be the program of an image, whatever its tag."""
    known = {**_added(folder), repository(image): command}
    new = folder / f"{_FILE}.new"
    new.write_text(json.dumps(known))
    new.replace(folder / _FILE)


def command(settings: Settings, image: str, address: str) -> list[str] | None:
    """The program of an image and its arguments, for a pod of a VPC address; None if the lab has none."""
    name = repository(image)
    if added := _added(settings.lab_folder).get(name):
        return ["/bin/sh", "-c", added]
    if name == _PETSTORE:
        return [sys.executable, "-I", "-S", str(PROGRAM), "--host", settings.loopback(address), "--end-with-stdin"]
    return None


def not_found(image: str) -> str:
    """containerd's words, and the remedy in the lab."""
    full = _full(image)
    return (
        f'rpc error: code = NotFound desc = failed to pull and unpack image "{full}": '
        f'failed to resolve reference "{full}": {full}: not found. The lab has no registry; '
        f"`python -m lab image {repository(image)}=<command>` runs a program as this image"
    )


def digest_name(image: str) -> str:
    """The part before an image's digest."""
    return _full(image).partition("@")[0].rpartition(":")[0]


def _added(folder: Path) -> dict[str, str]:
    path = folder / _FILE
    found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    return found


def _full(image: str) -> str:
    """The name with registry and tag."""
    first, slash, _ = image.partition("/")
    of_registry = slash and ("." in first or ":" in first or first == "localhost")
    full = image if of_registry else f"{_HUB}{image if slash else f'library/{image}'}"
    return full if ":" in full.rpartition("/")[2] or "@" in full else f"{full}:latest"
