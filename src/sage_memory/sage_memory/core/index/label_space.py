"""All labels of one model in memory: by class, so that a recall reads only what it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_memory.core.index.columns import GrowingArray
from sage_memory.core.index.label_view import PROBABILITIES, STEPS, LabelView
from sage_memory.core.labels.encoding import NEVER, decode_all

LEAST_NEW, NEW_SHARE = 32_768, 0.125
"""New labels are put in order when they are so many, and that share of all."""


@dataclass(frozen=True)
class LabelCopy:
    """The labels of a model as arrays, in the order of their classes.

    Attributes:
        numbers, rows, codes: uint16, int32 and uint16 [n]: class, experience row, probability.
        labelled: int32 [m], experience rows that have labels, and `crc32`, uint32 [m], of each.
    """

    numbers: NDArray[np.uint16]
    rows: NDArray[np.int32]
    codes: NDArray[np.uint16]
    labelled: NDArray[np.int32]
    crc32: NDArray[np.uint32]


class LabelSpace:
    """The labels of one model: appended to, and now and then put in order.

    Attributes:
        count, crc_sum: experiences that have labels of it, and the sum of their checksums.
    """

    def __init__(self) -> None:
        self.count = 0
        self.crc_sum = 0
        self._rows = np.zeros(0, np.int32)
        self._codes = np.zeros(0, np.uint16)
        self._starts = np.zeros(1, np.int64)
        self._counts = np.zeros((0, len(STEPS)), np.int32)
        self._new = _New()
        self._labelled = GrowingArray(np.bool_)
        self._crc32 = GrowingArray(np.uint32)

    def add(
        self, rows: NDArray[np.int32], crc32: NDArray[np.uint32], blobs: Sequence[bytes]
    ) -> None:
        """Append labels of experiences that have none; `blobs` are whole."""
        self._cover(int(rows.max()) + 1)
        self._labelled.view()[rows] = True
        self._crc32.view()[rows] = crc32
        self.count += len(rows)
        self.crc_sum += int(crc32.sum(dtype=np.int64))
        owners, numbers, codes = decode_all(blobs)
        self._new.extend(numbers, rows[owners], codes)
        if len(self._new) >= max(LEAST_NEW, NEW_SHARE * len(self._rows)):
            self._order()

    def drop(self, rows: NDArray[np.int64]) -> bool:
        """Leave out the labels of experiences; whether there were any."""
        rows = rows[rows < len(self._labelled.view())]
        rows = rows[self._labelled.view()[rows]]
        if not rows.size:
            return False
        gone = np.zeros(len(self._labelled.view()), np.bool_)
        gone[rows] = True
        self._codes[gone[self._rows]] = NEVER
        self._new.codes.view()[gone[self._new.rows.view()]] = NEVER
        self.count -= len(rows)
        self.crc_sum -= int(self._crc32.view()[rows].sum(dtype=np.int64))
        self._labelled.view()[rows] = False
        return True

    def view(self) -> LabelView:
        """The labels now; later ones do not change it, what is dropped later counts no more."""
        return LabelView(
            self._rows,
            self._codes,
            self._starts,
            self._counts,
            self._new.numbers.view(),
            self._new.rows.view(),
            self._new.codes.view(),
            self._labelled.view(),
        )

    def copy(self) -> LabelCopy:
        """The labels now, without what was dropped."""
        self._order()
        labelled = np.flatnonzero(self._labelled.view()).astype(np.int32)
        crc32 = self._crc32.view()[labelled]
        return LabelCopy(self._numbers(), self._rows, self._codes.copy(), labelled, crc32)

    @classmethod
    def of_copy(cls, copy: LabelCopy) -> LabelSpace:
        """A space that goes on from a copy."""
        space = cls()
        space.count = len(copy.labelled)
        space.crc_sum = int(copy.crc32.sum(dtype=np.int64))
        if space.count:
            space._cover(int(copy.labelled.max()) + 1)
            space._labelled.view()[copy.labelled] = True
            space._crc32.view()[copy.labelled] = copy.crc32
        space._take(copy.numbers, copy.rows, copy.codes)
        return space

    def _cover(self, experiences: int) -> None:
        missing = experiences - len(self._labelled.view())
        if missing > 0:
            self._labelled.extend(np.zeros(missing, np.bool_))
            self._crc32.extend(np.zeros(missing, np.uint32))

    def _numbers(self) -> NDArray[np.uint16]:
        """The class of each label that is in order."""
        classes = np.arange(len(self._starts) - 1, dtype=np.uint16)
        return np.repeat(classes, np.diff(self._starts))

    def _order(self) -> None:
        """Put the new ones in order with all others; what was dropped goes."""
        new = self._new
        numbers = np.concatenate([self._numbers(), new.numbers.view()])
        rows = np.concatenate([self._rows, new.rows.view()])
        codes = np.concatenate([self._codes, new.codes.view()])
        self._new = _New()
        if (codes == NEVER).any():
            left = codes != NEVER
            numbers, rows, codes = numbers[left], rows[left], codes[left]
        order = np.argsort(codes, kind="stable")  # of 16 bits: by radix, far below n log n
        order = order[np.argsort(numbers[order], kind="stable")]
        self._take(numbers[order], rows[order], codes[order])

    def _take(
        self, numbers: NDArray[np.uint16], rows: NDArray[np.int32], codes: NDArray[np.uint16]
    ) -> None:
        classes = int(numbers[-1]) + 1 if len(numbers) else 0
        self._rows, self._codes = rows, codes
        self._starts = np.searchsorted(numbers, np.arange(classes + 1)).astype(np.int64)
        # the step of each label: the first probability of STEPS that it reaches
        steps = np.searchsorted(-STEPS, -PROBABILITIES[codes])
        cells = numbers.astype(np.int64) * (len(STEPS) + 1) + steps
        found = np.bincount(cells, minlength=classes * (len(STEPS) + 1))
        counts = found.reshape(classes, -1).cumsum(axis=1)[:, : len(STEPS)]
        self._counts = counts.astype(np.int32)


class _New:
    """Labels that are in no order yet."""

    def __init__(self) -> None:
        self.numbers = GrowingArray(np.uint16)
        self.rows = GrowingArray(np.int32)
        self.codes = GrowingArray(np.uint16)

    def __len__(self) -> int:
        return len(self.rows.view())

    def extend(
        self, numbers: NDArray[np.uint16], rows: NDArray[np.int32], codes: NDArray[np.uint16]
    ) -> None:
        self.numbers.extend(numbers)
        self.rows.extend(rows)
        self.codes.extend(codes)
