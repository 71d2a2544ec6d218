"""`sage replay --lockstep` in this process."""

from __future__ import annotations

import contextlib
import io
import json
from typing import Any

from sage.cli import main


def replay(*arguments: str) -> dict[str, Any]:
    """Run it with these arguments; its summary."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert main(["replay", *arguments, "--lockstep", "--json"]) == 0
    summary: dict[str, Any] = json.loads(said.getvalue().splitlines()[-1])
    return summary
