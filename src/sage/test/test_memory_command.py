"""`sage memory` on a store at rest."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
from memory_command import as_json, run
from memory_homes import experience, made_home

from sage.memory.interrupts import stop_on_interrupt
from sage.memory.repairing import repair_home
from sage_common.core.labels import Label, Labels
from sage_memory import Memory, Query
from sage_memory.core.identifiers import id_text


def test_stats_count_what_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = made_home(tmp_path)
    with Memory.open(tmp_path) as memory:  # a reader beside the writer
        found = as_json(capsys, "stats", "--home", tmp_path)
        assert found["experiences"] == 6
        assert memory.statistics().experiences == 6
    assert found["modalities"] == {"audio": 3, "vision": 3}
    assert found["vectors"] == {
        "audio-1-abc": {"f32": 3},
        "vision-1-abc": {"f32": 3},
        "words-1": {"f32": 3},
    }
    assert (found["payloads"], found["payload_bytes"]) == (3, 3 * 288)
    assert (found["oldest_ns"], found["newest_ns"]) == (kept[0].start_ns, kept[-1].end_ns)
    status, told, _ = run(capsys, "stats", "--home", tmp_path)
    assert status == 0
    assert "experiences  6: audio 3, vision 3" in told
    assert "payloads     3, 864 bytes" in told


def test_a_memory_that_is_not_there_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (("stats",), ("entities",), ("export", tmp_path / "out")):
        status, told, said = run(capsys, *words, "--home", tmp_path / "none")
        assert (status, told) == (2, "")
        assert "no store here yet" in said and len(said.splitlines()) == 1
        assert not (tmp_path / "none").exists() and not (tmp_path / "out").exists()


def test_export_and_import(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made_home(tmp_path / "old")
    words = ("--home", tmp_path / "old", "--format", "jsonl")
    status, told, _ = run(capsys, "export", tmp_path / "out", *words)
    assert status == 0
    assert f"{tmp_path / 'out'}: 6 experiences, 9 vectors, 3 payloads" in told
    status, _, said = run(capsys, "export", tmp_path / "out", *words)
    assert status == 2 and "expected one that is not there yet" in said
    new = ("--home", tmp_path / "new")
    assert as_json(capsys, "import", tmp_path / "out", *new)["rows"]["experiences"] == 6
    status, _, said = run(capsys, "import", tmp_path / "out", *new)
    assert status == 2
    assert said == (
        "sage memory: store = '6 experiences': expected an empty one, or --merge to add what it "
        "lacks\n"
    )
    status, told, _ = run(capsys, "import", tmp_path / "out", "--merge", *new)
    assert status == 0 and "6 experiences were there already, and stay" in told
    with Memory.open(tmp_path / "new"):
        status, _, said = run(capsys, "import", tmp_path / "out", "--merge", *new)
        assert status == 2
        assert said == (
            f"sage memory: {tmp_path / 'new/memory.db'}: the store is in use by process "
            f"{os.getpid()}; stop it, or wait until it is done; then repeat `sage memory import`\n"
        )


def test_forgetting_warns_of_what_was_set_aside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, *_ = made_home(tmp_path)
    words = ("--yes", "--home", tmp_path)
    status, _, said = run(capsys, "forget", id_text(first.id), *words)
    assert status == 0 and said == ""
    repair_home(tmp_path)
    (tmp_path / "payloads.before-20260101T000000Z").mkdir()
    status, _, said = run(capsys, "forget", id_text(second.id), *words)
    assert status == 0
    assert str(tmp_path / "damaged-1") in said
    assert str(tmp_path / "payloads.before-20260101T000000Z") in said


def test_a_sound_store_is_left_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made_home(tmp_path)
    status, told, _ = run(capsys, "repair", "--home", tmp_path)
    assert status == 0 and "there is nothing to repair" in told and "damaged" not in told
    assert list(tmp_path.glob("damaged-*")) == []


def test_a_full_disk_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made_home(tmp_path / "home")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    words = ("--format", "jsonl", "--home", tmp_path / "home")
    assert run(capsys, "export", tmp_path / "whole", *words)[0] == 0
    monkeypatch.setattr("sage.memory.exports.exporting._write_all", full)
    status, _, said = run(capsys, "export", tmp_path / "out", *words)
    assert status == 2 and len(said.splitlines()) == 1
    assert f"{tmp_path / 'out'}: the disk refuses (No space left on device)" in said
    monkeypatch.setattr("sage.memory.exports.importing._copy_payloads", full)
    status, _, said = run(capsys, "import", tmp_path / "whole", "--home", tmp_path / "new")
    assert status == 2 and f"{tmp_path / 'new'}: the disk refuses" in said


def similar(home: Path) -> None:
    """A memory of forty moments in four scenes, and one that matters."""
    scenes = [experience(1000 + number).embedding for number in range(4)]
    with Memory.open(home) as memory:
        for index in range(40):
            moment = experience(
                index, modality="vision", encoder_id="vision-1", total=0.3,
                embedding=scenes[index % 4],
            )  # fmt: skip
            memory.remember(moment)
        last = experience(99, total=0.95, encoder_id="vision-1", modality="vision")
        memory.remember(last).result()


def test_sleep_and_undo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    similar(tmp_path)
    before = as_json(capsys, "stats", "--home", tmp_path)
    dry = as_json(capsys, "sleep", "--dry-run", "--home", tmp_path)
    assert dry["merged"] > 0 and dry["run_id"] == ""
    assert as_json(capsys, "stats", "--home", tmp_path) == before
    done = as_json(capsys, "sleep", "--home", tmp_path)
    assert done["summaries"] > 0 and done["bytes_after"] < done["bytes_before"]
    after = as_json(capsys, "stats", "--home", tmp_path)
    assert after["summaries"] == done["summaries"]
    back = as_json(capsys, "undo", done["run_id"], "--home", tmp_path)
    assert back["restored"] > 0
    restored = as_json(capsys, "stats", "--home", tmp_path)
    assert restored["vectors"] == before["vectors"]
    assert restored["summaries"] == 0
    status, _, said = run(capsys, "undo", "--home", tmp_path)
    assert status == 2
    assert said == (
        "sage memory: no sleep to undo: this memory has not slept yet, or every sleep is undone "
        "already\n"
    )
    with Memory.open(tmp_path, read_only=True) as memory:
        assert len(memory.recall(Query(limit=100))) == 41


def test_a_graph_that_refuses_to_undo_is_quoted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = SimpleNamespace(success=False, message="no sleep to undo", restored=0)
    monkeypatch.setattr("sage.client.memory_client.running_graph", lambda _home: object())
    monkeypatch.setattr("sage.client.graph_memory.call_service", lambda *_: refusal)
    status, told, said = run(capsys, "undo", "--home", tmp_path)
    assert (status, told, said) == (2, "", "sage memory: no sleep to undo\n")


def test_wrong_values_of_sleep_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, said in (
        (("sleep", "--target", "0"), "target_share = 0.0"),
        (("sleep", "--max-duration", "-1"), "max_duration_s = -1.0"),
        (("undo", "abc"), "run = 'abc': expected a UUID"),
    ):
        status, told, error = run(capsys, *words, "--home", tmp_path)
        assert (status, told) == (2, "") and said in error


def test_the_first_interrupt_asks_and_the_second_ends() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stop_on_interrupt() as should_stop:
        assert not should_stop()
        signal.raise_signal(signal.SIGINT)
        assert should_stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_entities_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made_home(tmp_path)
    assert as_json(capsys, "entities", "--home", tmp_path)["entities"] == []
    status, told, _ = run(capsys, "entities", "--home", tmp_path)
    assert status == 0 and "no entity is known yet" in told
    with Memory.open(tmp_path) as memory:
        for answer in memory.recall(Query(modality="vision")):
            cup = Labels("classes-1@a", (Label(0, 0.8),))
            memory.label(answer.experience.id, cup, ["cup"]).result()
    met = as_json(capsys, "entities", "--home", tmp_path)["met"][0]
    assert (met["kind"], met["name"]) == ("object", "cup")
    told = run(capsys, "entities", "--home", tmp_path)[1]
    assert "object cup: met once, 1 moment, first " in told and met["last_id"] in told
