"""What is forgotten on request is in no file any more; what is pinned stays."""

from __future__ import annotations

import resource
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import sleep_home as home
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from sage_common.core.clock import ManualClock
from sage_common.core.errors import InvalidInput
from sage_memory import Limits, Memory, Payload, Place, Query
from sage_memory.core.engine.schema import clocks, experiences, payloads, summary_members, vectors
from sage_memory.core.errors import DiskRefuses, NotCompacted

SECRET = "the code of the safe is 4711-0815-2342"


def rows_of(memory: Memory, *columns) -> list:
    return memory.read(lambda connection: connection.execute(select(*columns)).all())


def secret(**changes):
    """An experience whose every part can be told from all others, and its parts."""
    rng = np.random.default_rng(77)
    words = rng.normal(size=24).astype(np.float32)
    place = Place("vault", (123.456789, -987.654321, 3.25), covariance=(0.123456789,) * 36)
    told = home.moment(
        5000, text=SECRET, text_embedding=words, text_encoder_id="words-1", place=place,
        entity="speaker:the locksmith", reason="heard the locksmith whisper",
        context={"audio": (0.1, 0.2, 0.3, 0.4, 0.123456)}, **changes,
    )  # fmt: skip
    parts = {
        "text": SECRET.encode(),
        "entity": b"the locksmith",
        "reason": b"heard the locksmith whisper",
        "context": b"0.123456",
        "place": np.float64(123.456789).byteswap().tobytes(),
        "covariance": np.full(4, 0.123456789).tobytes(),
    }
    return told, parts


def vectors_of(memory: Memory, identifier: bytes) -> dict[str, bytes]:
    rows = rows_of(memory, vectors.c.experience_id, vectors.c.role, vectors.c.vector)
    own = {row.role: row.vector for row in rows if bytes(row.experience_id) == identifier}
    return own | {"part": own["percept"][40:72]}


def files_with(folder: Path, needle: bytes) -> list[str]:
    return [
        path.name for path in folder.rglob("*") if path.is_file() and needle in path.read_bytes()
    ]


def assert_gone(folder: Path, parts: dict[str, bytes]) -> None:
    found = {name: files_with(folder, needle) for name, needle in parts.items()}
    assert found == {name: [] for name in parts}


def test_no_file_holds_a_byte_of_it(tmp_path) -> None:
    told, parts = secret()
    parts["payload"] = b"secret payload 99"
    with home.opened(tmp_path) as memory:
        home.fill(memory)
        kept = memory.remember(told, Payload(parts["payload"] * 20, "image/webp")).result()
        home.fill(memory, groups=2)
        parts |= vectors_of(memory, kept.id)
        assert all(files_with(tmp_path, needle) for needle in parts.values())
        done = memory.forget([kept.id], "asked to").result()
        assert done.count == 1
        assert done.bytes_freed > len(parts["payload"]) * 20 + 4 * (24 + home.DIM)
        assert_gone(tmp_path, parts)  # with the store open, its log included
        memory.verify()
    assert_gone(tmp_path, parts)


def test_a_disk_too_full_to_compact_is_told_and_the_bytes_go_at_the_next_close(
    tmp_path, monkeypatch
) -> None:
    def full(connection, whole: bool) -> None:
        raise DBAPIError.instance("VACUUM", None, sqlite3.OperationalError("disk is full"),
                                  sqlite3.Error)  # fmt: skip

    told, parts = secret()
    with Memory.open(tmp_path) as memory:
        kept = memory.remember(told).result()
        with monkeypatch.context() as patched:
            patched.setattr("sage_memory.core.store.storage.compact", full)
            with pytest.raises(NotCompacted, match=r"are forgotten, but .*disk is full.*make room"):
                memory.forget([kept.id], "asked to").result()
        assert memory.recall(Query()) == []
        memory.verify()
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert [name for name, part in parts.items() if part in everything] == []


def test_a_tombstone_without_content_stays(tmp_path) -> None:
    told, _ = secret()
    with home.opened(tmp_path) as memory:
        kept = memory.remember(told).result()
        memory.forget([kept.id], "asked to").result()
        (row,) = rows_of(memory, experiences)
        assert bytes(row.id) == kept.id and row.forgotten_reason == "asked to"
        assert row.forgotten_ns == home.START_NS + 3600 * 10**9
        assert (row.text, row.reason, row.entity, row.codes) == ("", "", "", b"")
        assert row.place_frame is row.place_x is row.context is None
        assert row.total == row.surprise == 0.0
        fields = {r.field for r in rows_of(memory, clocks.c.field)}
        assert fields == {"*", "forgotten"}
        assert memory.of_id(kept.id) is None
        with pytest.raises(InvalidInput, match="not forgotten"):
            memory.forget([kept.id], "again").result()


def test_what_is_forgotten_pins_nothing_any_more(tmp_path) -> None:
    shared = Payload(b"seen by both" * 20, "image/webp")
    with home.opened(tmp_path) as memory:
        pinned = memory.remember(home.moment(1), shared).result()
        memory.remember(home.moment(2), shared).result()
        memory.pin(pinned.id, True).result()
        assert [row.pinned for row in rows_of(memory, payloads)] == [1]
        memory.forget([pinned.id], "asked to").result()
        assert [row.pinned for row in rows_of(memory, experiences)] == [0, 0]
        assert [row.pinned for row in rows_of(memory, payloads)] == [0]


