"""Rows of the words that were taught."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.engine import Connection

from sage_common.core.errors import InvalidInput, nearest_name
from sage_memory.core.engine.database import upsert
from sage_memory.core.engine.schema import labels, taught_words, vocabularies
from sage_memory.core.labels.packing import pack_names
from sage_memory.core.taught.examples import unpack_examples
from sage_memory.core.taught.taught_word import TaughtWord, checked, models_of

_OWN = taught_words.c


def word_of(values: Mapping[str, Any]) -> TaughtWord:
    """The word in a row.

    Raises:
        InvalidInput: a value is wrong, or of another type.
    """
    try:
        word = checked(
            TaughtWord(
                values["word"], values["kind"], values["features_by"],
                unpack_examples(bytes(values["examples"])), int(values["looked_at"]),
                int(values["taught_ns"]),
            )
        )  # fmt: skip
    except (TypeError, ValueError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput("taught word", values, "text, numbers and bytes") from None
    if word.crc32 != values["crc32"]:
        raise InvalidInput("crc32", values["crc32"], f"{word.crc32}, that of the word")
    return word


def values_of(word: TaughtWord) -> dict[str, Any]:
    """The values of a word's row."""
    return {
        "word": word.word, "kind": word.kind, "features_by": word.features_by,
        "examples": word.blob, "looked_at": word.looked_at, "taught_ns": word.taught_ns,
        "crc32": word.crc32,
    }  # fmt: skip


def read_words(connection: Connection) -> list[TaughtWord]:
    """Words in their order; rows that are none are left out."""
    found = []
    wanted = select(taught_words).order_by(_OWN.word, _OWN.kind)
    for row in connection.execute(wanted).mappings():
        with suppress(InvalidInput):
            found.append(word_of(dict(row)))
    return found


def read_word(connection: Connection, word: str, kind: str) -> TaughtWord | None:
    """One of them; None: it is not known, or damaged."""
    return next((w for w in read_words(connection) if (w.word, w.kind) == (word, kind)), None)


def write_word(connection: Connection, word: TaughtWord) -> None:
    """Put a word in the place of what the store has for it, in the caller's transaction."""
    values = values_of(word)
    entry = upsert(connection, taught_words).values(values)
    newer = {name: entry.excluded[name] for name in values if name not in ("word", "kind")}
    connection.execute(
        entry.on_conflict_do_update(index_elements=[_OWN.word, _OWN.kind], set_=newer)
    )


def note_looked_at(connection: Connection, words: Iterable[TaughtWord], number: int) -> None:
    """Note the last experience that was looked at for words, unless they were taught since."""
    for word in words:
        same = (_OWN.word == word.word) & (_OWN.kind == word.kind) & (_OWN.crc32 == word.crc32)
        connection.execute(update(taught_words).where(same).values(looked_at=number))


def remove_word(connection: Connection, word: str, kind: str) -> None:
    """Remove what was taught under a word of a kind, in the caller's transaction."""
    connection.execute(delete(taught_words).where((_OWN.word == word) & (_OWN.kind == kind)))


def kinds_of(connection: Connection, word: str) -> list[str]:
    """In which kinds a word was taught.

    Raises:
        InvalidInput: in none; the nearest word is named.
    """
    known = connection.execute(select(_OWN.word, _OWN.kind)).all()
    found = [row.kind for row in known if row.word == word]
    if not found:
        words = {row.word for row in known}
        nearest = f"; the nearest is {nearest_name(word, words)!r}" if words else ""
        raise InvalidInput("word", word, f"a word that was taught{nearest}")
    return found


def remove_labels_of(connection: Connection, word: str, kind: str) -> list[bytes]:
    """Remove what was recognised as a word, by any of its examples; ids of the experiences."""
    own = vocabularies.c
    models = connection.execute(select(own.number).where(
        own.model_id.startswith(models_of(kind), autoescape=True), own.names == pack_names((word,))
    ))  # fmt: skip
    theirs = labels.c.vocabulary.in_(numbers := models.scalars().all())
    ids = connection.execute(select(labels.c.experience_id).where(theirs)).scalars().all()
    connection.execute(delete(labels).where(theirs))
    connection.execute(delete(vocabularies).where(own.number.in_(numbers)))
    return [*dict.fromkeys(map(bytes, ids))]
