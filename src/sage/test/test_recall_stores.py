"""`sage recall` of stores of every kind: encrypted, with everything in them, damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from memory_homes import MEDIA_TYPES, experience, made_home
from recall_command import run, scene

from sage.cli import main
from sage.memory.opening import open_memory
from sage_memory.backends.payload_encoding import picture

PAGE_BYTES = 4096


def test_an_encrypted_memory_is_asked_with_its_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sqlcipher3", reason="requirements/memory.in is not installed")
    monkeypatch.setenv("SAGE_MEMORY_KEY", "a passphrase of some length")
    with open_memory(tmp_path / "home") as memory:
        memory.remember(experience(0), picture(scene(0))).result()
    words = ("--home", tmp_path / "home", "--thumbnails", tmp_path / "seen", "--json")
    status, told, _ = run(capsys, *words)
    assert status == 0 and len(json.loads(told)["answers"][0]["thumbnails"]) == 1
    monkeypatch.delenv("SAGE_MEMORY_KEY")
    status, _, said = run(capsys, *words)
    assert status == 2 and "encrypted" in said


def test_a_store_with_everything_is_told_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made_home(tmp_path / "home")
    status, told, _ = run(capsys, "--home", tmp_path / "home", "--json", "--limit", 100)
    assert status == 0
    found = json.loads(told)
    assert len(found["answers"]) == 6 and found["declined"] == found["notes"] == []
    assert {answer["media_type"] for answer in found["answers"]} == {"", *MEDIA_TYPES}


def test_nothing_is_found_in_a_damaged_store_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made_home(tmp_path, 60, 20)
    whole = (tmp_path / "memory.db").read_bytes()
    said_at = []
    for page in range(1, len(whole) // PAGE_BYTES):
        damaged = bytearray(whole)
        damaged[page * PAGE_BYTES : (page + 1) * PAGE_BYTES] = bytes(PAGE_BYTES)
        (tmp_path / "memory.db").write_bytes(damaged)
        asked, _, error = run(capsys, "--source", "nowhere", "--home", tmp_path)
        counted = main(["memory", "stats", "--home", str(tmp_path)])
        capsys.readouterr()
        assert (asked, counted) in ((1, 0), (2, 2)), page
        if asked == 2:
            said_at.append(page)
            assert "the store is damaged" in error and "sage memory repair" in error
    assert len(said_at) > 20
