"""Words that are taught and forgotten: with them goes what was recognised by their examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.engine import Connection

from sage_memory.core.labels.rows import label_rows, numbers_of
from sage_memory.core.store.labelling import Relabelled
from sage_memory.core.store.store import Store
from sage_memory.core.store.writer import Future
from sage_memory.core.taught.rows import (
    kinds_of,
    read_word,
    read_words,
    remove_labels_of,
    remove_word,
    write_word,
)
from sage_memory.core.taught.taught_word import (
    TaughtWord,
    checked,
    plain_word,
    taught_again,
    without_examples_of,
)


class Taught(NamedTuple):
    """A word as it is now known, and what the index needs."""

    word: TaughtWord
    relabelled: Relabelled


def teach(store: Store, again: TaughtWord) -> Future[Taught]:
    """Add examples of a word; see `Memory.teach`."""
    proven = checked(again)

    def change(connection: Connection) -> Taught:
        word = taught_again(read_word(connection, proven.word, proven.kind), proven)
        write_word(connection, word)
        ids = remove_labels_of(connection, word.word, word.kind)
        return Taught(word, _relabelled(store, connection, ids))

    return store.change(change, lambda done: store.reader.index.relabel(*done.relabelled))


def forget_word(store: Store, word: str) -> Future[Relabelled]:
    """Forget a word; see `Memory.forget_word`."""
    plain = plain_word(word)

    def change(connection: Connection) -> Relabelled:
        ids: list[bytes] = []
        for kind in kinds_of(connection, plain):
            remove_word(connection, plain, kind)
            ids += remove_labels_of(connection, plain, kind)
        return _relabelled(store, connection, ids)

    return store.change(change, lambda done: store.reader.index.relabel(*done))


def remove_examples(store: Store, connection: Connection, ids: Sequence[bytes]) -> Relabelled:
    """Remove the examples that are of experiences, and what was recognised by them.

    A word that has no others is forgotten.
    """
    changed: list[bytes] = []
    for word in read_words(connection):
        left = without_examples_of(word, ids)
        if left is word:
            continue
        changed += remove_labels_of(connection, word.word, word.kind)
        if left is None:
            remove_word(connection, word.word, word.kind)
        else:
            write_word(connection, left)
    return _relabelled(store, connection, changed)


def _relabelled(store: Store, connection: Connection, ids: Sequence[bytes]) -> Relabelled:
    store.set_clocks(connection, [(identifier, "labels") for identifier in dict.fromkeys(ids)])
    numbers = sorted(numbers_of(connection, ids).values())
    return Relabelled(numbers, label_rows(connection, numbers))
