"""What is known of a space at one moment: its vectors in chunks, and whose they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_memory.core.engine import schema

ROLES = (schema.ROLE_PERCEPT, schema.ROLE_WORDS)


@dataclass
class Chunk:
    """A run of vectors, appended to until it is full, then never changed.

    Attributes:
        codes: int8 [size, dim].
        scales: float32 [size]; a vector is about its scale times its codes.
        bits: uint64 [words, size]; bit set: that component of the rotated vector is above the
            mean of the space.
    """

    codes: NDArray[np.int8]
    scales: NDArray[np.float32]
    bits: NDArray[np.uint64]


class Inside(NamedTuple):
    """Places within a chunk: a run of them is not copied."""

    size: int
    places: slice | NDArray[np.int64]

    @classmethod
    def of_slots(cls, slots: NDArray[np.int64], base: int) -> Inside:
        """The places of ascending slots of a chunk that begins at slot `base`."""
        first, last = int(slots[0]) - base, int(slots[-1]) - base
        if last - first == len(slots) - 1:
            return cls(len(slots), slice(first, last + 1))
        return cls(len(slots), slots - base)


@dataclass(frozen=True)
class QuantiserStatistics:
    """Where the bits of a space are taken from: mean and deviation of a sample of its vectors,
    rotated (see `rotation`).

    Attributes:
        mean, deviation: float32 [dim].
        count: vectors that there were then.
    """

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    count: int


@dataclass(frozen=True)
class SpaceView:
    """One space at one moment; a place in it is a slot.

    Attributes:
        dim: size of its vectors.
        count: slots.
        chunks: the vectors, `size` in each but the last.
        rows: int32 [count], experience row of each slot.
        roles: int8 [count], index into `ROLES`.
        live: bool [count], False: the vector was dropped; None: all are live.
        kinds: uint8 [experiences], bit r: the experience has a vector of role r here.
        statistics: of the bits; None: there are none yet.
        ascending: `rows` never fall; `aligned`: slot i is row i.
        doubled: there may be experiences with a vector of each role.
    """

    dim: int
    count: int
    size: int
    chunks: tuple[Chunk, ...]
    rows: NDArray[np.int32]
    roles: NDArray[np.int8]
    live: NDArray[np.bool_] | None
    kinds: NDArray[np.uint8]
    statistics: QuantiserStatistics | None
    ascending: bool
    aligned: bool
    doubled: bool

    @cached_property
    def common_kinds(self) -> int:
        """Bit r: every experience has a vector of role r here."""
        return int(np.bitwise_and.reduce(self.kinds))

    @cached_property
    def heard(self) -> bool:
        """Whether there are vectors of words beside those of percepts."""
        return bool(self.roles.any())

    def parts(
        self, slots: NDArray[np.int64] | None, most: int
    ) -> Iterator[tuple[Chunk, int, Inside]]:
        """Chunk, place of the first one in `slots`, and places within the chunk, `most` at once.

        Args:
            slots: ascending; None: all.
        """
        edges = np.arange(len(self.chunks) + 1) * self.size
        if slots is None:
            edges[-1] = self.count
        bounds = (edges if slots is None else slots.searchsorted(edges)).tolist()
        for index, (first, last) in enumerate(pairwise(bounds)):
            chunk, base = self.chunks[index], index * self.size
            for start in range(first, last, most):
                stop = min(start + most, last)
                if slots is None:
                    yield chunk, start, Inside(stop - start, slice(start - base, stop - base))
                else:
                    yield chunk, start, Inside.of_slots(slots[start:stop], base)

    def vectors(
        self, slots: NDArray[np.int64] | None, most: int
    ) -> Iterator[tuple[NDArray[np.int8], NDArray[np.float32]]]:
        """Codes [n, dim] and scales [n] of ascending slots (None: all), in turn, `most` at once."""
        if slots is None:
            for chunk, _, inside in self.parts(None, most):
                yield chunk.codes[inside.places], chunk.scales[inside.places]
            return
        for start in range(0, len(slots), most):
            some = slots[start : start + most]
            codes, scales = (
                np.empty((len(some), self.dim), np.int8),
                np.empty(len(some), np.float32),
            )
            for chunk, first, inside in self.parts(some, most):
                here = slice(first, first + inside.size)
                if isinstance(inside.places, slice):
                    codes[here], scales[here] = (
                        chunk.codes[inside.places],
                        chunk.scales[inside.places],
                    )
                else:  # "clip", as with "raise" numpy copies twice
                    chunk.codes.take(inside.places, axis=0, out=codes[here], mode="clip")
                    chunk.scales.take(inside.places, out=scales[here], mode="clip")
            yield codes, scales


@dataclass(frozen=True)
class SpaceCopy:
    """The live vectors of a space as arrays; see `SpaceView`.

    Attributes:
        chunks: the last one may be shorter than `size`.
        untouched: nothing was dropped, its chunks are those of the space.
    """

    SLOTS: ClassVar[tuple[str, ...]] = ("rows", "roles", "crc32", "mean", "deviation")

    dim: int
    size: int
    chunks: list[Chunk]
    statistics: QuantiserStatistics | None
    rows: NDArray[np.int32]
    roles: NDArray[np.int8]
    crc32: NDArray[np.uint32]
    untouched: bool

    def slots(self) -> dict[str, NDArray[Any]]:
        """The arrays beside the chunks, by the names in `SLOTS`."""
        nothing = np.zeros(0, np.float32)
        return {
            "rows": self.rows,
            "roles": self.roles,
            "crc32": self.crc32,
            "mean": nothing if self.statistics is None else self.statistics.mean,
            "deviation": nothing if self.statistics is None else self.statistics.deviation,
        }
