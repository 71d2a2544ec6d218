"""Taught words for what was kept before they were taught: a batch at a time, resumable.

Each word says up to which experience was looked at for it, and goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Select, and_, func, select

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import Box, Label
from sage_memory.core.engine.errors import PayloadDamaged
from sage_memory.core.engine.schema import ROLE_PERCEPT, experiences, vectors
from sage_memory.core.identifiers import id_text
from sage_memory.core.labels.rows import labels_of
from sage_memory.core.rows.encoded_vectors import decode
from sage_memory.core.store.completion import Completed
from sage_memory.core.store.labelling import label
from sage_memory.core.store.naming import BATCH, PICTURES
from sage_memory.core.store.store import Store
from sage_memory.core.taught.rows import note_looked_at, read_words
from sage_memory.core.taught.taught_word import Look, TaughtWord

LOOKED_BACK = 100
"""Of what was kept last, looked at as soon as a word was taught."""
MOST_BOXES = 4


@dataclass(frozen=True)
class PictureFeatures:
    """What makes features of pictures.

    Attributes:
        model_id: of the features.
        looks: at a payload, all of it and each of some boxes in it; raises InvalidInput.
    """

    model_id: str
    looks: Callable[[bytes, Sequence[Box]], Sequence[Look]]


def boxes_of(labels: Iterable[Label]) -> list[Box]:
    """Where objects were found, each place once, the first ones."""
    boxes = dict.fromkeys(label.box for label in labels if label.box is not None)
    return list(boxes)[:MOST_BOXES]


class TaughtNaming:
    """Looks for taught words in what a store keeps; of sounds it reads the vectors that are kept.

    Args:
        store: open for writing.
        pictures: the present features; None: words that pictures show are passed over.
    """

    def __init__(self, store: Store, pictures: PictureFeatures | None) -> None:
        self._store, self._pictures = store, pictures
        self.done = Completed()

    def words(self) -> list[TaughtWord]:
        """Those that can be looked for."""
        with self._store.reader.snapshot() as connection:
            return [word for word in read_words(connection) if self._can_see(word)]

    def missing(self) -> int:
        """How many experiences are still to be looked at."""
        with self._store.reader.snapshot() as connection:
            return sum(
                int(
                    connection.execute(
                        select(func.count()).select_from(self._behind(words).subquery())
                    ).scalar_one()
                )
                for words in self._groups()
            )

    def step(self) -> int:
        """Look at one batch; how many experiences it has looked at, 0: all is done.

        Raises:
            NotStored: the disk refused; what was found before is kept.
        """
        for words in self._groups():
            ordered = self._behind(words).order_by(experiences.c.number).limit(BATCH)
            rows = self._read(ordered)
            if not rows:
                continue
            for row in rows:
                self._look(row, [word for word in words if word.looked_at < row.number])
            self._note(words, int(rows[-1].number))
            return len(rows)
        return 0

    def newest(self, word: TaughtWord, count: int) -> int:
        """Look for one word in the newest `count` experiences; how many were looked at."""
        newest = self._kept(word).order_by(experiences.c.number.desc()).limit(count)
        rows = self._read(newest)
        for row in rows:
            self._look(row, [word])
        if rows and len(rows) < count:  # all that is kept
            self._note([word], int(rows[0].number))
        return len(rows)

    def _note(self, words: Sequence[TaughtWord], number: int) -> None:
        noted = partial(note_looked_at, words=words, number=number)
        self._store.change(noted).result()

    def _groups(self) -> list[list[TaughtWord]]:
        """Words that the same features tell, those of a kind."""
        groups: dict[tuple[str, str], list[TaughtWord]] = {}
        for word in self.words():
            groups.setdefault((word.kind, word.features_by), []).append(word)
        return list(groups.values())

    def _can_see(self, word: TaughtWord) -> bool:
        known = self._pictures.model_id if self._pictures is not None else ""
        return word.kind != "picture" or word.features_by == known

    def _behind(self, words: Sequence[TaughtWord]) -> Select[Any]:
        least = min(word.looked_at for word in words)
        return self._kept(words[0]).where(experiences.c.number > least)

    def _kept(self, word: TaughtWord) -> Select[Any]:
        """What is kept in which the word may be found."""
        columns = (experiences.c.number, experiences.c.id)
        alive = experiences.c.forgotten_ns.is_(None)
        if word.kind == "picture":
            return select(
                *columns, experiences.c.payload_sha256, experiences.c.payload_media_type
            ).where(
                alive,
                experiences.c.payload_sha256 != "",
                experiences.c.payload_media_type.like(PICTURES),
            )
        own = and_(
            vectors.c.experience_id == experiences.c.id,
            vectors.c.encoder_id == word.features_by,
            vectors.c.role == ROLE_PERCEPT,
        )
        vector = (vectors.c.encoding, vectors.c.dim, vectors.c.vector)
        return select(*columns, *vector).join(vectors, own).where(alive)

    def _read(self, wanted: Select[Any]) -> Sequence[Any]:
        with self._store.reader.snapshot() as connection:
            return connection.execute(wanted).all()

    def _look(self, row: Any, words: Sequence[TaughtWord]) -> None:
        try:
            looks = self._looks(row, words[0].kind)
            found = [word.recognised(looks) for word in words]
            for recognised in found:
                if recognised is not None:
                    label(self._store, bytes(row.id), *recognised).result()
                    self.done.made += 1
        except (InvalidInput, PayloadDamaged, OSError) as error:
            self.done.fail(f"{id_text(bytes(row.id))}: {error}")

    def _looks(self, row: Any, kind: str) -> Sequence[Look]:
        if kind != "picture":
            return [Look(decode(row.encoding, row.dim, bytes(row.vector)))]
        assert self._pictures is not None, "others were passed over"
        key = bytes(row.id)
        with self._store.reader.snapshot() as connection:
            seen = labels_of(connection, [key]).get(key, [])
        content = self._store.reader.files.read(row.payload_sha256, row.payload_media_type)
        boxes = boxes_of(label for one in seen for label in one.labels)
        return self._pictures.looks(content, boxes)
