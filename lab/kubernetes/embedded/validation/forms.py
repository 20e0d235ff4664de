# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms of single values (names, keys, ports, percentages), with Kubernetes' words for a wrong one.

Texts are those of k8s.io/apimachinery/pkg/util/validation.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Any

from lab.kubernetes.embedded import errors
from lab.kubernetes.embedded.errors import Cause

#: Says everything that is wrong with a value.
Form = Callable[[str], Iterator[str]]

NOT_NEGATIVE = "must be greater than or equal to 0"

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_QUALIFIED})?"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_PERCENT = "[0-9]+%"

_QUALIFIED_TEXT = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    f"(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_QUALIFIED}')"
)


def label(value: str) -> Iterator[str]:
    """RFC 1123's label, as a Service or a container is called."""
    if len(value) > 63:
        yield "must be no more than 63 characters"
    if not re.fullmatch(_LABEL, value):
        yield (
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and "
            "end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
            f"'{_LABEL}')"
        )


def subdomain(value: str) -> Iterator[str]:
    """RFC 1123's subdomain, as most objects are called."""
    if len(value) > 253:
        yield "must be no more than 253 characters"
    if not re.fullmatch(_SUBDOMAIN, value):
        yield (
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
            "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
            f"'{_SUBDOMAIN}')"
        )


def qualified_name(value: str) -> Iterator[str]:
    """A key of a label or an annotation, with or without a prefix."""
    prefix, slash, name = value.rpartition("/")
    if "/" in prefix:
        yield f"a qualified name {_QUALIFIED_TEXT} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return
    if slash and not prefix:
        yield "prefix part must be non-empty"
    elif prefix:
        yield from (f"prefix part {text}" for text in subdomain(prefix))
    if not name:
        yield "name part must be non-empty"
    elif len(name) > 63:
        yield "name part must be no more than 63 characters"
    if not re.fullmatch(_QUALIFIED, name):
        yield f"name part {_QUALIFIED_TEXT}"


def label_value(value: str) -> Iterator[str]:
    if len(value) > 63:
        yield "must be no more than 63 characters"
    if not re.fullmatch(_LABEL_VALUE, value):
        yield (
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
            "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "
            f"validation is '{_LABEL_VALUE}')"
        )


def config_key(value: str) -> Iterator[str]:
    """A key of a ConfigMap or a Secret, which becomes the name of a file."""
    if len(value) > 253:
        yield "must be no more than 253 characters"
    if not re.fullmatch(_CONFIG_KEY, value):
        yield (
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
            f"'KEY_NAME',  or 'key-name', regex used for validation is '{_CONFIG_KEY}')"
        )
    if value in (".", ".."):
        yield f"must not be '{value}'"
    elif value.startswith(".."):
        yield "must not start with '..'"


def port_name(value: str) -> Iterator[str]:
    """A port's name, of IANA's form."""
    if len(value) > 15:
        yield "must be no more than 15 characters"
    if not re.fullmatch("[-a-z0-9]+", value):
        yield "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
    if not re.search("[a-z]", value):
        yield "must contain at least one letter (a-z)"
    if "--" in value:
        yield "must not contain consecutive hyphens"
    if value.startswith("-") or value.endswith("-"):
        yield "must not begin or end with a hyphen"


def environment_variable(value: str) -> Iterator[str]:
    if not re.fullmatch("[ -<>-~]+", value):
        yield "a valid environment variable name must consist only of printable ASCII characters other than '='"


def form(check: Form, value: str, path: str) -> Iterator[Cause]:
    """The errors of the value at a path."""
    return (errors.invalid_value(path, value, text) for text in check(value))


def port(value: int, path: str) -> Iterator[Cause]:
    if not 1 <= value <= 65535:
        yield errors.invalid_value(path, value, "must be between 1 and 65535, inclusive")


def port_or_name(value: int | str, path: str) -> Iterator[Cause]:
    return port(value, path) if isinstance(value, int) else form(port_name, value, path)


def not_negative(item: dict[str, Any], names: tuple[str, ...], path: str) -> Iterator[Cause]:
    for name in names:
        if item.get(name, 0) < 0:
            yield errors.invalid_value(f"{path}{name}", item[name], NOT_NEGATIVE)


def number_or_percent(value: int | str, path: str) -> Iterator[Cause]:
    if isinstance(value, str) and not re.fullmatch(_PERCENT, value):
        text = (
            "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex "
            f"used for validation is '{_PERCENT}')"
        )
        yield errors.invalid_value(path, value, text)
    elif isinstance(value, int) and value < 0:
        yield errors.invalid_value(path, value, NOT_NEGATIVE)


def percent(value: int | str | None) -> int | None:
    """The number before the sign; None for anything else."""
    return int(value[:-1]) if isinstance(value, str) and re.fullmatch(_PERCENT, value) else None


def at_most_100_percent(value: int | str | None, path: str) -> Iterator[Cause]:
    if (percent(value) or 0) > 100:
        yield errors.invalid_value(path, value, "must not be greater than 100%")


def cidr(value: str, path: str) -> Iterator[Cause]:
    value = value.strip()
    try:
        # Without a prefix it would count as a network of one address.
        ipaddress.ip_network(value if "/" in value else "", strict=False)
    except ValueError:
        text = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
        yield errors.invalid_value(path, value, text)


def address(value: str, path: str) -> Iterator[Cause]:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        yield errors.invalid_value(path, value, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
