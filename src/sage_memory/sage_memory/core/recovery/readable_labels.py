"""What can still be read of the labels of a damaged store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import Labels, check_labels
from sage_memory.core.engine import schema
from sage_memory.core.labels.encoding import decode
from sage_memory.core.labels.packing import unpack_names
from sage_memory.core.labels.rows import labels_crc32, vocabulary_crc32
from sage_memory.core.recovery.damaged_database import DamagedDatabase, Row


class ReadableLabels:
    """Labels and vocabularies of a damaged database that prove to be whole.

    Args:
        damaged: the database.
        lost: takes the counts of what is lost, in words.
    """

    def __init__(self, damaged: DamagedDatabase, lost: Counter[str]) -> None:
        self._damaged = damaged
        self._lost = lost
        self._models: dict[int, tuple[str, int]] = {}

    def vocabularies(self) -> Iterator[Row]:
        """Rows of vocabularies; to be read before the labels."""
        names: set[str] = set()
        for row in self._damaged.rows(schema.vocabularies):
            classes = _classes(row)
            if not classes:
                self._lost["vocabularies, with all labels of their models"] += 1
                continue
            if row["model_id"] not in names and row["number"] not in self._models:
                names.add(row["model_id"])
                self._models[row["number"]] = row["model_id"], classes
                yield row

    def labels(self, known: Container[bytes]) -> Iterator[Row]:
        """Rows of labels of `known` experiences."""
        seen: set[tuple[bytes, int]] = set()
        for row in self._damaged.rows(schema.labels):
            key = (row["experience_id"], row["vocabulary"])
            if not self._is_whole(row):
                self._lost["labels that do not match their checksums"] += 1
            elif row["experience_id"] in known and key not in seen:
                seen.add(key)
                yield row

    def _is_whole(self, row: Row) -> bool:
        model_id, classes = self._models.get(row["vocabulary"], ("", 0))
        if labels_crc32(row["experience_id"], model_id, row["labels"]) != row["crc32"]:
            return False
        try:
            check_labels(Labels(model_id, decode(row["labels"])), classes)
        except InvalidInput:
            return False
        return True


def _classes(row: Row) -> int:
    """How many names a vocabulary has; 0: it is damaged."""
    if vocabulary_crc32(row["model_id"], row["names"]) != row["crc32"]:
        return 0
    try:
        return len(unpack_names(row["names"]))
    except InvalidInput:
        return 0
