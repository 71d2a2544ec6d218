"""Payloads: named by content, under the cap, never half a file, never an error when gone."""

from __future__ import annotations

import hashlib
import shutil
import stat
from pathlib import Path

import pytest

from sage_common.core.clock import ManualClock
from sage_common.core.errors import InvalidInput
from sage_memory import Limits, Memory, Payload, Query
from sage_memory.core.payloads import PayloadFiles, PayloadRules
from sage_memory.core.store.leftovers import find_leftovers


def picture(index: int, size: int = 1000) -> Payload:
    return Payload(bytes([index]) * size, "image/webp")


def files(home: Path) -> set[str]:
    return {path.name.split(".")[0] for path in (home / "payloads").rglob("*.webp")}


def sha(payload: Payload) -> str:
    return hashlib.sha256(payload.data).hexdigest()


def test_payload_lies_under_its_hash_and_comes_back(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        kept = memory.remember(experience(), picture(1)).result()
        assert kept.payload_sha256 == sha(picture(1))
        (answer,) = memory.recall(Query())
    path = tmp_path / "payloads" / kept.payload_sha256[:2] / f"{kept.payload_sha256}.webp"
    assert answer.payload_path == path
    assert answer.payload_note == ""
    assert path.read_bytes() == picture(1).data
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (path.parent, path.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder


def test_equal_payloads_are_stored_once(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        for index in range(3):
            memory.remember(experience(index), picture(1)).result()
        assert memory.statistics().payload_bytes == 1000
    assert len(files(tmp_path)) == 1


def test_cap_lets_the_least_recently_used_go(tmp_path, experience, clock) -> None:
    limits = Limits(payload_cap_bytes=3000, min_free_bytes=0)
    with Memory.open(tmp_path, clock=clock, limits=limits) as memory:
        kept = []
        for index in range(3):
            clock.advance_to(clock.now_ns() + 1)
            kept.append(memory.remember(experience(index), picture(index)).result())
        clock.advance_to(clock.now_ns() + 1)
        like = Query(example_id=kept[1].id, modality="vision", start_ns=kept[0].start_ns,
                     end_ns=kept[0].end_ns)  # fmt: skip
        assert memory.recall(like)[0].experience.id == kept[0].id  # the first is used again
        clock.advance_to(clock.now_ns() + 1)
        memory.checkpoint()
        memory.remember(experience(3), picture(3)).result()
        assert memory.statistics().payload_bytes == 3000
        assert files(tmp_path) == {sha(picture(index)) for index in (0, 2, 3)}
        gone = [a for a in memory.recall(Query()) if a.experience.id == kept[1].id]
        assert gone[0].payload_path is None
        assert "the payload is gone" in gone[0].payload_note


def test_evicted_and_seen_again_in_one_go(tmp_path, experience, clock) -> None:
    import threading

    limits = Limits(payload_cap_bytes=1000, min_free_bytes=0)
    with Memory.open(tmp_path, clock=clock, limits=limits) as memory:
        memory.remember(experience(0), picture(0)).result()
        release = threading.Event()
        memory._store.committer.run(lambda: release.wait() and None)
        futures = [memory.remember(experience(i), picture(i % 2)) for i in (1, 2)]
        release.set()
        assert [future.result().payload_sha256 for future in futures] == [
            sha(picture(1)), sha(picture(0))
        ]  # fmt: skip
        assert files(tmp_path) == {sha(picture(0))}
        assert memory.statistics().payload_bytes == 1000


def test_payload_above_the_cap_is_refused_and_the_experience_kept(tmp_path, experience) -> None:
    with Memory.open(tmp_path, limits=Limits(payload_cap_bytes=500)) as memory:
        kept = memory.remember(experience(), picture(1)).result()
        assert kept.payload_sha256 == "" and kept.payload_media_type == ""
        statistics = memory.statistics()
        assert (statistics.experiences, statistics.payloads_refused) == (1, 1)
        assert "1000 bytes are more than the cap of 500" in statistics.last_refusal
        assert memory.recall(Query())[0].payload_note == "no payload was kept"


def test_a_nearly_full_disk_keeps_experiences_without_payloads(tmp_path, experience) -> None:
    free = shutil.disk_usage(tmp_path).free
    with Memory.open(tmp_path, limits=Limits(min_free_bytes=2 * free)) as memory:
        assert memory.remember(experience(), picture(1)).result().payload_sha256 == ""
        assert "kept for experiences" in memory.statistics().last_refusal
    assert files(tmp_path) == set()


def test_a_failing_write_keeps_the_experience(tmp_path, experience) -> None:
    (tmp_path / "payloads").write_bytes(b"a file where the folder should be")
    with Memory.open(tmp_path) as memory:
        kept = memory.remember(experience(), picture(1)).result()
        assert kept.payload_sha256 == ""
        assert memory.statistics().payloads_refused == 1
        assert memory.statistics().last_refusal.startswith("payload not kept: ")
        assert len(memory.recall(Query())) == 1


def test_failed_write_leaves_no_temporary_file(tmp_path, monkeypatch) -> None:
    store = PayloadFiles(tmp_path / "payloads")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sage_memory.core.payloads.files.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.write("ab" * 32, picture(1))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_lost_file_is_a_note(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        memory.remember(experience(), picture(1)).result()
        shutil.rmtree(tmp_path / "payloads")
        (answer,) = memory.recall(Query())
        assert answer.payload_path is None and "gone" in answer.payload_note
        memory.remember(experience(1), picture(1)).result()
        assert all(answer.payload_path for answer in memory.recall(Query()))


def test_a_new_store_moves_the_payloads_of_an_earlier_one_aside(
    tmp_path, experience, caplog
) -> None:
    with Memory.open(tmp_path) as memory:
        memory.remember(experience(1), Payload(b"seen", "image/webp")).result()
    old = {path.name for path in (tmp_path / "payloads").glob("*/*")}
    (tmp_path / "memory.db").rename(tmp_path / "memory.db.damaged")
    with Memory.open(tmp_path) as memory:
        memory.remember(experience(2), Payload(b"heard", "image/webp")).result()
    (aside,) = tmp_path.glob("payloads.before-*")
    assert {path.name for path in aside.glob("*/*")} == old
    assert str(aside) in caplog.text
    assert find_leftovers(tmp_path) == [tmp_path / "memory.db.damaged", aside]
    with Memory.open(tmp_path):
        assert list(tmp_path.glob("payloads.before-*")) == [aside], "only before a new store"


def test_orphans_are_swept_at_start(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        kept = memory.remember(experience(), picture(1)).result()
    orphan = tmp_path / "payloads" / "cd" / f"{'cd' * 32}.webp"
    half = tmp_path / "payloads" / kept.payload_sha256[:2] / ".cut-off"
    for path in (orphan, half):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    with Memory.open(tmp_path) as memory:
        memory.checkpoint()
        assert memory._store.swept == 2
        assert memory.recall(Query())[0].payload_path is not None
    assert not orphan.exists() and not half.exists()


def test_total_is_known_again_after_a_restart(tmp_path, experience) -> None:
    limits = Limits(payload_cap_bytes=2000, min_free_bytes=0)
    clock = ManualClock(10**18)
    with Memory.open(tmp_path, clock=clock, limits=limits) as memory:
        memory.remember(experience(0), picture(0)).result()
        clock.advance_to(clock.now_ns() + 1)
        memory.remember(experience(1), picture(1)).result()
    with Memory.open(tmp_path, clock=clock, limits=limits) as memory:
        assert memory.statistics().payload_bytes == 2000
        memory.remember(experience(2), picture(2)).result()
        assert memory.statistics().payload_bytes == 2000
    assert files(tmp_path) == {sha(picture(1)), sha(picture(2))}


def counted(memory: Memory, count: int, clock: ManualClock, experience) -> None:
    for index in range(count):
        clock.advance_to(clock.now_ns() + 1)
        memory.remember(experience(index), picture(index)).result()


def evict(memory: Memory) -> int:
    rounds = 0
    while (future := memory.evict_payloads()) is not None:
        future.result()
        rounds += 1
        assert rounds < 100
    return rounds


def test_payloads_not_asked_for_go_after_their_time(tmp_path, experience, clock) -> None:
    limits = Limits(min_free_bytes=0, payload_rules=PayloadRules(ttl_s=100.0))
    with Memory.open(tmp_path, clock=clock, limits=limits) as memory:
        counted(memory, 3, clock, experience)
        clock.advance_to(clock.now_ns() + 90 * 10**9)
        memory.recall(Query(limit=1))
        memory.checkpoint()
        evict(memory)
        assert len(files(tmp_path)) == 3
        clock.advance_to(clock.now_ns() + 20 * 10**9)
        evict(memory)
        assert len(files(tmp_path)) == 1
        assert memory.statistics().payload_bytes == 1000


def test_pressure_shrinks_the_cap_few_by_few(tmp_path, experience, clock) -> None:
    limits = Limits(min_free_bytes=0, payload_cap_bytes=200_000)
    with Memory.open(tmp_path, clock=clock, limits=limits) as memory:
        counted(memory, 200, clock, experience)
        assert memory.evict_payloads() is None
        memory.set_pressure(1)
        assert evict(memory) == 2
        assert memory.statistics().payload_bytes == 100_000
        memory.set_pressure(3)
        assert evict(memory) == 2
        assert memory.statistics().payload_bytes == 20_000
        assert files(tmp_path) == {sha(picture(index)) for index in range(180, 200)}
        memory.set_pressure(0)
        counted(memory, 30, clock, experience)
        assert memory.statistics().payload_bytes == 50_000
        with pytest.raises(InvalidInput, match="level"):
            memory.set_pressure(5)


def test_what_comes_under_pressure_makes_room_for_itself_twice(tmp_path, experience, clock) -> None:
    limits = Limits(min_free_bytes=0, payload_cap_bytes=100_000)
    with Memory.open(tmp_path, clock=clock, limits=limits) as memory:
        counted(memory, 100, clock, experience)
        memory.set_pressure(1)
        memory.remember(experience(300), picture(200)).result()
        assert memory.statistics().payload_bytes == 99_000


def test_a_corrupt_payload_is_a_note(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        kept = memory.remember(experience(), picture(1)).result()
        assert memory.payload(kept) == (picture(1).data, "")
        (path,) = (tmp_path / "payloads").rglob("*.webp")
        path.write_bytes(b"\x00" + picture(1).data[1:])
        data, note = memory.payload(kept)
        assert data is None and "damaged" in note
        path.unlink()
        data, note = memory.payload(kept)
        assert data is None and "cannot be read" in note


def test_what_is_remembered_pinned_keeps_its_payload(tmp_path, experience, clock) -> None:
    limits = Limits(payload_cap_bytes=2000, min_free_bytes=0)
    with Memory.open(tmp_path, clock=clock, limits=limits) as memory:
        memory.remember(experience(0, pinned=True), picture(0)).result()
        for index in range(1, 4):
            clock.advance_to(clock.now_ns() + 1)
            memory.remember(experience(index), picture(index)).result()
        assert files(tmp_path) == {sha(picture(0)), sha(picture(3))}
