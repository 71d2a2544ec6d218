"""`sage replay --lockstep` in this process."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sage.cli import main


def replay(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Run it with these arguments; its summary."""
    assert main(["replay", *arguments, "--lockstep", "--json"]) == 0
    summary: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return summary
