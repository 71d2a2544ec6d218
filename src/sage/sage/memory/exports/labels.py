"""Labels of an export: proof of their rows, and their vocabularies in the terms of a store."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.engine import Connection

from sage.memory.exports.tables import Row
from sage_common.core.errors import InvalidInput
from sage_common.core.labels import Labels, check_labels
from sage_memory.core.engine.schema import vocabularies
from sage_memory.core.labels.encoding import decode
from sage_memory.core.labels.packing import unpack_names
from sage_memory.core.labels.rows import labels_crc32, vocabulary_crc32


def check_label_row(row: Row, model_id: str, classes: int) -> None:
    """Prove checksum and content of a row of labels of a model with so many classes.

    Raises:
        InvalidInput: names what is wrong.
    """
    expected = labels_crc32(row["experience_id"], model_id, row["labels"])
    if row["crc32"] != expected:
        raise InvalidInput("labels.crc32", row["crc32"], f"{expected}, that of the labels")
    try:
        check_labels(Labels(model_id, decode(row["labels"])), classes)
    except InvalidInput as error:
        raise InvalidInput(f"labels.{error.field}", error.value, error.expected) from None


def check_vocabulary_row(row: Row) -> None:
    """Prove the names of a vocabulary.

    Raises:
        InvalidInput: names what is wrong.
    """
    expected = vocabulary_crc32(row["model_id"], row["names"])
    if row["crc32"] != expected:
        raise InvalidInput("vocabularies.crc32", row["crc32"], f"{expected}, of model and names")
    try:
        unpack_names(row["names"])
    except InvalidInput as error:
        raise InvalidInput("vocabularies.names", error.value, error.expected) from None


class VocabularyNumbers:
    """Numbers of the vocabularies of an export in a store that has some of its own."""

    def __init__(self, connection: Connection) -> None:
        self._known = {
            row.model_id: (int(row.number), bytes(row.names))
            for row in connection.execute(select(vocabularies))
        }
        self._next = max((number for number, _ in self._known.values()), default=0) + 1
        self._numbers: dict[int, int] = {}

    def taken(self, rows: list[Row]) -> list[Row]:
        """Those of the vocabularies that the store lacks, with its numbers.

        Raises:
            InvalidInput: the store has other names of a model's classes.
        """
        fresh = []
        for row in rows:
            number, names = self._known.get(row["model_id"], (self._next, b""))
            self._numbers[row["number"]] = number
            if not names:
                self._next += 1
                fresh.append(row | {"number": number})
            elif unpack_names(names) != unpack_names(row["names"]):
                expected = f"the names that the store has for {row['model_id']}"
                raise InvalidInput("vocabularies.names", row["names"], expected)
        return fresh

    def renumbered(self, row: Row) -> Row:
        """A row of labels with the store's number of its vocabulary."""
        return row | {"vocabulary": self._numbers[row["vocabulary"]]}
