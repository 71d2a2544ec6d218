"""Recall by cells of near vectors: as good, never stale, and gone without a trace."""

from __future__ import annotations

import memory_index as truth
import numpy as np
import pytest

from sage_memory import Limits, Memory, Query
from sage_memory.core.index import ivf_build, ivf_files, scan
from sage_memory.core.index.index import ROLES

unit, searched = truth.unit, truth.searched


def plain(number: int, vector: np.ndarray, modality: str) -> dict:
    return {
        "start_ns": number, "length": 0, "total": 0.5, "modality": modality, "source": "front",
        "entity": "", "device_id": "r", "alive": True, "vectors": {("a", ROLES[0]): vector},
    }  # fmt: skip


@pytest.fixture(scope="module")
def items() -> list[dict]:
    rng = np.random.default_rng(0)
    heaps = rng.normal(size=(40, 96))
    return [
        plain(n, unit(heaps[n % 40] + 0.5 * rng.normal(size=96)), "audio" if n % 9 else "vision")
        for n in range(3000)
    ]


def recall_of(index, items, fresh_from: int = 0, **conditions) -> float:
    matrix = np.stack([item["vectors"]["a", ROLES[0]] for item in items])
    fitting = np.array([
        all(item[name] == value for name, value in conditions.items()) for item in items
    ])  # fmt: skip
    rng = np.random.default_rng(1)
    right = 0
    for _ in range(30):
        vector = unit(matrix[rng.integers(fresh_from, len(matrix))] + 0.02 * rng.normal(size=96))
        asked = truth.proven(Query(text_embedding=vector, text_encoder_id="a", **conditions))
        hits = {hit.row for hit in searched(index, asked, truth.RecordSource(items))}
        best = np.argsort(-np.where(fitting, matrix @ vector, -2.0))[:10]
        right += len(hits & set(best.tolist()))
    return right / 300


def test_it_finds_what_is_near_and_what_came_later(tmp_path, items, monkeypatch) -> None:
    monkeypatch.setattr(scan, "FEW", 64)  # what came later is compared by bits
    index = truth.build(items[:2500])
    index.build_cells(tmp_path)
    later = range(2501, len(items) + 1)
    index.add(
        [truth.experience_row(number, items[number - 1]) for number in later],
        [truth.vector_row(number, "a", ROLES[0], items[number - 1]) for number in later],
    )
    space = index.view().spaces["a"]
    assert space.cells is not None and space.cells.known == 2500
    assert recall_of(index, items) >= 0.99
    assert recall_of(index, items, fresh_from=2500) >= 0.99
    assert recall_of(index, items, modality="audio") >= 0.99
    assert recall_of(index, items, modality="vision") >= 0.99


def test_it_is_opened_again_only_for_the_same_vectors(tmp_path, items) -> None:
    truth.build(items[:2500]).build_cells(tmp_path)
    same = truth.build(items[:2600])
    same.open_cells(tmp_path)
    assert same.view().spaces["a"].cells is not None
    for others in (items[:2000], [items[1], items[0], *items[2:]]):
        index = truth.build(others)
        index.open_cells(tmp_path)
        assert index.view().spaces["a"].cells is None
    bits = next(tmp_path.glob("cells-*-bits.npy"))
    content = bytearray(bits.read_bytes())
    content[len(content) // 2] ^= 1
    bits.write_bytes(content)
    same.open_cells(tmp_path)
    assert same.view().spaces["a"].cells is None


def test_what_was_dropped_is_not_found_by_it(tmp_path, items) -> None:
    index = truth.build(items)
    index.build_cells(tmp_path)
    vector = items[7]["vectors"]["a", ROLES[0]]
    asked = truth.proven(Query(text_embedding=vector, text_encoder_id="a"))
    source = truth.RecordSource(items)
    assert searched(index, asked, source)[0].row == 7
    index.drop_vectors([8])
    hits = searched(index, asked, source)
    assert len(hits) == 10 and 7 not in {hit.row for hit in hits}


def test_a_forgetting_removes_it(tmp_path, experience, monkeypatch) -> None:
    monkeypatch.setattr("sage_memory.core.index.index.BUILD_FROM", 2)
    monkeypatch.setattr(ivf_build, "MOST_SHARE", 1.0)
    with Memory.open(tmp_path) as memory:
        for number in range(50):
            memory.remember(experience(number)).wait()
        memory.build_cells()
    with Memory.open(tmp_path, limits=Limits(cells=True)) as memory:
        reader = memory._writable().reader
        assert reader.index.view().spaces["vision-1-abc"].cells is not None
        assert list((tmp_path / "index").glob("cells-*"))
        reader.index.forget([1])
        assert not list((tmp_path / "index").glob("cells-*"))


def test_small_spaces_have_none(tmp_path, items) -> None:
    index = truth.build(items[: ivf_files.BUILD_FROM - 1])
    index.build_cells(tmp_path)
    assert not list(tmp_path.iterdir())


def test_it_says_how_far_a_search_looks_and_what_that_finds(tmp_path, items) -> None:
    built = truth.build(items).build_cells(tmp_path)["a"]
    assert built.vectors == 3000
    assert 0 < built.probes <= built.cells / 3
    least = ivf_build.IN_MARGIN * ivf_build.IN_DEPTH
    assert (built.recall + built.recall_unlike) / 2 >= least
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())


def test_without_heaps_there_are_none_and_every_search_is_full(tmp_path) -> None:
    rng = np.random.default_rng(2)
    even = [plain(n, unit(rng.normal(size=96)), "vision") for n in range(2500)]
    index = truth.build(even)
    built = index.build_cells(tmp_path)["a"]
    assert built.probes == 0 and built.recall_unlike < ivf_build.IN_CELLS[1]
    assert index.view().spaces["a"].cells is None and not list(tmp_path.iterdir())


def test_more_answers_look_further_and_far_more_are_a_full_search(items, tmp_path) -> None:
    index = truth.build(items)
    index.build_cells(tmp_path)
    space = index.view().spaces["a"]
    query = unit(items[5]["vectors"]["a", ROLES[0]] + items[6]["vectors"]["a", ROLES[0]])
    few, more = (scan.by_cells(space, query, None, limit)[0] for limit in (10, 20))
    assert set(few) < set(more)
    assert scan.by_cells(space, query, None, 1000) is None
    assert scan.by_cells(space, query, np.arange(0, 3000, 3), 10) is None


def test_the_same_vectors_give_the_same_cells(tmp_path, items) -> None:
    for name in ("one", "two"):
        truth.build(items).build_cells(tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(files) == len(ivf_files.ARRAYS) + 1
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_forgetting_while_they_are_built_removes_them(tmp_path, experience, monkeypatch) -> None:
    monkeypatch.setattr("sage_memory.core.index.index.BUILD_FROM", 2)
    monkeypatch.setattr(ivf_build, "MOST_SHARE", 1.0)
    with Memory.open(tmp_path) as memory:
        for number in range(50):
            memory.remember(experience(number)).wait()
        reader = memory._writable().reader
        build = ivf_files.build

        def forgetting(space):
            reader.index.forget([1])
            return build(space)

        monkeypatch.setattr(ivf_files, "build", forgetting)
        memory.build_cells()
        assert not list((tmp_path / "index").glob("cells-*"))
