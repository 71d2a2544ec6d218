"""`sage doctor` goes through all that it looks at, and says it on one screen or as JSON."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from sage.commands import doctor
from sage.doctor import checks

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


def test_a_damaged_or_missing_model_is_written_anew_by_the_command_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = {
        "damaged": {"weights": "of a package", "rebuild": "sage weights"},
        "missing": {"weights": "of a package", "rebuild": "sage weights"},
        "option": {"weights": "of a package", "rebuild": "make demo OPTIONS=1"},
        "own": {},
    }
    for name, body in cards.items():
        card = {"name": name, "version": "1", "sha256": "0" * 64, **body}
        (tmp_path / f"{name}.json").write_text(json.dumps(card))
    for name in ("damaged", "own"):
        (tmp_path / f"{name}.onnx").write_bytes(b"?")
    monkeypatch.setenv("SAGE_MODELS", str(tmp_path))
    found = {item.name.removeprefix("weights "): item for item in checks.weights()}
    assert found["damaged"].fix == "the card says 000000000000: sage weights"
    assert (found["missing"].level, found["missing"].fix) == ("error", "sage weights")
    assert (found["option"].level, found["option"].fix) == ("warn", "make demo OPTIONS=1")
    assert found["own"].fix == "the card says 000000000000: restore the file"
