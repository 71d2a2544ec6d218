"""Recall by a graph of near neighbours: as good, never stale, and gone without a trace."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from sage_memory import Limits, Memory, Query
from sage_memory.backends import hnsw
from sage_memory.core import graphs, scan
from sage_memory.core.index import ROLES
from sage_memory.core.option_errors import OptionMissing


def _neighbour(name: str):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


truth = _neighbour("memory_index")
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


@pytest.fixture
def usearch() -> None:
    pytest.importorskip("usearch", reason="usearch (requirements/memory.in) is not installed")


def test_it_finds_what_is_near_and_what_came_later(tmp_path, items, usearch, monkeypatch) -> None:
    monkeypatch.setattr(scan, "FEW", 64)  # what came later is compared by bits
    index = truth.build(items[:2500])
    index.build_graphs(tmp_path)
    later = range(2501, len(items) + 1)
    index.add(
        [truth.experience_row(number, items[number - 1]) for number in later],
        [truth.vector_row(number, "a", ROLES[0], items[number - 1]) for number in later],
    )
    space = index.view().spaces["a"]
    assert space.graph is not None and space.graph.known == 2500
    assert recall_of(index, items) >= 0.99
    assert recall_of(index, items, fresh_from=2500) >= 0.99
    assert recall_of(index, items, modality="audio") >= 0.99
    assert recall_of(index, items, modality="vision") >= 0.99


def test_it_is_opened_again_only_for_the_same_vectors(tmp_path, items, usearch) -> None:
    truth.build(items[:2500]).build_graphs(tmp_path)
    same = truth.build(items[:2600])
    same.open_graphs(tmp_path)
    assert same.view().spaces["a"].graph is not None
    for others in (items[:2000], [items[1], items[0], *items[2:]]):
        index = truth.build(others)
        index.open_graphs(tmp_path)
        assert index.view().spaces["a"].graph is None
    graph = next(tmp_path.glob("*.hnsw"))
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)
    same.open_graphs(tmp_path)
    assert same.view().spaces["a"].graph is None


def test_what_was_dropped_is_not_found_by_it(tmp_path, items, usearch) -> None:
    index = truth.build(items)
    index.build_graphs(tmp_path)
    vector = items[7]["vectors"]["a", ROLES[0]]
    asked = truth.proven(Query(text_embedding=vector, text_encoder_id="a"))
    source = truth.RecordSource(items)
    assert searched(index, asked, source)[0].row == 7
    index.drop_vectors([8])
    hits = searched(index, asked, source)
    assert len(hits) == 10 and 7 not in {hit.row for hit in hits}


def test_a_forgetting_removes_it(tmp_path, experience, usearch, monkeypatch) -> None:
    monkeypatch.setattr("sage_memory.core.index.BUILD_FROM", 2)
    with Memory.open(tmp_path) as memory:
        for number in range(5):
            memory.remember(experience(number)).wait()
        memory.build_graphs()
    with Memory.open(tmp_path, limits=Limits(approximate=True)) as memory:
        reader = memory._writable().reader
        assert reader.index.view().spaces["vision-1-abc"].graph is not None
        assert list((tmp_path / "index").glob("graph-*"))
        reader.index.forget([1])
        assert not list((tmp_path / "index").glob("graph-*"))


def test_without_usearch_the_group_is_named(tmp_path, items, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    with pytest.raises(OptionMissing, match="usearch"):
        truth.build(items).build_graphs(tmp_path)
    with pytest.raises(OptionMissing, match="usearch"):
        hnsw.HnswGraph(tmp_path / "none", 4)


def test_small_spaces_have_none(tmp_path, items, usearch) -> None:
    index = truth.build(items[: graphs.BUILD_FROM - 1])
    index.build_graphs(tmp_path)
    assert not list(tmp_path.iterdir())
