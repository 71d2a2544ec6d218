"""What a run did is undone bit for bit; one that is killed goes on or leaves no trace."""

from __future__ import annotations

import multiprocessing
import runpy
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import sleep_home as home
from sqlalchemy import select, update

from sage_common.core.clock import ManualClock
from sage_common.core.errors import InvalidInput
from sage_memory import Limits, Memory, Payload
from sage_memory.core.engine.schema import experiences, forgettings, payloads, runs
from sage_memory.core.errors import NoRunToUndo
from sage_memory.core.rows.checksums import row_crc32
from sage_memory.core.sleep import consolidation as run
from sage_memory.core.sleep.changes import eviction, purge, summaries, undo
from sage_memory.core.sleep.records import forgetting_list

PINNED, COVERS = (experiences.columns.keys().index(name) for name in ("pinned", "covers"))
NOW_NS = home.START_NS + 3600 * 10**9


class Killed(BaseException):
    """In place of a kill: nothing may catch it."""


@pytest.fixture(autouse=True)
def small_steps(monkeypatch) -> None:
    """Many transactions a run, so that there is much to cut off."""
    monkeypatch.setattr(run, "GROUPS_PER_STEP", 2)
    monkeypatch.setattr(run, "EVICTIONS_PER_STEP", 7)
    monkeypatch.setattr(undo, "STEP", 7)
    monkeypatch.setattr(purge, "AT_ONCE", 16)


def rows_of(memory: Memory, *columns) -> list:
    return memory.read(lambda connection: connection.execute(select(*columns)).all())


def list_of(memory: Memory) -> list[tuple[bytes, str]]:
    """Whom something was evict, and why, whether it can still be undone or not."""
    column = forgettings.c
    rows = rows_of(memory, column.experience_id, column.reason, column.undo_until_ns, column.saved)
    listed = []
    for row in rows:
        one = [(bytes(row.experience_id), row.reason)]
        listed += one if row.undo_until_ns is not None else forgetting_list.unpack(row.saved)
    return sorted(listed)


def kill_at(step: int):
    """A progress callback that raises at this call."""
    calls = []

    def progress(_share: float, _stage: str) -> None:
        calls.append(None)
        if len(calls) == step:
            raise Killed

    return progress


def steps_of_a_sleep(folder: Path) -> int:
    with home.opened(folder) as memory:
        home.fill(memory, groups=5)
        calls = []
        memory.sleep(home.THOROUGH, lambda *call: calls.append(call))
    return len(calls)


def essence(memory: Memory) -> dict[str, list]:
    """What is the same after a run that was cut off and went on: all but new ids and clocks."""
    found = home.content(memory)
    moments = [row for row in found["experiences"] if row[COVERS] == 0]
    covers = sorted(row.covers for row in rows_of(memory, experiences.c.covers) if row.covers)
    vectors = [row for row in found["vectors"] if row[0] in {moment[1] for moment in moments}]
    return {"moments": moments, "covers": covers, "vectors": vectors}


def test_undo_restores_bit_for_bit(tmp_path) -> None:
    with home.opened(tmp_path) as memory:
        home.fill(memory)
        before = home.content(memory)
        answers = [(a.experience.id, a.score) for a in memory.recall(home.like(3, 2))]
        report = memory.sleep(home.THOROUGH)
        assert home.content(memory) != before
        undone = memory.undo_sleep()
        assert undone.run_id == report.run_id and undone.note == ""
        assert undone.restored == len({bytes(r[0]) for r in rows_of(
            memory, forgettings.c.experience_id)})  # fmt: skip
        assert home.content(memory) == before
        assert [(a.experience.id, a.score) for a in memory.recall(home.like(3, 2))] == answers
        assert [row.state for row in rows_of(memory, runs.c.state)] == ["undone"]
        memory.verify()
    with home.opened(tmp_path) as memory:
        assert home.content(memory) == before
        memory.verify()


