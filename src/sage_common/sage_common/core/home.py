"""Where SAGE keeps what must outlive a process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def sage_home(parameter: str = "", environment: Mapping[str, str] | None = None) -> Path:
    """The SAGE home folder, not created.

    In this order: the `parameter` if not empty, `$SAGE_HOME`, `$XDG_DATA_HOME/sage`,
    `~/.local/share/sage` (XDG Base Directory Specification).
    """
    env = os.environ if environment is None else environment
    if parameter:
        return Path(parameter).expanduser().absolute()
    if env.get("SAGE_HOME"):
        return Path(env["SAGE_HOME"]).expanduser().absolute()
    if env.get("XDG_DATA_HOME"):
        return Path(env["XDG_DATA_HOME"]).absolute() / "sage"
    return Path(env.get("HOME") or "/var/lib").absolute() / ".local" / "share" / "sage"
