"""Cells on disk: beside the index, optional, built on request, disposable.

Cells know the slots of a space up to a count. They are used where nothing or little is filtered
out; what came later is compared by bits, and all that they find is scored from the rows, as always.
Which few they find depends on how they were built: in lock-step they stay off.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.home import replace_file
from sage_memory.core.index.cache import CELLS, checksum, write_array
from sage_memory.core.index.ivf_build import CellsBuilt, build
from sage_memory.core.index.ivf_lists import Cells
from sage_memory.core.index.space_view import SpaceCopy

FORMAT = 2
BUILD_FROM = 2048
"""Smaller spaces are compared as a whole in less time."""
ARRAYS = ("means", "strays", "sizes", "starts", "slots", "bits")


def build_cells(folder: Path, encoder_id: str, space: SpaceCopy) -> CellsBuilt:
    """Write the cells of a space without dropped vectors, so that `open_cells` finds them.

    Raises:
        OSError: the disk is full.
    """
    stem = _stem(folder, encoder_id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    header = stem.with_suffix(".json")
    header.unlink(missing_ok=True)
    cells, built = build(space)
    if cells is None:
        return built
    files = {}
    for name in ARRAYS:
        path = _array(stem, name)
        path.unlink(missing_ok=True)  # whoever has it mapped keeps it
        files[name] = write_array(path, getattr(cells, name))
    about = {
        "format": FORMAT,
        "encoder_id": encoder_id,
        "vectors": _of_vectors(space.crc32, cells.known),
        "probes": cells.probes,
        "margin": cells.margin,
        "depth": cells.depth,
        "recall": [built.recall, built.recall_unlike],
        "files": files,
    }
    replace_file(header, json.dumps(about).encode())
    return built


def open_cells(folder: Path, encoder_id: str, dim: int, crc32: NDArray[np.uint32]) -> Cells | None:
    """The cells of a space; None if there are none, or they are damaged or of other vectors.

    Args:
        crc32: of the vectors of the space, by slot.
    """
    stem = _stem(folder, encoder_id)
    try:
        about = json.loads(stem.with_suffix(".json").read_bytes())
        if about["format"] != FORMAT or about["encoder_id"] != encoder_id:
            return None
        if any(checksum(_array(stem, n)) != tuple(about["files"][n]) for n in ARRAYS):
            return None
        arrays: dict[str, Any] = {
            # plain views: slicing what numpy maps costs more than comparing it
            name: np.asarray(np.load(_array(stem, name), "r", allow_pickle=False))
            for name in ARRAYS
        }
        cells = Cells(
            probes=int(about["probes"]),
            margin=float(about["margin"]),
            depth=int(about["depth"]),
            **arrays,
        )
        known = cells.known
        if cells.means.shape[1] != dim or known > len(crc32):
            return None
        return cells if about["vectors"] == _of_vectors(crc32, known) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _stem(folder: Path, encoder_id: str) -> Path:
    return folder / f"{CELLS}{zlib.crc32(encoder_id.encode()):08x}"


def _array(stem: Path, name: str) -> Path:
    return stem.with_name(f"{stem.name}-{name}.npy")


def _of_vectors(crc32: NDArray[np.uint32], count: int) -> int:
    return zlib.crc32(np.ascontiguousarray(crc32[:count]).tobytes())
