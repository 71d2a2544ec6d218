"""Labels for pictures that were kept before a model could name them: a batch at a time, resumable.

The work is derived from the rows, as that of new vectors: a moment with a picture lacks labels of
the present model. It goes on wherever it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, exists, func, select

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import Labels
from sage_memory.core.engine.errors import PayloadDamaged
from sage_memory.core.engine.schema import experiences, labels, vocabularies
from sage_memory.core.identifiers import id_text
from sage_memory.core.store.completion import Completed
from sage_memory.core.store.labelling import label
from sage_memory.core.store.store import Store

BATCH = 32
PICTURES = "image/%"


@dataclass(frozen=True)
class Namer:
    """A model that names pictures.

    Attributes:
        model_id: of its labels.
        vocabulary: names of its classes, in order.
        name: what is in a payload; raises InvalidInput.
    """

    model_id: str
    vocabulary: Sequence[str]
    name: Callable[[bytes], Labels]


class Naming:
    """Names the pictures of a store that the model has not named, a batch at each call.

    Args:
        store: open for writing.
        namer: the present model.
    """

    def __init__(self, store: Store, namer: Namer) -> None:
        self._store, self._namer = store, namer
        self._passed = 0
        self.done = Completed()

    def missing(self) -> int:
        """Pictures that are still to be named."""
        counted = select(func.count()).select_from(self._wanted().subquery())
        with self._store.reader.snapshot() as connection:
            return int(connection.execute(counted).scalar_one())

    def step(self) -> int:
        """Name one batch; how many it has looked at, 0: all is done.

        Raises:
            NotStored: the disk refused; what was named before is kept.
        """
        ordered = self._wanted().order_by(experiences.c.number).limit(BATCH)
        with self._store.reader.snapshot() as connection:
            rows = connection.execute(ordered).all()
        named = [self._label(row) for row in rows]
        for future in named:
            if future is not None:
                self._settle(future)
        if rows:
            self._passed = int(rows[-1].number)
        return len(rows)

    def _label(self, row: Any) -> Any:
        try:
            content = self._store.reader.files.read(row.payload_sha256, row.payload_media_type)
            found = self._namer.name(content)
        except (InvalidInput, PayloadDamaged, OSError) as error:
            self.done.fail(f"{id_text(bytes(row.id))}: {error}")
            return None
        return label(self._store, bytes(row.id), found, self._namer.vocabulary)

    def _settle(self, future: Any) -> None:
        try:
            future.result()
            self.done.made += 1
        except InvalidInput as error:  # it was forgotten meanwhile
            self.done.fail(str(error))

    def _wanted(self) -> Select[Any]:
        # What was tried and could not be named is not tried again while this object lives.
        has_some = (
            exists()
            .where(labels.c.experience_id == experiences.c.id)
            .where(vocabularies.c.number == labels.c.vocabulary)
            .where(vocabularies.c.model_id == self._namer.model_id)
        )
        return select(
            experiences.c.number,
            experiences.c.id,
            experiences.c.payload_sha256,
            experiences.c.payload_media_type,
        ).where(
            experiences.c.forgotten_ns.is_(None),
            experiences.c.payload_sha256 != "",
            experiences.c.payload_media_type.like(PICTURES),
            experiences.c.number > self._passed,
            ~has_some,
        )
