"""The index on disk: the same answers, newer rows taken in, thrown away when it does not hold."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import memory_index as truth
import numpy as np
import pytest

from sage_memory import Memory, Query
from sage_memory.core.engine.schema import experiences
from sage_memory.core.index import cache, scan, space
from sage_memory.core.index.cache import Facts, IndexCache
from sage_memory.core.index.index import ROLES, VectorIndex
from sage_memory.core.rows.changes import set_columns

unit, searched = truth.unit, truth.searched
FACTS = Facts("1", "r", 7)


@pytest.fixture(autouse=True)
def written_at_once(monkeypatch) -> None:
    """Small stores have a cache, too, several chunks, and bits."""
    monkeypatch.setattr(space, "STATISTICS_FROM", 2048)
    monkeypatch.setattr(scan, "FEW_IN_ALL", 2048)
    monkeypatch.setattr(space, "MAX_CHUNK", 1024)
    monkeypatch.setattr(cache, "LEAST_NEW", 1)


def plain(number: int, vector: np.ndarray, **changes) -> dict:
    base = {
        "start_ns": number, "length": 0, "total": 0.5, "modality": "vision", "source": "front",
        "entity": "anna", "device_id": "r", "alive": True, "vectors": {("a", ROLES[0]): vector},
    }  # fmt: skip
    return base | changes


def of_disk(cache: IndexCache) -> VectorIndex:
    copy = IndexCache(cache.folder).read()
    assert copy is not None and copy.facts == FACTS
    index = VectorIndex()
    index.adopt(copy)
    return index


@pytest.fixture(scope="module")
def many() -> list[dict]:
    """More than two chunks of vectors, with bits."""
    rng = np.random.default_rng(0)
    return [plain(n, unit(rng.normal(size=96))) for n in range(2500)]


def questions(items, count=5):
    for item in items[:: max(1, len(items) // count)]:
        vector = unit(item["vectors"]["a", ROLES[0]] + 0.001)
        yield truth.proven(Query(text_embedding=vector, text_encoder_id="a"))


def test_what_was_written_answers_bit_for_bit(tmp_path, many) -> None:
    index, source = truth.build(many), truth.RecordSource(many)
    cache = IndexCache(tmp_path / "index")
    cache.write(index.copy(FACTS), cache.losses)
    again = of_disk(cache)
    assert again.checksums() == index.checksums()
    for asked in questions(many):
        assert searched(again, asked, source) == searched(index, asked, source)
    own = index.view()
    for name, values in again.view().columns.items():
        if name not in ("modality", "source", "entity", "device_id", "place_frame"):
            np.testing.assert_array_equal(values, own.columns[name])
    assert again.view().name("entity", 0) == "anna"


def test_it_goes_on_growing_and_full_chunks_are_taken_over(tmp_path, many) -> None:
    cache = IndexCache(tmp_path / "index")
    cache.write(truth.build(many[:2300]).copy(FACTS), cache.losses)
    first = {path.name: path.stat().st_ino for path in (cache.folder / "g1").iterdir()}
    index = of_disk(cache)
    later = range(2301, len(many) + 1)
    index.add(
        [truth.experience_row(number, many[number - 1]) for number in later],
        [truth.vector_row(number, "a", ROLES[0], many[number - 1]) for number in later],
    )
    cache.write(index.copy(FACTS), cache.losses)
    second = {path.name: path.stat().st_ino for path in (cache.folder / "g2").iterdir()}
    assert second["s0_0_codes_0.npy"] == first["s0_0_codes_0.npy"]
    assert second["s0_2_codes_0.npy"] != first["s0_2_codes_0.npy"]
    assert [path.name for path in cache.folder.iterdir() if path.is_dir()] == ["g2"]
    source = truth.RecordSource(many)
    for asked in questions(many):
        assert searched(of_disk(cache), asked, source) == searched(truth.build(many), asked, source)


def test_nothing_of_what_was_dropped_is_written(tmp_path) -> None:
    secret = unit([0.3, -0.2, 0.9])
    items = [plain(0, unit([1, 2, 3])), plain(1, secret, entity="secret"), plain(2, secret)]
    index = truth.build(items, parts=1)
    index.forget([2])
    index.drop_vectors([3])
    cache = IndexCache(tmp_path / "index")
    cache.write(index.copy(FACTS), cache.losses)
    codes = np.rint(secret / np.abs(secret).max() * 127).astype(np.int8).tobytes()
    written = [path.read_bytes() for path in cache.folder.rglob("*") if path.is_file()]
    assert not any(codes in content or b"secret" in content for content in written)
    again = of_disk(cache)
    assert again.vector_count == 1 and again.checksums() == index.checksums()
    assert again.view().columns["alive"].tolist() == [True, False, True]


def test_a_copy_from_before_a_loss_is_not_written(tmp_path) -> None:
    cache = IndexCache(tmp_path / "index")
    index = truth.build([plain(0, unit([1, 2, 3]))])
    losses, copy = cache.losses, index.copy(FACTS)
    cache.discard()
    cache.write(copy, losses)
    assert cache.read() is None


def test_the_files_are_for_the_owner_only(tmp_path) -> None:
    cache = IndexCache(tmp_path / "index")
    cache.write(truth.build([plain(0, unit([1, 2, 3]))]).copy(FACTS), cache.losses)
    for path in [cache.folder, *cache.folder.rglob("*")]:
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def damages(folder: Path) -> dict:
    generation = next(path for path in folder.iterdir() if path.is_dir())
    return {
        "flipped": lambda: flip(generation / "s0_0_codes_0.npy"),
        "short": lambda: (generation / "number.npy").write_bytes(b"short"),
        "gone": lambda: (generation / "total.npy").unlink(),
        "header": lambda: flip(folder / "header.json"),
        "no header": lambda: (folder / "header.json").unlink(),
        "empty": lambda: (folder / "header.json").write_bytes(b""),
        "other": lambda: (folder / "header.json").write_text(json.dumps({"a": 1})),
    }


KINDS = ("flipped", "short", "gone", "header", "no header", "empty", "other")


@pytest.fixture
def home(tmp_path, experience) -> Path:
    """Ten experiences, the last of which is the only one of Anna; with a cache."""
    with Memory.open(tmp_path) as memory:
        for index in range(10):
            memory.remember(experience(index, entity="anna" if index == 9 else "")).result()
    assert IndexCache(tmp_path / "index").read() is not None
    return tmp_path


def found(memory: Memory, experience) -> list[bytes]:
    asked = Query(example=experience(3).embedding, example_encoder_id="vision-1-abc")
    return [answer.experience.id for answer in memory.recall(asked)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_cache_is_thrown_away(home, experience, kind) -> None:
    with Memory.open(home) as memory:
        right = found(memory, experience)
    damages(home / "index")[kind]()
    assert IndexCache(home / "index").read() is None
    for read_only in (True, False):
        with Memory.open(home, read_only=read_only) as memory:
            assert found(memory, experience) == right
    assert IndexCache(home / "index").read() is not None, "written again"


def test_newer_rows_and_changes_are_taken_in(home, experience, monkeypatch) -> None:
    monkeypatch.setattr(cache, "LEAST_NEW", 1000)  # the cache stays as it is
    with Memory.open(home) as memory:
        kept = memory.remember(experience(20, entity="anna")).result()
        first = memory.recall(Query(entity="anna", limit=20))
        store = memory._writable()

        def rename(connection) -> bytes:
            row = experiences.c.number == 4
            identifier = connection.execute(experiences.select().where(row)).one().id
            set_columns(connection, [identifier], {"entity": "anna"})
            store.set_clock(connection, identifier, "entity")
            return identifier

        renamed = store.change(rename).result()
    for read_only in (True, False):
        with Memory.open(home, read_only=read_only) as memory:
            now = {answer.experience.id for answer in memory.recall(Query(entity="anna"))}
            assert now == {renamed, kept.id} | {answer.experience.id for answer in first}


def test_a_cache_of_other_rows_is_thrown_away(home, tmp_path_factory, experience) -> None:
    other = tmp_path_factory.mktemp("other")
    with Memory.open(other) as memory:
        for index in range(30, 40):
            memory.remember(experience(index)).result()
    (home / "index").rename(home / "own")
    (other / "index").rename(home / "index")
    with Memory.open(home) as memory:
        assert memory.recall(Query(entity="anna"))[0].experience.text == ""
        assert len(found(memory, experience)) == 10


def test_a_forgetting_removes_the_cache(home, experience) -> None:
    with Memory.open(home) as memory:
        memory._writable().reader.index.forget([10])
        assert not list((home / "index").iterdir())
        assert memory.recall(Query(entity="anna")) == []


def test_a_forgetting_removes_what_an_earlier_version_left(home, experience) -> None:
    with Memory.open(home) as memory:
        kept = memory.remember(experience(0)).result()
        lists = home / "index" / "cells-0a1b2c3d-bits.npy"
        lists.parent.mkdir(exist_ok=True)
        lists.write_bytes(b"signs of vectors")
        memory.forget([kept.id], "asked").result()
    assert not lists.exists()


def test_a_reader_never_writes_it(home, experience) -> None:
    before = {path: path.stat().st_mtime_ns for path in (home / "index").rglob("*")}
    with Memory.open(home, read_only=True) as memory:
        assert len(found(memory, experience)) == 10
    assert {path: path.stat().st_mtime_ns for path in (home / "index").rglob("*")} == before


def test_what_a_kill_left_half_written_is_removed(home, experience) -> None:
    (home / "index" / "g7").mkdir()
    (home / "index" / "g7" / "number.npy").write_bytes(b"half")
    (home / "index" / "header.json.new").write_bytes(b"half")
    with Memory.open(home) as memory:
        memory.remember(experience(50)).result()
    assert len([path for path in (home / "index").iterdir() if path.is_dir()]) == 1
    with Memory.open(home) as memory:
        assert len(memory.recall(Query(limit=100))) == 11


def test_a_cache_that_cannot_be_written_is_said(home, experience) -> None:
    shutil.rmtree(home / "index")
    (home / "index").write_text("in the way")
    with Memory.open(home) as memory:
        memory.remember(experience(50)).result()
        memory.checkpoint()
        assert str(home / "index") in memory.statistics().index_cache_refusal
        assert len(memory.recall(Query(limit=100))) == 11