def test_forgetting_after_a_sleep_reaches_saved_copies_and_the_summary(tmp_path) -> None:
    told, parts = secret(total=0.2)
    parts["payload"] = b"secret payload 99"
    with home.opened(tmp_path) as memory:
        payload = Payload(parts["payload"] * 20, "image/webp")
        others = [
            home.moment(
                5001 + k, total=0.2, place=told.place,
                embedding=told.embedding + 0.05 * np.random.default_rng(k).normal(size=home.DIM),
            )
            for k in range(5)
        ]  # fmt: skip
        kept = memory.remember(told, payload).result()
        for other in others:
            memory.remember(other).result()
        parts |= vectors_of(memory, kept.id)
        report = memory.sleep(home.THOROUGH)
        assert (report.summaries, report.merged) == (1, 6)
        memory.forget([kept.id], "asked to").result()
        private = {name: parts[name] for name in ("text", "words", "percept", "payload", "context")}
        assert_gone(tmp_path, private)
        (summary,) = rows_of(memory, experiences)[6:]
        assert summary.covers == 5 and SECRET not in summary.text
        assert len(rows_of(memory, summary_members.c.member_id)) == 5
        memory.verify()
        undone = memory.undo_sleep()
        assert undone.restored == 5
        assert_gone(tmp_path, private)
        memory.verify()


def test_a_shared_payload_stays_until_the_last_one_is_forgotten(tmp_path) -> None:
    payload = Payload(b"shared" * 100, "image/webp")
    with home.opened(tmp_path) as memory:
        first, second = (memory.remember(home.moment(k), payload).result() for k in (1, 2))
        memory.forget([first.id], "").result()
        assert memory.payload(memory.of_id(second.id).experience) == (payload.data, "")
        memory.forget([second.id], "").result()
        assert files_with(tmp_path, payload.data) == []
        assert memory.statistics().payload_bytes == 0


def test_all_or_none_are_forgotten(tmp_path) -> None:
    with home.opened(tmp_path) as memory:
        ids = home.fill(memory, groups=2)
        with pytest.raises(InvalidInput, match="78787878-7878"):
            memory.forget([ids[0], b"x" * 16], "").result()
        assert memory.of_id(ids[0]) is not None
        with pytest.raises(InvalidInput, match=r"len\(ids\)"):
            memory.forget([], "")
        assert memory.forget(ids[:3], "three").result().count == 3
        assert len(rows_of(memory, experiences)) == len(ids)
        assert {a.experience.id for a in memory.recall(home.like(0, 0, limit=50))} == set(ids[3:])


def test_a_pinned_payload_survives_the_cap_and_the_pressure(tmp_path) -> None:
    clock = ManualClock(home.START_NS)
    limits = Limits(min_free_bytes=0, payload_cap_bytes=3000)
    with Memory.open(tmp_path, clock=clock, limits=limits) as memory:
        kept = []
        for index in range(6):
            clock.advance_to(clock.now_ns() + 1)
            payload = Payload(bytes([index]) * 1000, "image/webp")
            kept.append(memory.remember(home.moment(index), payload).result())
            if index == 0:
                memory.pin(kept[0].id, True).result()
        has = [memory.payload(memory.of_id(k.id).experience)[0] is not None for k in kept]
        assert has == [True, False, False, False, True, True]
        memory.pin(kept[0].id, False).result()
        clock.advance_to(clock.now_ns() + 1)
        memory.remember(home.moment(9), Payload(b"9" * 1000, "image/webp")).result()
        assert memory.payload(memory.of_id(kept[0].id).experience)[0] is None
        stamps = {r.field for r in rows_of(memory, clocks.c.experience_id, clocks.c.field)
                  if bytes(r.experience_id) == kept[0].id}  # fmt: skip
        assert stamps == {"*", "pinned"}
        with pytest.raises(InvalidInput, match="not forgotten"):
            memory.pin(b"x" * 16, True).result()


def test_a_shared_payload_stays_pinned_while_one_of_its_experiences_is(tmp_path) -> None:
    payload = Payload(b"shared" * 100, "image/webp")
    with home.opened(tmp_path) as memory:
        first, second = (memory.remember(home.moment(k), payload).result() for k in (1, 2))
        for identifier in (first.id, second.id):
            memory.pin(identifier, True).result()
        memory.pin(first.id, False).result()
        assert [row.pinned for row in rows_of(memory, payloads.c.pinned)] == [1]
        memory.pin(second.id, False).result()
        assert [row.pinned for row in rows_of(memory, payloads.c.pinned)] == [0]


def test_a_disk_without_room_to_write_forgets_nothing(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        kept = memory.remember(experience(text="said"), Payload(b"seen", "text/csv")).result()
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, before[1]))
        try:
            with pytest.raises(DiskRefuses, match="what was there is still there"):
                memory.forget([kept.id], "asked to").result()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        (answer,) = memory.recall(Query())
        assert answer.experience.text == "said"
        assert memory.payload(answer.experience) == (b"seen", "")
        assert memory.forget([kept.id], "asked to").result().count == 1
