"""What a run did is undone bit for bit while its grace lasts."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sleep_home as home
from sleep_home import list_of, rows_of
from sqlalchemy import update

from sage_common.core.clock import ManualClock
from sage_common.core.errors import InvalidInput
from sage_memory import Limits, Memory, Payload
from sage_memory.core.engine.schema import experiences, forgettings, payloads, runs
from sage_memory.core.errors import NoRunToUndo
from sage_memory.core.sleep.changes import eviction, summaries

pytestmark = pytest.mark.usefixtures("small_steps")
NOW_NS = home.START_NS + 3600 * 10**9


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
