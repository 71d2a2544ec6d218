"""Whole rows of experiences, told apart from damaged ones, which no recall answers with."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.engine import Connection

from sage_memory.core.engine.plain_query import KEYS, PlainQuery
from sage_memory.core.engine.schema import experiences
from sage_memory.core.experience import Experience
from sage_memory.core.identifiers import id_text
from sage_memory.core.rows.checksums import is_whole
from sage_memory.core.rows.rows import read_experience

NO_EMBEDDING = np.zeros(0, np.float32)
MOST_NAMED = 1000
"""Damaged experiences that are kept by name; a store with more is not worth asking."""
ALTERED = "its checksum does not match: something in its row was altered"
GONE = "its row is gone"
_RECORDS = PlainQuery(select(experiences).where(experiences.c.number.in_(KEYS)))


class Record(NamedTuple):
    """A row of the table, and the experience that it is."""

    row: Any
    experience: Experience


class Records(NamedTuple):
    """Rows by number: those that are whole, and what is wrong with the others, in words."""

    whole: dict[int, Record]
    faults: dict[int, str]


@dataclass
class DamagedRows:
    """Damaged experiences that were come across, by id, with what is wrong in words."""

    found: dict[bytes, str] = field(default_factory=dict)

    def note(self, faults: Mapping[bytes, str]) -> None:
        """Remember some more, as long as there are not too many."""
        for identifier, what in faults.items():
            if len(self.found) < MOST_NAMED:
                self.found[identifier] = what

    def __len__(self) -> int:
        return len(self.found)

    def last(self) -> str:
        """The one found last, in words; empty: none was."""
        return fault_note(*list(self.found.items())[-1]) if self.found else ""


def read_records(
    connection: Connection,
    numbers: Sequence[int],
    embeddings: Mapping[bytes, NDArray[np.float32]] | None = None,
) -> Records:
    """Rows of experiences by their numbers, each checked.

    Args:
        embeddings: by id, float32 [D]; of others, empty.
    """
    whole: dict[int, Record] = {}
    faults: dict[int, str] = {}
    known = embeddings or {}
    for row in _RECORDS.rows(connection, numbers):
        if not is_whole(row):
            faults[row.number] = ALTERED
            continue
        try:
            made = read_experience(row, known.get(row.id, NO_EMBEDDING))
        except (zlib.error, ValueError, TypeError) as error:  # kept before rows had checksums
            faults[row.number] = f"it cannot be read: {error}"
            continue
        whole[row.number] = Record(row, made)
    if len(whole) + len(faults) < len(numbers):
        faults |= dict.fromkeys(set(numbers) - whole.keys() - faults.keys(), GONE)
    return Records(whole, faults)


def fault_note(identifier: bytes, what: str) -> str:
    """A damaged experience in words."""
    return (
        f"experience {id_text(identifier)} is damaged and left out: {what}; `sage memory verify` "
        "looks at all, `sage memory repair` keeps what can be read"
    )
