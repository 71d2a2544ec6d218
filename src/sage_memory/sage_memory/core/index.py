"""Vectors and filterable columns in memory: a cache of the rows, rebuilt from them at start."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from sage_common.core.errors import InvalidInput
from sage_memory.core import schema

GROWTH = 1.5
COLUMNS: dict[str, DTypeLike] = {
    "number": np.int64,
    "start_ns": np.int64,
    "end_ns": np.int64,
    "total": np.float32,
    "modality": np.int32,
    "source": np.int32,
    "device_id": np.int32,
    "alive": np.bool_,
}
NAMED = ("modality", "source", "device_id")
ROLES = (schema.ROLE_PERCEPT, schema.ROLE_WORDS)


class GrowingArray:
    """Rows that are appended; views of the first rows stay valid while it grows."""

    def __init__(self, dtype: DTypeLike, row_shape: tuple[int, ...] = ()) -> None:
        self._rows = np.empty((64, *row_shape), dtype)
        self._count = 0

    def extend(self, rows: NDArray[Any]) -> None:
        """Append rows [n, *row_shape]."""
        end = self._count + len(rows)
        if end > len(self._rows):
            capacity = max(end, int(len(self._rows) * GROWTH))
            grown = np.empty((capacity, *self._rows.shape[1:]), self._rows.dtype)
            grown[: self._count] = self._rows[: self._count]
            self._rows = grown
        self._rows[self._count : end] = rows
        self._count = end

    def view(self) -> NDArray[Any]:
        """All rows, not copied."""
        return self._rows[: self._count]


class Space:
    """All vectors of one encoder: compared among themselves, never with another encoder's."""

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.matrix = GrowingArray(np.float32, (dim,))
        self.rows = GrowingArray(np.int64)
        self.roles = GrowingArray(np.int8)
        self.crc_sum = 0

    def extend(
        self, vectors: NDArray[np.float32], rows: Sequence[int], roles: Sequence[int], crc_sum: int
    ) -> None:
        """Append vectors [n, dim] of the experiences in `rows` of the columns."""
        self.matrix.extend(vectors)
        self.rows.extend(np.asarray(rows, np.int64))
        self.roles.extend(np.asarray(roles, np.int8))
        self.crc_sum += crc_sum


@dataclass(frozen=True)
class SpaceView:
    """One space at one moment: matrix [n, dim], and per vector its experience row and role."""

    matrix: NDArray[np.float32]
    rows: NDArray[np.int64]
    roles: NDArray[np.int8]


@dataclass(frozen=True)
class View:
    """The index at one moment; later appends do not change it.

    Attributes:
        columns: name -> one value an experience; names as codes, see `codes`.
        spaces: encoder id -> its vectors.
        codes: column -> name -> code.
    """

    columns: Mapping[str, NDArray[Any]]
    spaces: Mapping[str, SpaceView]
    codes: Mapping[str, Mapping[str, int]]


class VectorRow(NamedTuple):
    """A row of the `vectors` table with the number of its experience."""

    number: int
    encoder_id: str
    role: str
    dim: int
    crc32: int
    vector: bytes


@dataclass
class VectorIndex:
    """Exact float32 vectors by encoder, and the columns that filters look at.

    Attributes:
        damaged: numbers of experiences with a vector whose checksum does not match; such a
            vector is left out.
    """

    damaged: list[int] = field(default_factory=list)
    _columns: dict[str, GrowingArray] = field(
        default_factory=lambda: {name: GrowingArray(dtype) for name, dtype in COLUMNS.items()}
    )
    _spaces: dict[str, Space] = field(default_factory=dict)
    _sizes: dict[str, int] = field(default_factory=dict)
    _codes: dict[str, dict[str, int]] = field(default_factory=lambda: {n: {} for n in NAMED})
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __len__(self) -> int:
        return len(self._columns["number"].view())

    @property
    def vector_count(self) -> int:
        """Vectors of all spaces."""
        return sum(len(space.rows.view()) for space in self._spaces.values())

    def view(self) -> View:
        """A consistent view for one search."""
        with self._lock:
            return View(
                {name: column.view() for name, column in self._columns.items()},
                {
                    name: SpaceView(space.matrix.view(), space.rows.view(), space.roles.view())
                    for name, space in self._spaces.items()
                },
                {name: dict(codes) for name, codes in self._codes.items()},
            )

    def claim_dimension(self, encoder_id: str, field_name: str, size: int) -> None:
        """Prove that a vector fits the space of its encoder; the first one sets the size.

        Raises:
            InvalidInput: the encoder's vectors have another size.
        """
        with self._lock:
            known = self._sizes.setdefault(encoder_id, size)
        if known != size:
            raise InvalidInput(f"{field_name}.shape", (size,), f"({known},) as all of {encoder_id}")

    def add(self, experiences: Sequence[Sequence[Any]], vectors: Sequence[VectorRow]) -> None:
        """Append rows of both tables; experience rows are in the order of `COLUMNS`, ascending."""
        with self._lock:
            if experiences:
                self._add_columns(experiences)
            grouped: dict[str, list[VectorRow]] = {}
            for row in vectors:
                if zlib.crc32(row.vector) == row.crc32 and len(row.vector) == 4 * row.dim:
                    grouped.setdefault(row.encoder_id, []).append(row)
                else:
                    self.damaged.append(row.number)
            for encoder_id, rows in grouped.items():
                self._add_vectors(encoder_id, rows)

    def forget(self, numbers: Sequence[int]) -> None:
        """Hide experiences from every search."""
        with self._lock:
            alive = self._columns["alive"].view()
            known = self._columns["number"].view()
            alive[np.isin(known, np.asarray(numbers, np.int64))] = False

    def checksums(self) -> dict[str, tuple[int, int]]:
        """Encoder id -> number of vectors, sum of their CRC-32: what `vectors` must give too."""
        with self._lock:
            return {
                name: (len(space.rows.view()), space.crc_sum)
                for name, space in self._spaces.items()
            }

    def _add_columns(self, experiences: Sequence[Sequence[Any]]) -> None:
        for (name, column), values in zip(
            self._columns.items(), zip(*experiences, strict=True), strict=True
        ):
            if name in NAMED:
                codes = self._codes[name]
                values = tuple(codes.setdefault(value, len(codes)) for value in values)
            column.extend(np.asarray(values, COLUMNS[name]))

    def _add_vectors(self, encoder_id: str, rows: Sequence[VectorRow]) -> None:
        size = self._sizes.setdefault(encoder_id, rows[0].dim)
        space = self._spaces.setdefault(encoder_id, Space(size))
        fitting = [row for row in rows if row.dim == space.dim]
        self.damaged.extend(row.number for row in rows if row.dim != space.dim)
        joined = b"".join(row.vector for row in fitting)
        space.extend(
            np.frombuffer(joined, np.float32).reshape(-1, space.dim),
            np.searchsorted(
                self._columns["number"].view(), [row.number for row in fitting]
            ).tolist(),
            [ROLES.index(row.role) for row in fitting],
            sum(row.crc32 for row in fitting),
        )
