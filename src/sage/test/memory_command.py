"""`sage memory WORDS` in this process, and what it told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sage.cli import main


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """The exit status, and what was written to the output and to the errors."""
    status = main(["memory", *map(str, words)])
    written = capsys.readouterr()
    return status, written.out, written.err


def as_json(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    """What `sage memory WORDS --json` answers."""
    status, told, error = run(capsys, *words, "--json")
    assert status == 0, error
    found = json.loads(told)
    assert isinstance(found, dict)
    return found
