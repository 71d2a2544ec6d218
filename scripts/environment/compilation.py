"""How far a compilation is, read from what ninja has printed of it so far."""

from __future__ import annotations

import re
from pathlib import Path

_COUNTER = re.compile(r"^\s*\[(\d+)/(\d+)\]", re.MULTILINE)


def steps_done(log: Path) -> str:
    """Ninja's last count in `log`, such as "120 of 224 steps"; empty before the first."""
    try:
        counts = _COUNTER.findall(log.read_text(encoding="utf-8", errors="replace"))
    except FileNotFoundError:
        return ""
    return f"{counts[-1][0]} of {counts[-1][1]} steps" if counts else ""
