# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module's ``main()`` as Ansible does, but for its clients of AWS."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings
from ansible.module_utils.testing import patch_module_args
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule


def run_main(
    main: Callable[[], None],
    client: Callable[[str], Any],
    capsys: pytest.CaptureFixture[str],
    *,
    check: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """The module's result; ``failed`` tells success from failure. ``client`` gives the client of a service by its name."""
    arguments = {"region": "us-west-2", "_ansible_check_mode": check, "_ansible_diff": True, **options}
    said: list[str] = []
    with patch_module_args(arguments), pytest.MonkeyPatch.context() as patch:
        patch.setattr(AnsibleAWSModule, "client", lambda _module, service, **_settings: client(service))
        # Those of a module in a process of its own are returned, too. From version 10.1.2 on amazon.aws returns some itself.
        patch.setattr(warnings, "warn", said.append)
        patch.setattr(basic, "warn", lambda warning, **_options: said.append(warning))
        with pytest.raises(SystemExit) as ended:
            main()
    result = json.loads(capsys.readouterr().out)
    return {
        "failed": ended.value.code != 0,
        **result,
        "warnings": list(dict.fromkeys(result.get("warnings", []) + said)),
    }
