# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The display of waits: style, the line kept current, and room for other output."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from ansible_collections.seam.eks_auto.plugins.plugin_utils._progress import (
    LiveLine,
    Wait,
    choose_style,
    live_line,
    patience,
)

XTERM = {"TERM": "xterm"}
CLUSTER = Wait("EKS cluster petstore", 100.0, "It is being made.", "about 15 minutes")
LINK = Wait("VPC link x", 140.0, "It is PENDING.")


@pytest.mark.parametrize(
    ("terminal", "stdout_callback", "environment", "style"),
    [
        (True, "default", XTERM, "live"),
        (True, "ansible.posix.profile_tasks", XTERM, "live"),
        (False, "default", XTERM, "lines"),
        (True, "default", {"TERM": "dumb"}, "lines"),
        (True, "default", {}, "lines"),
        (True, "default", {**XTERM, "CI": "true"}, "lines"),
        (True, "default", {**XTERM, "CI": ""}, "live"),
        (True, "awx_display", {**XTERM, "AWX_ISOLATED_DATA_DIR": "/runner/artifacts/1"}, "lines"),
        (True, "json", XTERM, "none"),
        (False, "ansible.posix.jsonl", {}, "none"),
    ],
)
def test_the_style_follows_who_looks(
    terminal: bool, stdout_callback: str, environment: dict[str, str], style: str
) -> None:
    assert choose_style("auto", terminal, stdout_callback, environment) == style


@pytest.mark.parametrize("style", ["live", "lines", "none"])
def test_a_wanted_style_is_taken(style: str) -> None:
    assert choose_style(style, False, "json", {"CI": "true"}) == style


def test_a_line_gives_aim_duration_observation_and_usual_duration() -> None:
    assert CLUSTER.line(225.0) == ("  …   125 s  EKS cluster petstore: It is being made. (usually about 15 minutes)")
    assert CLUSTER.line(225.0, unchanged=True).endswith("It is being made. (unchanged; usually about 15 minutes)")
    assert LINK.line(141.0, unchanged=True) == "  …     1 s  VPC link x: It is PENDING. (unchanged)"
    assert Wait("Make the NAT gateway", 0.0).line(31.0, unchanged=True) == "  …    31 s  Make the NAT gateway"


def test_the_longest_wait_is_shown_and_the_others_are_counted() -> None:
    assert live_line([], 0.0, 80) == ""
    line = live_line([LINK, CLUSTER], 150.0, 100)
    assert line == "  …    50 s  EKS cluster petstore: It is being made. (usually about 15 minutes)  and 1 more"


@pytest.mark.parametrize("width", [1, 10, 40, 79])
def test_a_line_never_wraps(width: int) -> None:
    waits = [Wait("EKS cluster petstore", 100.0, "One line.\nAnother line that is long." * 3)]
    line = live_line(waits, 150.0, width)
    assert len(line) <= max(0, width - 1) or width == 1
    assert "\n" not in line


def test_patience_grows_and_has_an_end() -> None:
    assert [patience(30, spoken) for spoken in range(7)] == [30, 60, 120, 240, 480, 480, 480]


class Display:
    def __init__(self) -> None:
        self._lock = threading.RLock()

    def display(self, text: str, **_: Any) -> None:
        print(text)


def test_other_output_comes_above_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    display = Display()
    live = LiveLine(display)
    live.show("waiting 1")
    live.show("waiting 1")
    display.display("ok: [host]")
    live.show("waiting 2")
    live.close()
    display.display("PLAY RECAP")
    erase = "\r\x1b[2K"
    assert capsys.readouterr().out == (f"{erase}waiting 1{erase}ok: [host]\n{erase}waiting 2{erase}PLAY RECAP\n")


def test_what_goes_to_the_log_alone_leaves_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    display = Display()
    live = LiveLine(display)
    live.show("waiting")
    display.display("", log_only=True)
    assert "\r\x1b[2K" not in capsys.readouterr().out.removeprefix("\r\x1b[2K")
