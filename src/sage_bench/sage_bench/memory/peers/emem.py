"""eMEM 0.3: SQLite, hnswlib and an R-tree, the nearest to a robot's memory that there is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from emem import SpatioTemporalMemory, SpatioTemporalMemoryConfig
from emem.embeddings import CallableEmbeddingProvider, NullEmbeddingProvider
from emem.types import GistNode
from numpy.typing import NDArray

from sage_bench.encoders.section import Setting
from sage_bench.memory.inputs.cache import kept_folder
from sage_bench.memory.inputs.condition import EVERYTHING, Condition
from sage_bench.memory.inputs.corpus import BEGIN_NS, MODALITIES, PERIOD_NS, Corpus, stamp_of
from sage_bench.memory.inputs.life import Life, near
from sage_bench.memory.peers.peer import LIMIT, Search
from sage_encoders.backends.minilm import OpenTextEmbedder
from sage_encoders.core.language import LONGEST_TEXT

EMEM = "eMEM"
BATCH = 500
ROOM = 1000
"""Elements that its graph has room for beyond the moments."""


def opened(folder: Path, dim: int, most: int, batch: int = BATCH) -> SpatioTemporalMemory:
    """Its memory in a folder, with embeddings that are given to it.

    Args:
        folder: for its two files.
        dim: components of an embedding.
        most: elements that its graph has room for.
        batch: observations that it writes together.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = SpatioTemporalMemoryConfig(
        db_path=str(folder / "memory.db"),
        hnsw_path=str(folder / "memory.hnsw.bin"),
        embedding_dim=dim,
        flush_batch_size=batch,
        flush_interval=1e9,
        hnsw_max_elements=most,
    )
    return SpatioTemporalMemory(config=config, embedding_provider=NullEmbeddingProvider(dim))


def add(memory: SpatioTemporalMemory, corpus: Corpus, row: int) -> str:
    """One moment, as an observation."""
    x, y = corpus.places[row].tolist()
    total = float(corpus.totals[row])
    identifier: str = memory.add(
        corpus.text(row),
        x,
        y,
        timestamp=seconds_of(row),
        layer_name=MODALITIES[corpus.modalities[row]],
        source_type="bench",
        metadata={"total": total},
        embedding=corpus.vectors[row],
    )
    return identifier


def build(folder: Path, corpus: Corpus) -> None:
    """Its memory of a corpus, closed as it should be."""
    memory = opened(folder, corpus.vectors.shape[1], len(corpus) + ROOM)
    for row in range(len(corpus)):
        add(memory, corpus, row)
    memory.close()


def seconds_of(row: int) -> float:
    """When the moment of a row was [s]."""
    return stamp_of(row) / 1e9


def rows_of(found: Sequence[object]) -> list[int]:
    """The rows of observations; entities and gists have none."""
    stamps = (getattr(item, "timestamp", None) for item in found)
    return [round((s * 1e9 - BEGIN_NS) / PERIOD_NS) for s in stamps if s is not None]


class EmemPeer:
    """Asked for whole observations through its store, past the formatting of its tools."""

    name = EMEM

    def __init__(self, folder: Path, most: float) -> None:
        self._folder = folder
        self.most = most

    def fill(self, corpus: Corpus) -> None:
        self.made = kept_folder(self._folder, "emem", corpus, lambda folder: build(folder, corpus))
        self._memory = opened(self.made, corpus.vectors.shape[1], len(corpus) + ROOM)

    def searches(self) -> Mapping[str, Search]:
        return {EMEM: self._search}

    def filters(self, condition: Condition) -> Mapping[str, Search]:
        return {} if condition.least_total is not None else self.searches()

    def close(self) -> None:
        self._memory.store._db.close()  # its own way out writes the whole graph again

    def _search(self, vector: NDArray[np.float32], condition: Condition) -> list[int]:
        wanted: dict[str, object] = {}
        if condition != EVERYTHING:
            wanted = words_of(condition)
        found = self._memory.store.semantic_search_by_vector(vector, LIMIT, **wanted)
        return rows_of(found)


def words_of(condition: Condition) -> dict[str, object]:
    """The condition in its own arguments; it knows no salience."""
    wanted: dict[str, object] = {}
    if condition.rows is not None:
        first, last = condition.rows
        wanted["time_range"] = (seconds_of(first), seconds_of(last))
    if condition.modality is not None:
        wanted["layer"] = MODALITIES[condition.modality]
    if condition.centre is not None:
        wanted["spatial_center"] = np.array([*condition.centre, 0.0])
        wanted["spatial_radius"] = condition.radius_m
    return wanted


def consolidated(
    folder: Path, setting: Setting, lived: Life, episode: bool
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which questions it answers before and after it has consolidated and archived a life.

    Without a language model, as it comes: a summary is the words of its observations in a row,
    embedded by our text embedder.

    Args:
        episode: all is one episode, which its end consolidates; else what is old is merged by
            place.
    """
    embedder = OpenTextEmbedder(setting.models, "cpu").embedder
    now_s = [seconds_of(0)]
    config = SpatioTemporalMemoryConfig(
        db_path=str(folder / "memory.db"),
        hnsw_path=str(folder / "memory.hnsw.bin"),
        embedding_dim=lived.moments.vectors.shape[1],
        hnsw_max_elements=len(lived.moments) * 2 + ROOM,
    )
    provider = CallableEmbeddingProvider(
        lambda texts: [embedder.embed(text[:LONGEST_TEXT]).tolist() for text in texts],
        dim=config.embedding_dim,
    )
    memory = SpatioTemporalMemory(
        config=config, embedding_provider=provider, get_current_time=lambda: now_s[0]
    )
    if episode:
        memory.start_episode("life")
    for row in range(len(lived.moments)):
        now_s[0] = seconds_of(row)
        add(memory, lived.moments, row)
    memory.save()
    before = _answered(memory, lived)
    if episode:
        memory.end_episode()
    now_s[0] += config.consolidation_window + config.archive_after_seconds + 1.0
    if not episode:
        memory.consolidate_time_window()
    memory.maintenance()
    after = _answered(memory, lived)
    memory.close()
    return before, after


def _answered(memory: SpatioTemporalMemory, lived: Life) -> NDArray[np.bool_]:
    """As ours is judged: a moment of the scene, or a gist that links to one, at its place."""
    hits = []
    for vector, scene in zip(lived.moments.queries, lived.asked.tolist(), strict=True):
        found = memory.store.semantic_search_by_vector(vector, LIMIT)
        hits.append(any(_about(memory, item, lived, scene) for item in found))
    return np.array(hits, bool)


def _about(memory: SpatioTemporalMemory, item: object, lived: Life, scene: int) -> bool:
    if isinstance(item, GistNode):
        members = (memory.store.get_observation(key) for key in item.source_observation_ids)
        rows = rows_of([member for member in members if member is not None])
        position = item.center_position
    else:
        rows = rows_of([item])
        position = getattr(item, "coordinates", (math.inf, math.inf))
    scenes = {int(lived.moments.sentence[row]) for row in rows}
    return scene in scenes and near((position[0], position[1]), lived, scene)
