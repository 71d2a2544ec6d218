"""All vectors of one encoder, small: int8 with a scale a vector, and sign bits in columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_memory.core.index.columns import GrowingArray
from sage_memory.core.index.quantised import pack, quantise, word_count
from sage_memory.core.index.rotation import rotated
from sage_memory.core.index.space_view import (
    ROLES,
    Chunk,
    QuantiserStatistics,
    SpaceCopy,
    SpaceView,
)

CHUNK_BYTES = 2**24
MIN_CHUNK, MAX_CHUNK = 1024, 65536
STATISTICS_FROM = 16_384
"""Fewer vectors need no bits: comparing all of them in int8 is as fast (see `scan.FEW_IN_ALL`)."""
STATISTICS_AGAIN, STATISTICS_LAST = 8, 200_000
"""They are measured anew of so many times more vectors; not of more than that, which takes long: by
then they hardly change."""
STATISTICS_SAMPLE = 4096
BLOCK = 1024
"""Vectors rotated at once: few enough to stay in the cache."""


def chunk_size(dim: int) -> int:
    """Vectors in a chunk: a power of two."""
    fitting = 1 << max((CHUNK_BYTES // dim).bit_length() - 1, 0)
    return min(max(fitting, MIN_CHUNK), MAX_CHUNK)


class Space:
    """All vectors of one encoder: compared among themselves, never with another encoder's.

    Slots are only appended to, so that views stay valid; a dropped vector's slot stays empty
    until the cache is rebuilt.
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.size = chunk_size(dim)
        self.chunks: list[Chunk] = []
        self.statistics: QuantiserStatistics | None = None
        self.rows = GrowingArray(np.int32)
        self.roles = GrowingArray(np.int8)
        self.live = GrowingArray(np.bool_)
        self.crc32 = GrowingArray(np.uint32)
        self.kinds = GrowingArray(np.uint8)
        self.live_count = 0
        self.crc_sum = 0
        self._ascending = True
        self._aligned = True
        self._doubled = False

    @property
    def count(self) -> int:
        """Slots, dropped ones included."""
        return len(self.rows.view())

    def view(self, experiences: int) -> SpaceView:
        """The space now, for that many experiences."""
        self._cover(experiences)
        whole = self.live_count == self.count
        return SpaceView(
            self.dim,
            self.count,
            self.size,
            tuple(self.chunks),
            self.rows.view(),
            self.roles.view(),
            None if whole else self.live.view(),
            self.kinds.view()[:experiences],
            self.statistics,
            self._ascending,
            self._aligned and whole,
            self._doubled,
        )

    def extend(
        self,
        vectors: NDArray[np.float32],
        rows: NDArray[np.int32],
        roles: NDArray[np.int8],
        crc32: NDArray[np.uint32],
    ) -> None:
        """Append vectors [n, dim] of the experiences in `rows` [n] of the columns."""
        start, count = self.count, len(rows)
        codes, scales = quantise(vectors)
        self._fill(start, codes, scales)
        self.adopt(rows, roles, crc32, np.ones(count, np.bool_))
        due = (
            STATISTICS_FROM if self.statistics is None else STATISTICS_AGAIN * self.statistics.count
        )
        if self.count >= due and (self.statistics is None or self.count <= STATISTICS_LAST):
            self._measure()

    def adopt(
        self,
        rows: NDArray[np.int32],
        roles: NDArray[np.int8],
        crc32: NDArray[np.uint32],
        live: NDArray[np.bool_],
    ) -> None:
        """Note whose the vectors are that the chunks hold already."""
        start, count = self.count, len(rows)
        last = self.rows.view()[-1] if start else -1
        steps = np.diff(rows, prepend=last)
        self._ascending &= bool((steps >= 0).all())
        self._aligned &= bool((rows == np.arange(start, start + count)).all())
        for array, values in (
            (self.rows, rows), (self.roles, roles), (self.crc32, crc32), (self.live, live),
        ):  # fmt: skip
            array.extend(values)
        self.live_count += int(live.sum())
        self.crc_sum += int(crc32[live].sum(dtype=np.int64))
        self._cover(int(rows.max()) + 1 if count else 0)
        kinds = self.kinds.view()
        for role in range(len(ROLES)):
            kinds[rows[live & (roles == role)]] |= np.uint8(1 << role)
        self._doubled |= bool((kinds[rows] == (1 << len(ROLES)) - 1).any())

    @classmethod
    def of_copy(cls, copy: SpaceCopy) -> Space:
        """The space of which this is a copy; full chunks are used as they are."""
        space = cls(copy.dim)
        space.size = copy.size
        space.statistics = copy.statistics
        for chunk in copy.chunks:
            if len(chunk.codes) < copy.size:
                chunk = space._roomy(chunk)
            space.chunks.append(chunk)
        live = np.ones(len(copy.rows), np.bool_)
        space.adopt(copy.rows, copy.roles, copy.crc32, live)
        return space

    def copy(self) -> SpaceCopy:
        """The live vectors now; later changes do not reach it."""
        live = self.live.view()
        whole = bool(live.all())
        slots = np.flatnonzero(live)
        chunks = []
        for start in range(0, len(slots), self.size):
            part = slots[start : start + self.size]
            chunks.append(self._gathered(part, whole))
        return SpaceCopy(
            self.dim,
            self.size,
            chunks,
            self.statistics,
            self.rows.view()[slots],
            self.roles.view()[slots],
            self.crc32.view()[slots],
            whole,
        )

    def drop(self, rows: NDArray[np.int64]) -> bool:
        """Drop all vectors of some experiences; whether there were any."""
        chosen = np.flatnonzero(np.isin(self.rows.view(), rows) & self.live.view())
        if not chosen.size:
            return False
        live = self.live.view().copy()  # views that were given out keep theirs
        live[chosen] = False
        fresh = GrowingArray(np.bool_)
        fresh.extend(live)
        self.live = fresh
        self.live_count -= len(chosen)
        self.crc_sum -= int(self.crc32.view()[chosen].sum(dtype=np.int64))
        self.kinds.view()[self.rows.view()[chosen]] = 0
        return True

    def _roomy(self, short: Chunk) -> Chunk:
        """A chunk that can be appended to."""
        chunk, filled = self._empty_chunk(), len(short.codes)
        chunk.codes[:filled] = short.codes
        chunk.scales[:filled] = short.scales
        chunk.bits[:, :filled] = short.bits
        return chunk

    def _gathered(self, slots: NDArray[np.int64], whole: bool) -> Chunk:
        """A chunk of these slots; of all slots in turn it is a chunk itself, or its first part."""
        if whole:
            chunk, count = self.chunks[int(slots[0]) // self.size], len(slots)
            return Chunk(chunk.codes[:count], chunk.scales[:count], chunk.bits[:, :count])
        codes = np.empty((len(slots), self.dim), np.int8)
        scales = np.empty(len(slots), np.float32)
        bits = np.empty((word_count(self.dim), len(slots)), np.uint64)
        homes = slots // self.size
        for home in np.flatnonzero(np.bincount(homes)).tolist():
            here = homes == home
            inside = slots[here] - home * self.size
            codes[here] = self.chunks[home].codes[inside]
            scales[here] = self.chunks[home].scales[inside]
            bits[:, here] = self.chunks[home].bits[:, inside]
        return Chunk(codes, scales, bits)

    def _cover(self, experiences: int) -> None:
        missing = experiences - len(self.kinds.view())
        if missing > 0:
            self.kinds.extend(np.zeros(missing, np.uint8))

    def _fill(self, start: int, codes: NDArray[np.int8], scales: NDArray[np.float32]) -> None:
        done = 0
        while done < len(codes):
            index, offset = divmod(start + done, self.size)
            if index == len(self.chunks):
                self.chunks.append(self._empty_chunk())
            part = slice(done, done + min(self.size - offset, len(codes) - done))
            inside = slice(offset, offset + part.stop - part.start)
            chunk = self.chunks[index]
            chunk.codes[inside] = codes[part]
            chunk.scales[inside] = scales[part]
            if self.statistics is not None:
                chunk.bits[:, inside] = sign_bits(codes[part], scales[part], self.statistics).T
            done = part.stop

    def _empty_chunk(self) -> Chunk:
        # not touched, not resident: a chunk takes memory as it fills
        return Chunk(
            np.empty((self.size, self.dim), np.int8),
            np.empty(self.size, np.float32),
            np.zeros((word_count(self.dim), self.size), np.uint64),
        )

    def _measure(self) -> None:
        step = max(1, self.count // STATISTICS_SAMPLE)
        slots = range(0, self.count, step)
        sample = rotated(np.stack([
            self.chunks[slot // self.size].codes[slot % self.size]
            * self.chunks[slot // self.size].scales[slot % self.size]
            for slot in slots
        ]))  # fmt: skip
        self.statistics = QuantiserStatistics(sample.mean(axis=0), sample.std(axis=0), self.count)
        fresh = []
        for index, chunk in enumerate(self.chunks):
            filled = min(self.size, self.count - index * self.size)
            bits = np.zeros_like(chunk.bits)  # views that were given out keep theirs
            own = sign_bits(chunk.codes[:filled], chunk.scales[:filled], self.statistics)
            bits[:, :filled] = own.T
            fresh.append(Chunk(chunk.codes, chunk.scales, bits))
        self.chunks = fresh


def sign_bits(
    codes: NDArray[np.int8], scales: NDArray[np.float32], statistics: QuantiserStatistics
) -> NDArray[np.uint64]:
    """Which components of vectors [n, dim], rotated, are above the mean: uint64 [n, words]."""
    parts = []
    for start in range(0, len(codes), BLOCK):
        part = slice(start, start + BLOCK)
        values = codes[part].astype(np.float32) * scales[part, None]
        parts.append(pack(rotated(values) > statistics.mean))
    return np.concatenate(parts)
