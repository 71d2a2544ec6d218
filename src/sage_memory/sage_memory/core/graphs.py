"""Graphs of near neighbours beside the index: optional, built on request, disposable.

A graph knows the slots of a space up to a count. It is used where nothing or little is filtered
out; what came later is compared by bits, and all that it finds is scored from the rows, as always.
Which few it finds depends on how it was built: in lock-step it stays off.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage_memory.core.index_cache import GRAPHS, checksum
from sage_memory.core.space_view import SpaceCopy, SpaceGraph

BUILD_BLOCK = 8192
BUILD_FROM = 2048
"""Smaller spaces are compared as a whole in less time."""


def build_graph(folder: Path, encoder_id: str, space: SpaceCopy, threads: int = 1) -> None:
    """Write the graph of a space without dropped vectors, so that `open_graph` finds it.

    Raises:
        OptionMissing: usearch is not installed.
        OSError: the disk is full.
    """
    from sage_memory.backends import hnsw

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = _path(folder, encoder_id)
    _header(path).unlink(missing_ok=True)
    hnsw.build(path, space.dim, _parts(space), threads)
    count = len(space.rows)
    header = {
        "encoder_id": encoder_id,
        "count": count,
        "vectors": _of_vectors(space.crc32, count),
        "file": checksum(path),
    }
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump(header, stream)
    os.replace(fresh, _header(path))


def open_graph(
    folder: Path, encoder_id: str, dim: int, crc32: NDArray[np.uint32]
) -> SpaceGraph | None:
    """The graph of a space; None if there is none, or it is damaged or of other vectors.

    Args:
        crc32: of the vectors of the space, by slot.

    Raises:
        OptionMissing: usearch is not installed.
    """
    from sage_memory.backends import hnsw

    path = _path(folder, encoder_id)
    try:
        header = json.loads(_header(path).read_bytes())
        count = int(header["count"])
        if (
            header["encoder_id"] != encoder_id
            or count > len(crc32)
            or header["vectors"] != _of_vectors(crc32, count)
            or tuple(header["file"]) != checksum(path)
        ):
            return None
        return SpaceGraph(hnsw.HnswGraph(path, dim), count)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _path(folder: Path, encoder_id: str) -> Path:
    return folder / f"{GRAPHS}{zlib.crc32(encoder_id.encode()):08x}.hnsw"


def _header(path: Path) -> Path:
    return path.with_suffix(".json")


def _of_vectors(crc32: NDArray[np.uint32], count: int) -> int:
    return zlib.crc32(np.ascontiguousarray(crc32[:count]).tobytes())


def _parts(space: SpaceCopy) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    base = 0
    for chunk in space.chunks:
        for start in range(0, len(chunk.codes), BUILD_BLOCK):
            part = slice(start, start + BUILD_BLOCK)
            vectors = chunk.codes[part].astype(np.float32) * chunk.scales[part, None]
            yield np.arange(base + start, base + start + len(vectors)), vectors
        base += len(chunk.codes)