def test_a_run_of_an_older_version_is_undone_whole(tmp_path, monkeypatch) -> None:
    """Its summaries are marked with the word of that version."""
    written = summaries._mark
    monkeypatch.setattr(summaries, "_mark", lambda run, word="night": written(run, word))
    with home.opened(tmp_path) as memory:
        home.fill(memory)
        before = home.content(memory)
        report = memory.sleep(home.THOROUGH)
        reasons = [row.reason for row in rows_of(memory, experiences.c.reason)]
        assert report.summaries == sum(reason.startswith("night ") for reason in reasons) > 0
    monkeypatch.undo()
    with home.opened(tmp_path) as memory:
        memory.undo_sleep()
        assert home.content(memory) == before


def test_payload_files_come_back(tmp_path) -> None:
    with home.opened(tmp_path) as memory:
        ids = home.fill(memory)
        memory.sleep(home.THOROUGH)
        gone = memory.of_id(ids[1]).experience
        assert memory.payload(gone) == (None, "no payload was kept, or it was evicted")
        memory.undo_sleep()
        data, note = memory.payload(memory.of_id(ids[1]).experience)
        assert data == b"payload 1 " * 50 and note == ""


def test_payloads_kept_for_undoing_are_the_first_to_go_and_undo_says_so(tmp_path) -> None:
    with home.opened(tmp_path) as memory:
        ids = home.fill(memory)
        memory.sleep(home.THOROUGH)
        total = memory.statistics().payload_bytes
        cap = total + min(memory._store.payloads.cap.copies_bytes, total)  # copies count under it
    clock = ManualClock(NOW_NS + 10**9)
    limits = Limits(min_free_bytes=0, payload_cap_bytes=cap)
    with Memory.open(tmp_path, clock=clock, limits=limits) as memory:
        memory.remember(home.moment(999), Payload(b"new" * 300, "image/webp")).result()
        salient = memory.payload(memory.of_id(ids[0]).experience)
        assert salient[0] is not None
        undone = memory.undo_sleep()
        assert "evicted to stay under the cap" in undone.note
        lost = {bytes(r.id) for r in rows_of(memory, experiences.c.id, experiences.c.payload_sha256)
                if r.payload_sha256 and memory.payload(memory.of_id(bytes(r.id)).experience)[0]
                is None}  # fmt: skip
        assert 1 <= len(lost) <= 3


def test_when_the_grace_is_over_copies_and_files_go_and_undo_is_refused(tmp_path) -> None:
    clock = ManualClock(NOW_NS)
    with home.opened(tmp_path, clock) as memory:
        home.fill(memory)
        memory.sleep(home.THOROUGH)
        held = len(list((tmp_path / "payloads").rglob("*.webp")))
        assert held == home.GROUPS * home.SIZE
        clock.advance_to(NOW_NS + round(home.OPTIONS.grace_s * 1e9))
        with pytest.raises(InvalidInput, match="grace is not over"):
            memory.undo_sleep()
        listed = list_of(memory)
        assert len(listed) > 50 and all(reason.startswith("salience 0.") for _, reason in listed)
        memory.sleep(home.THOROUGH)
        assert list_of(memory) == listed
        short = rows_of(memory, forgettings.c.undo_until_ns, forgettings.c.saved)
        assert len(short) < len(listed) / 4 and {row.undo_until_ns for row in short} == {None}
        assert not any(b"payload_sha256" in row.saved for row in short)
        with pytest.raises(InvalidInput, match="grace is not over"):
            memory.undo_sleep()
        assert len(list((tmp_path / "payloads").rglob("*.webp"))) == 8
        assert len(rows_of(memory, payloads)) == 8
        memory.verify()


def test_the_list_of_an_earlier_version_is_shortened_without_losing_a_word(tmp_path) -> None:
    """It kept a row for each experience for ever, its copy emptied when the grace was over."""
    clock = ManualClock(NOW_NS)
    with home.opened(tmp_path, clock) as memory:
        home.fill(memory)
        memory.sleep(home.THOROUGH)
        listed = list_of(memory)
        emptied = update(forgettings).values(saved=None, undo_until_ns=NOW_NS)
        memory._store.change(lambda connection: connection.execute(emptied)).result()
        with pytest.raises(InvalidInput, match="grace is not over"):
            memory.undo_sleep()
        clock.advance_to(NOW_NS + 1)
        memory.sleep(home.THOROUGH)
        assert list_of(memory) == listed
        assert len(rows_of(memory, forgettings.c.number)) < len(listed) / 4


