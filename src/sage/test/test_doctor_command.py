"""`sage doctor` goes through all that it looks at, and says it on one screen or as JSON."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from sage.commands import doctor

LEVELS = {"ok", "warn", "error"}


@pytest.mark.parametrize("profile", ["nano", "thor"])
def test_everything_is_looked_at(
    profile: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SAGE_HOME", str(tmp_path))
    status = doctor.run(argparse.Namespace(profile=profile, json=True))
    found = {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert {"mailboxes", "graph"} <= found.keys()
    assert {finding["level"] for finding in found.values()} <= LEVELS
    assert status == any(finding["level"] == "error" for finding in found.values())
    assert "nodes for profile" in found["graph"]["text"]
