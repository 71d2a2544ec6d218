"""Which places are private: a fact of the store, so that a name may be private before its place."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.engine import Connection

from sage_common.core.errors import InvalidInput
from sage_memory.core.engine.database import upsert
from sage_memory.core.engine.schema import meta
from sage_memory.core.places.named_place import plain_name

FACT = "private_places"
LOG = logging.getLogger(__name__)


def private_names(facts: Mapping[str, str]) -> frozenset[str]:
    """The names of places that a store says are private.

    Facts have no checksum: a line that is no name is left out, and a warning is logged.
    """
    proven = set()
    for line in facts.get(FACT, "").splitlines():
        try:
            proven.add(plain_name(line))
        except InvalidInput as error:
            LOG.warning("a fact of the store is left out: %s", error)
    return frozenset(proven)


def read_private(connection: Connection) -> frozenset[str]:
    """The names of places that are private."""
    return private_names(dict(connection.execute(select(meta.c.key, meta.c.value)).all()))


def save_private(connection: Connection, names: Iterable[str]) -> None:
    """Let these places, and no others, be private, in the caller's transaction."""
    entry = upsert(connection, meta).values(key=FACT, value="\n".join(sorted(names)))
    connection.execute(
        entry.on_conflict_do_update(index_elements=["key"], set_={"value": entry.excluded.value})
    )