def test_a_sleep_without_grace_can_be_rolled_back_until_it_is_over(tmp_path) -> None:
    with home.opened(tmp_path) as memory:
        home.fill(memory, groups=5)
        before = home.content(memory)
        with pytest.raises(Killed):
            memory.sleep(replace(home.THOROUGH, grace_s=0.0), kill_at(9))
    with home.opened(tmp_path) as memory:
        assert home.content(memory) != before
        purge.purge_expired(memory._store, NOW_NS + 1)
        (running,) = rows_of(memory, runs.c.id, runs.c.state)
        assert running.state == "running"
        undo.undo_run(memory._store, bytes(running.id), "rolled back", NOW_NS + 1)
        assert home.content(memory) == before


def test_what_is_forgotten_after_the_grace_leaves_the_others_listed(tmp_path) -> None:
    clock = ManualClock(NOW_NS)
    with home.opened(tmp_path, clock) as memory:
        home.fill(memory)
        memory.sleep(replace(home.THOROUGH, grace_s=0.0))
        listed = list_of(memory)
        first, *_ = rows_of(memory, forgettings.c.experience_id)
        memory.forget([bytes(first.experience_id)], "asked to").result()
        assert list_of(memory) == listed
        memory.verify()


def test_only_the_last_sleep_can_be_undone(tmp_path) -> None:
    clock = ManualClock(NOW_NS)
    with home.opened(tmp_path, clock) as memory:
        home.fill(memory)
        with pytest.raises(NoRunToUndo, match="no sleep to undo: this memory has not slept"):
            memory.undo_sleep()
        first = memory.sleep(replace(home.OPTIONS, target_share=0.8))
        clock.advance_to(NOW_NS + 10**9)
        middle = home.content(memory)
        second = memory.sleep(home.THOROUGH)
        with pytest.raises(InvalidInput, match="the last run that was not undone"):
            memory.undo_sleep(first.run_id)
        memory.undo_sleep(second.run_id)
        assert home.content(memory) == middle
        memory.undo_sleep(first.run_id)
        assert all(row.undone_ns for row in rows_of(memory, forgettings.c.undone_ns))


def test_killed_after_any_step_it_goes_on_to_the_same_end(tmp_path) -> None:
    steps = steps_of_a_sleep(tmp_path / "whole")
    assert steps > 10
    with home.opened(tmp_path / "whole") as memory:
        whole = essence(memory)
    for step in range(1, steps + 1):
        folder = tmp_path / str(step)
        with home.opened(folder) as memory:
            home.fill(memory, groups=5)
            with pytest.raises(Killed):
                memory.sleep(home.THOROUGH, kill_at(step))
        with home.opened(folder) as memory:
            memory.sleep(home.THOROUGH)
            states = [row.state for row in rows_of(memory, runs.c.state)]
            assert states == ["done"], step
            assert essence(memory) == whole, step
            memory.verify()


def test_killed_after_any_step_it_can_be_undone(tmp_path) -> None:
    steps = steps_of_a_sleep(tmp_path / "whole")
    for step in range(3, steps, 3):
        folder = tmp_path / str(step)
        with home.opened(folder) as memory:
            home.fill(memory, groups=5)
            before = home.content(memory)
            with pytest.raises(Killed):
                memory.sleep(home.THOROUGH, kill_at(step))
        with home.opened(folder) as memory:
            memory.undo_sleep()
            assert home.content(memory) == before, step


