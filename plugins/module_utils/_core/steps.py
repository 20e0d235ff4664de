# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How modules work. A plan is a list of steps, each one call: check mode returns it, a run applies it.

A module has a function ``run(module, started)``. It looks, plans, applies the plan (:func:`apply`) unless in check mode,
and returns the result: :func:`report`, and the resource as it is now. ``main()`` hands ``run`` to :func:`run_module`.
"""

from __future__ import annotations

import random
import time
import typing as t
from dataclasses import dataclass, field

from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError

from .errors import SeamError
from .results import snake_case
from .wait import WaitError

Result = dict[str, t.Any]

# How often in a row an answer may be lost, or another run be in the way.
_BEGINNINGS = 5
# Seconds: two runs that were in each other's way should not be so again.
_LONGEST_PAUSE = 3.0


@dataclass(frozen=True)
class Step:
    """One change that a plan asks for.

    ``action`` is AWS's name of the call or of the update's type, ``subject`` the resource's ID, or its name until it
    has one, ``request`` the call's other parameters, in AWS's spelling. ``operation`` is AWS's name of the call where
    ``action`` is the type of an update.
    """

    action: str
    subject: str
    request: dict[str, t.Any] = field(default_factory=dict)
    operation: str | None = None

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"

    def to_result(self) -> Result:
        """The step as modules return it: snake_case, without bodies (bytes), which would fill the screen."""
        shown = {key: value for key, value in self.request.items() if not isinstance(value, bytes)}
        return {"action": self.action, "subject": self.subject, "request": snake_case(shown)}


def report(steps: t.Iterable[Step]) -> Result:
    """Every module's result for its steps, the same in check mode and in a real run."""
    actions = [step.to_result() for step in steps]
    return {"changed": bool(actions), "actions": actions}


def apply(steps: t.Iterable[Step], calls: t.Mapping[str, t.Callable[[Step], object]], started: list[Step]) -> None:
    """Make the calls of a plan in order, each step by what ``calls`` has for its operation (or action, if it has none).

    ``started`` gets each step that took effect, or may have. So an error tells how far the module came.
    """
    for step in steps:
        operation = step.operation or step.action
        started.append(step)
        try:
            calls[operation](step)
        except SeamError as error:
            if error.refused == operation:
                started.pop()
            raise


def run_module(module: t.Any, run: t.Callable[[t.Any, list[Step]], Result]) -> None:
    """End a module: with the result of ``run(module, started)``, or with one error and the steps that took effect."""
    started: list[Step] = []
    try:
        result = _run_until_settled(run, module, started)
    except AnsibleAWSError as error:
        said = {**error.kwargs, **report(started)}
        if error.exception:
            module.fail_json_aws(error.exception, msg=error.message, **said)
        module.fail_json(msg=error.message, **said)
    except WaitError as error:
        module.fail_json(msg=str(error), timeline=error.timeline.entries, **report(started))
    # After another beginning, the plan lacks the steps of those before.
    module.exit_json(**{**result, **report(started)} if started else result)


def _run_until_settled(run: t.Callable[[t.Any, list[Step]], Result], module: t.Any, started: list[Step]) -> Result:
    """What ``run`` returns. When an answer is lost, or another run was in the way, it begins again.

    It then looks at what is there, and goes on from there.
    """
    for _beginning in range(_BEGINNINGS):
        try:
            return run(module, started)
        except SeamError as error:
            # An error of looking does not pass by itself.
            changing = started or error.refused
            if not changing or not (error.another_run or error.lost_answer):
                raise
            if error.another_run:
                time.sleep(random.uniform(0, _LONGEST_PAUSE))
    return run(module, started)
