"""Graphs of near neighbours (HNSW: Malkov and Yashunin, 2016) by usearch, in int8."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_memory.core.option_errors import OptionMissing

CONNECTIVITY, EXPANSION_ADD, EXPANSION_SEARCH = 16, 96, 128


class HnswGraph:
    """A graph on disk, mapped, not loaded.

    Args:
        path: what `build` has written.
        dim: of the vectors.

    Raises:
        OptionMissing: usearch is not installed.
        OSError, RuntimeError: the file is not there or is none.
    """

    def __init__(self, path: Path, dim: int) -> None:
        self._index = _empty(dim)
        if not path.is_file():
            raise FileNotFoundError(path)
        self._index.view(os.fspath(path))

    def nearest(self, vector: NDArray[np.float32], count: int) -> NDArray[np.int64]:
        """About the `count` slots nearest to a unit vector [dim], ascending."""
        matches = self._index.search(vector, count, threads=1)
        return np.sort(np.asarray(matches.keys).astype(np.int64))


def build(
    path: Path,
    dim: int,
    parts: Iterable[tuple[NDArray[np.int64], NDArray[np.float32]]],
    threads: int = 1,
) -> None:
    """Write the graph of vectors: parts of slots [n] and unit vectors [n, dim].

    Raises:
        OptionMissing: usearch is not installed.
        OSError: the disk is full.
    """
    index = _empty(dim)
    for slots, vectors in parts:
        index.add(slots.astype(np.uint64), vectors, threads=threads)
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    index.save(os.fspath(fresh))
    with fresh.open("rb") as stream:
        os.fsync(stream.fileno())
    os.replace(fresh, path)


def _empty(dim: int) -> Any:
    try:
        from usearch.index import Index
    except ImportError as error:
        raise OptionMissing("approximate recall", "usearch") from error
    return Index(
        ndim=dim,
        metric="ip",
        dtype="i8",
        connectivity=CONNECTIVITY,
        expansion_add=EXPANSION_ADD,
        expansion_search=EXPANSION_SEARCH,
        enable_key_lookups=False,
    )
