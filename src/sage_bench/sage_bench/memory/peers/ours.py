"""Our memory as one that can be asked, through its public face alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage_bench.memory.inputs.cache import kept_folder
from sage_bench.memory.inputs.condition import Condition
from sage_bench.memory.inputs.corpus import Corpus, row_of
from sage_bench.memory.peers.peer import LIMIT, Search
from sage_memory import Experience, Future, Limits, Memory, Payload, Query
from sage_memory.core.engine.schema import SCHEMA_VERSION
from sage_memory.core.labels.packing import Recognised

DEVICE = "bench"
QUEUE = 4096
WAITING = 1024
"""Experiences that are on their way to the disk while the next ones are made."""
OURS = "SAGE"


def store_all(
    memory: Memory,
    moments: Iterable[Experience | tuple[Experience, Payload]],
    recognised: Callable[[], Sequence[Recognised]] = tuple,
) -> list[bytes]:
    """Remember everything, many on the way at a time; their ids, all acknowledged.

    Args:
        recognised: what models recognise in the next one.
    """
    waiting: deque[Future[Experience]] = deque()
    kept = []
    for moment in moments:
        experience, payload = moment if isinstance(moment, tuple) else (moment, None)
        if len(waiting) >= WAITING:
            kept.append(waiting.popleft().result().id)
        waiting.append(memory.remember(experience, payload, recognised()))
    kept += [future.result().id for future in waiting]
    return kept


def limits(payload_cap_bytes: int = 10**12) -> Limits:
    """A long queue, and room for every payload."""
    return Limits(queue_size=QUEUE, payload_cap_bytes=payload_cap_bytes, min_free_bytes=10**9)


def filled_home(corpus: Corpus, folder: Path) -> Path:
    """A home below `folder` that holds a corpus."""

    def fill(home: Path) -> None:
        with Memory.open(home, device_id=DEVICE, limits=limits()) as memory:
            store_all(memory, corpus.experiences())

    return kept_folder(folder, f"sage-{SCHEMA_VERSION}", corpus, fill)


class OurMemory:
    """Asked for whole records, as a user does."""

    most = float("inf")

    def __init__(self, folder: Path, name: str = OURS) -> None:
        self.name = name
        self._folder = folder
        self._memory: Memory | None = None

    def fill(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self.made = filled_home(corpus, self._folder)
        self._memory = Memory.open(self.made, device_id=DEVICE, limits=limits())

    def searches(self) -> Mapping[str, Search]:
        return {self.name: self._search}

    def filters(self, condition: Condition) -> Mapping[str, Search]:
        return self.searches()

    def close(self) -> None:
        if self._memory is not None:
            self._memory.close()
            self._memory = None

    def _search(self, vector: NDArray[np.float32], condition: Condition) -> list[int]:
        assert self._memory is not None
        return answered_rows(self._memory, condition.query(self._corpus, vector, LIMIT))


def answered_rows(memory: Memory, query: Query) -> list[int]:
    """Rows of the corpus that a memory answers with, best first."""
    return [row_of(answer.experience.start_ns) for answer in memory.recall(query)]
