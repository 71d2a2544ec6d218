"""Vectors and filterable columns in memory: a cache of the rows, never their only home."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_memory.core.engine.schema import ENCODING_INT8
from sage_memory.core.index.cache import Facts, IndexCopy
from sage_memory.core.index.columns import Columns
from sage_memory.core.index.label_space import LabelSpace
from sage_memory.core.index.label_view import LabelView
from sage_memory.core.index.space import Space
from sage_memory.core.index.space_view import ROLES, SpaceView
from sage_memory.core.labels.rows import LabelRow, is_whole
from sage_memory.core.rows.encoded_vectors import SCALE_BYTES, decode_all
from sage_memory.core.rows.indexed import VectorRow

__all__ = ["ROLES", "VectorIndex", "View"]
MOST_PENDING = 512


@dataclass(frozen=True)
class View:
    """The index at one moment; later appends do not change it.

    Attributes:
        columns: name -> one value an experience; names as codes, see `codes`.
        spaces: encoder id -> its vectors.
        labels: model id -> what it recognised.
        codes: column -> name -> code.
        ascending: columns whose values never fall.
    """

    columns: Mapping[str, NDArray[Any]]
    spaces: Mapping[str, SpaceView]
    labels: Mapping[str, LabelView]
    codes: Mapping[str, Mapping[str, int]]
    ascending: frozenset[str]

    @cached_property
    def summarised(self) -> bool:
        """Whether there is any summary."""
        return bool(self.columns["covers"].any())

    def name(self, column: str, row: int) -> str:
        """What a column of names says in a row."""
        code = int(self.columns[column][row])
        return next(name for name, known in self.codes[column].items() if known == code)


class VectorIndex:
    """All vectors in a small form, by encoder, and the columns that filters look at.

    It follows every commit by `add`, `forget`, `revive`, `drop_vectors`, `replace_vectors`,
    `relabel` and `update`, after the commit and in its order.

    Attributes:
        damaged: numbers of experiences with a vector or labels whose checksum does not match;
            such a vector, or such labels, are left out.
        on_loss: called whenever something is forgotten or dropped: copies must go as well.
    """

    def __init__(self) -> None:
        self.damaged: list[int] = []
        self.on_loss: Callable[[], None] | None = None
        self._columns = Columns()
        self._spaces: dict[str, Space] = {}
        self._sizes: dict[str, int] = {}
        self._labels: dict[str, LabelSpace] = {}
        self._new_experiences: list[Sequence[Any]] = []
        self._new_vectors: list[VectorRow] = []
        self._new_labels: list[LabelRow] = []
        self._view: View | None = None
        self._lock = threading.RLock()

    def __len__(self) -> int:
        with self._lock:
            return len(self._columns) + len(self._new_experiences)

    @property
    def vector_count(self) -> int:
        """Vectors of all spaces."""
        return sum(count for count, _ in self.checksums().values())

    def view(self) -> View:
        """A consistent view for one search."""
        with self._lock:
            self._settle()
            if self._view is None:
                count = len(self._columns)
                spaces = {name: space.view(count) for name, space in self._spaces.items()}
                labels = {name: space.view() for name, space in self._labels.items()}
                columns = self._columns
                own = (columns.codes, columns.ascending)
                self._view = View(columns.views(), spaces, labels, *own)
            return self._view

    def claim_dimension(self, encoder_id: str, field_name: str, size: int) -> None:
        """Prove that a vector fits the space of its encoder; the first one sets the size.

        Raises:
            InvalidInput: the encoder's vectors have another size.
        """
        known = self._sizes.get(encoder_id)
        if known is None:  # else there is no need to wait for a writer that takes vectors in
            with self._lock:
                known = self._sizes.setdefault(encoder_id, size)
        if known != size:
            raise InvalidInput(f"{field_name}.shape", (size,), f"({known},) as all of {encoder_id}")

    def add(
        self,
        experiences: Sequence[Sequence[Any]],
        vectors: Sequence[VectorRow],
        labels: Sequence[LabelRow] = (),
    ) -> None:
        """Append rows of the tables; experience rows are in the order of `COLUMNS`, ascending.

        They are taken in at the next search, many at once; the writer hardly waits.
        """
        with self._lock:
            self._new_experiences.extend(experiences)
            self._new_vectors.extend(vectors)
            self._new_labels.extend(labels)
            pending = max(len(self._new_experiences), len(self._new_vectors), len(self._new_labels))
            if pending >= MOST_PENDING:
                self._settle()

    def forget(self, numbers: Sequence[int]) -> None:
        """Hide experiences from every search; their vectors go as well."""
        with self._changing():
            rows = self._columns.rows_of(numbers)
            self._columns.change("alive", rows, False)
            for space in self._spaces.values():
                space.drop(rows)
            for labels in self._labels.values():
                labels.drop(rows)
            self._lost()

    def revive(self, numbers: Sequence[int]) -> None:
        """Show experiences again that `forget` hid; their vectors come by `replace_vectors`."""
        with self._changing():
            self._columns.change("alive", self._columns.rows_of(numbers), True)

    def drop_vectors(self, numbers: Sequence[int], encoder_id: str | None = None) -> None:
        """Leave out all vectors of experiences, or those of one encoder."""
        with self._changing():
            rows = self._columns.rows_of(numbers)
            dropped = [
                space.drop(rows)
                for name, space in self._spaces.items()
                if encoder_id in (None, name)
            ]
            if any(dropped):
                self._lost()

    def replace_vectors(self, vectors: Sequence[VectorRow]) -> None:
        """Take `vectors` for all that those experiences had by the encoders named in them."""
        with self._lock:
            for encoder_id in {row.encoder_id for row in vectors}:
                numbers = {row.number for row in vectors if row.encoder_id == encoder_id}
                self.drop_vectors(sorted(numbers), encoder_id)
            self.add([], vectors)

    def relabel(self, numbers: Sequence[int], labels: Sequence[LabelRow]) -> None:
        """Take `labels` for all that experiences had, of every model."""
        with self._changing():
            rows = self._columns.rows_of(numbers)
            for space in self._labels.values():
                space.drop(rows)
            self.add([], [], labels)

    def update(self, number: int, **columns: Any) -> None:
        """Set columns of an experience, named and valued as in its row."""
        self.update_all([number], **columns)

    def update_all(self, numbers: Sequence[int], **columns: Any) -> None:
        """Set columns of many experiences to the same values."""
        with self._changing():
            rows = self._columns.rows_of(numbers)
            for name, value in columns.items():
                self._columns.change(name, rows, value)

    def checksums(self) -> dict[str, tuple[int, int]]:
        """Encoder id -> number of vectors, sum of their CRC-32: what `vectors` must give too."""
        with self._lock:
            self._settle()
            return {
                name: (space.live_count, space.crc_sum)
                for name, space in self._spaces.items()
                if space.live_count
            }

    def label_checksums(self) -> dict[str, tuple[int, int]]:
        """Model id -> experiences labelled, sum of their CRC-32: what `labels` must give, too."""
        with self._lock:
            self._settle()
            found = self._labels.items()
            return {name: (space.count, space.crc_sum) for name, space in found if space.count}

    def clear(self) -> None:
        """Forget everything, to be filled anew."""
        with self._lock:
            self.damaged.clear()
            self._view = None
            self._columns = Columns()
            self._spaces.clear()
            self._sizes.clear()
            self._labels.clear()
            self._new_experiences.clear()
            self._new_vectors.clear()
            self._new_labels.clear()

    def copy(self, facts: Facts) -> IndexCopy:
        """The index now, as arrays."""
        with self._lock:
            self._settle()
            columns, codes = self._columns.copy()
            spaces = {name: space.copy() for name, space in self._spaces.items()}
            labels = {name: space.copy() for name, space in self._labels.items()}
            return IndexCopy(facts, columns, codes, spaces, labels)

    def adopt(self, copy: IndexCopy) -> None:
        """Take over a copy, into an empty index."""
        with self._changing():
            self._columns.adopt(copy.columns, copy.codes)
            for encoder_id, space in copy.spaces.items():
                self._spaces[encoder_id] = Space.of_copy(space)
                self._sizes[encoder_id] = space.dim
            for model_id, labels in copy.labels.items():
                self._labels[model_id] = LabelSpace.of_copy(labels)

    def _lost(self) -> None:
        if self.on_loss is not None:
            self.on_loss()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Of what a view shows; everything added so far is taken in before."""
        with self._lock:
            self._settle()
            self._view = None
            yield

    def _settle(self) -> None:
        if not (self._new_experiences or self._new_vectors or self._new_labels):
            return
        self._view = None
        experiences, self._new_experiences = self._new_experiences, []
        vectors, self._new_vectors = self._new_vectors, []
        labels, self._new_labels = self._new_labels, []
        if experiences:
            self._columns.extend(experiences)
        grouped: dict[str, list[VectorRow]] = {}
        for row in vectors:
            if zlib.crc32(row.vector) == row.crc32:
                grouped.setdefault(row.encoder_id, []).append(row)
            else:
                self.damaged.append(row.number)
        for encoder_id, rows in grouped.items():
            self._add_vectors(encoder_id, rows)
        self._add_labels(labels)

    def _add_labels(self, labels: Sequence[LabelRow]) -> None:
        grouped: dict[str, list[LabelRow]] = {}
        for row in labels:
            if is_whole(row):
                grouped.setdefault(row.model_id, []).append(row)
            else:
                self.damaged.append(row.number)
        known = self._columns.views()["number"]
        for model_id, rows in grouped.items():
            self._labels.setdefault(model_id, LabelSpace()).add(
                np.searchsorted(known, [row.number for row in rows]).astype(np.int32),
                np.array([row.crc32 for row in rows], np.uint32),
                [row.labels for row in rows],
            )

    def _add_vectors(self, encoder_id: str, rows: Sequence[VectorRow]) -> None:
        size = self._sizes.setdefault(encoder_id, rows[0].dim)
        space = self._spaces.setdefault(encoder_id, Space(size))
        fitting = [row for row in rows if fits(row, size)]
        if len(fitting) < len(rows):
            self.damaged.extend(row.number for row in rows if not fits(row, size))
        if not fitting:
            return
        numbers, _, roles, _, encodings, crc32, blobs = zip(*fitting, strict=True)
        known = self._columns.views()["number"]
        space.extend(
            decode_all(encodings, size, blobs),
            np.searchsorted(known, numbers).astype(np.int32),
            np.array([ROLES.index(role) for role in roles], np.int8),
            np.array(crc32, np.uint32),
        )


def fits(row: VectorRow, size: int) -> bool:
    """Whether the bytes of a row can be a vector of this size."""
    overhead = SCALE_BYTES if row.encoding == ENCODING_INT8 else 3 * size
    return row.dim == size and len(row.vector) == size + overhead