def test_an_undoing_that_is_killed_is_completed_by_the_next_sleep(tmp_path, monkeypatch) -> None:
    with home.opened(tmp_path) as memory:
        home.fill(memory)
        before = home.content(memory)
        memory.sleep(home.THOROUGH)
        real, calls = undo.update_index, []

        def dying(*arguments) -> None:
            calls.append(None)
            if len(calls) == 4:
                raise RuntimeError("killed")
            real(*arguments)

        monkeypatch.setattr(undo, "update_index", dying)
        with pytest.raises(Exception, match="killed"):
            memory.undo_sleep()
        monkeypatch.setattr(undo, "update_index", real)
    with home.opened(tmp_path) as memory:
        assert home.content(memory) != before
        memory.sleep(replace(home.THOROUGH, target_share=1.0))
        assert home.content(memory) == before
        assert [row.state for row in rows_of(memory, runs.c.state)] == ["undone"]


@pytest.mark.parametrize("step", [3, 4, 6])
def test_a_real_kill(tmp_path, step) -> None:
    with home.opened(tmp_path) as memory:
        home.fill(memory)
        before = home.content(memory)
    given = {"FOLDER": str(tmp_path), "FATAL_STEP": step, "HELPER": home.__file__}
    process = multiprocessing.get_context("spawn").Process(
        target=runpy.run_path, args=(str(Path(__file__).with_name("sleeper.py")), given)
    )
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    with home.opened(tmp_path) as memory:
        memory.sleep(home.THOROUGH)
        assert [row.state for row in rows_of(memory, runs.c.state)] == ["done"]
        memory.verify()
        memory.undo_sleep()
        assert home.content(memory) == before


def test_what_is_pinned_during_the_sleep_stays(tmp_path, monkeypatch) -> None:
    with home.opened(tmp_path) as memory:
        ids = home.fill(memory)
        before = {row[1]: row for row in home.content(memory)["experiences"]}
        pinned = []

        def progress(_share: float, stage: str) -> None:
            if stage == "merging" and not pinned:
                pinned.extend(ids[1:4])
                for identifier in pinned:
                    memory.pin(identifier, True).result()

        memory.sleep(home.THOROUGH, progress)
        after = {row[1]: row for row in home.content(memory)["experiences"]}
        for identifier in pinned:
            was = list(before[identifier])
            was[PINNED] = 1
            assert [*was[:-1], row_crc32(was[:-1])] == list(after[identifier])


@pytest.mark.parametrize("change", ["pin", "forget"])
def test_what_changes_after_its_eviction_was_prepared_is_heeded(tmp_path, change) -> None:
    """While one step is written the next one is prepared: it is prepared anew then."""
    with home.opened(tmp_path) as memory:
        ids = home.fill(memory)
        before = {row[1]: row for row in home.content(memory)["experiences"]}
        late = []

        def progress(_share: float, stage: str) -> None:
            if stage == "evicting" and not late:
                late.extend(ids[11:16])  # steps are of 7, in the order of the file
                if change == "forget":
                    memory.forget(late, "asked to").result()
                for identifier in late if change == "pin" else ():
                    memory.pin(identifier, True).result()

        report = memory.sleep(home.THOROUGH, progress)
        assert late and not report.rolled_back
        after = {row[1]: row for row in home.content(memory)["experiences"]}
        listed = {identifier for identifier, _ in list_of(memory)}
        assert listed.isdisjoint(late) and len(listed) > 40
        if change == "forget":
            assert after.keys().isdisjoint(late)
        for identifier in late if change == "pin" else ():
            was = list(before[identifier])
            was[PINNED] = 1
            assert [*was[:-1], row_crc32(was[:-1])] == list(after[identifier])
        memory.verify()


def test_saved_copies_hold_every_byte() -> None:
    from sage_memory.core.sleep.records import saved_copy

    row = {"text": "a\nb", "reason": "é", "context": None, "codes": b"\x00\n\xff", "sketch": b"s"}
    vector = {"encoder_id": "e", "role": "percept", "dim": 2, "encoding": "f32", "crc32": 7,
              "vector": b"12345678"}  # fmt: skip
    blob = saved_copy.pack(row, [vector])
    assert saved_copy.unpack(blob) == (row, [vector])
    with pytest.raises(ValueError, match="announced"):
        saved_copy.unpack(blob[:-1])
    assert eviction.WHAT[eviction.PAYLOAD] == "payload"
