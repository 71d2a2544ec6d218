"""What a store knows of its modalities that are instances of others, for who opens it later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.engine import Connection

from sage_common.core.specs.modality import ModalitySpecs
from sage_memory.core.engine.database import upsert
from sage_memory.core.engine.schema import meta

FACT = "instances"


def stored_instances(facts: Mapping[str, str]) -> list[str]:
    """The instances that a store knows of, `MODALITY INSTALLED` each."""
    return facts.get(FACT, "").splitlines()


def save_instances(
    connection: Connection, facts: Mapping[str, str], instances: Sequence[str]
) -> list[str]:
    """Add instances to those of the store, in the caller's transaction; all of them.

    Raises:
        InvalidInput: an instance of another form.
    """
    known = dict(line.split(" ", 1) for line in stored_instances(facts))
    merged = known | dict(ModalitySpecs.instance(text) for text in instances)
    lines = [f"{name} {like}" for name, like in sorted(merged.items())]
    if merged != known:
        entry = upsert(connection, meta).values(key=FACT, value="\n".join(lines))
        connection.execute(
            entry.on_conflict_do_update(
                index_elements=["key"], set_={"value": entry.excluded.value}
            )
        )
    return lines
