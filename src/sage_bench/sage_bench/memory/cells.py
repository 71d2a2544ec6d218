"""Rows of the bench: recall with the optional cells of near vectors over our index."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage_bench.encoders.section import Figures
from sage_bench.memory.inputs.condition import EVERYTHING, Condition
from sage_bench.memory.inputs.truth import Truth
from sage_bench.memory.peers.ours import DEVICE, answered_rows, filled_home, limits
from sage_bench.memory.peers.peer import LIMIT, timed
from sage_bench.memory.workplace import Workplace, tell
from sage_bench.result import Row, row_of_samples
from sage_memory import Memory
from sage_memory.core.index.cache import CELLS
from sage_memory.core.index.scan import by_cells

GOAL_MS, GOAL_RECALL, GOAL_SIZE = 1.0, 0.99, 1_000_000
BUILT = "cells_built.txt"
NOTE = (
    "with cells: Memory.build_cells once, an optional cache that can be thrown away; 'search "
    "alone' looks into the cells and scores what it finds there in int8, without records, reasons "
    "and exact scores from the rows"
)


def rows(place: Workplace) -> Figures:
    """The largest memory, with its cells."""
    size = place.scale.sizes[-1]
    corpus = place.corpus(size)
    home = filled_home(corpus, place.homes)
    with Memory.open(home, device_id=DEVICE, limits=replace(limits(), cells=True)) as memory:
        built = home / BUILT
        if not built.is_file():
            tell(f"cells: building those of {size:,}")
            begin = time.perf_counter()
            memory.build_cells()
            built.write_text(str(time.perf_counter() - begin))
        view = memory._current().index.view()
        space = view.spaces[corpus.encoder_id]

        def recalled(vector: NDArray[np.float32], condition: Condition) -> list[int]:
            return answered_rows(memory, condition.query(corpus, vector, LIMIT))

        def searched(vector: NDArray[np.float32], condition: Condition) -> list[int]:
            found = by_cells(space, vector, None, LIMIT)
            return [] if found is None else found[0].tolist()

        queries = corpus.queries[: place.queries(size)]
        if not searched(queries[0], EVERYTHING):
            note = f"{size:,} have no cells: too few, or not in heaps; every search is full"
            return Figures(notes=(NOTE, note))
        whole, alone = timed(recalled, queries), timed(searched, queries)
    recall = Truth.of(corpus.vectors, queries).recall(whole.found, LIMIT)
    goal = GOAL_MS if size == GOAL_SIZE else None
    made = (
        row_of_samples(f"search alone with cells at {size:,}, p50", alone.taken_ms, "ms",
                       goal=goal),
        row_of_samples(f"recall of whole records with cells at {size:,}, p50",
                       whole.taken_ms, "ms"),
        Row(f"recall@10 with cells at {size:,}", recall, "", GOAL_RECALL, "higher",
            samples=len(queries)),
        Row(f"time to build the cells of {size:,}", float(built.read_text()), "s"),
        Row(f"bytes of the cells of {size:,}", written_mb(home), "MB"),
    )  # fmt: skip
    return Figures(made, (NOTE,))


def written_mb(home: Path) -> float:
    """What the cells in a home take on the disk [MB]."""
    return sum(path.stat().st_size for path in (home / "index").glob(f"{CELLS}*")) / 1e6
