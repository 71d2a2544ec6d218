"""What a store knows of its modalities that are instances of others, for who opens it later."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from sqlalchemy.engine import Connection

from sage_common.core.errors import InvalidInput
from sage_common.core.specs.modality import ModalitySpecs
from sage_memory.core.engine.database import upsert
from sage_memory.core.engine.schema import meta

FACT = "instances"
LOG = logging.getLogger(__name__)


def stored_instances(facts: Mapping[str, str]) -> list[str]:
    """The instances that a store knows of, `MODALITY INSTALLED` each.

    Facts have no checksum: a line that is no instance is left out, and a warning is logged.
    """
    proven = []
    for line in facts.get(FACT, "").splitlines():
        try:
            ModalitySpecs.instance(line)
        except InvalidInput as error:
            LOG.warning("a fact of the store is left out: %s", error)
        else:
            proven.append(line)
    return proven


def merged_instances(stored: Iterable[str], given: Iterable[str]) -> list[str]:
    """Instances of both; `given` counts where both name a modality.

    Raises:
        InvalidInput: an instance of another form.
    """
    merged = dict(map(ModalitySpecs.instance, stored)) | dict(map(ModalitySpecs.instance, given))
    return [f"{name} {like}" for name, like in sorted(merged.items())]


def save_instances(
    connection: Connection, facts: Mapping[str, str], instances: Iterable[str]
) -> None:
    """Let the store know these, where its facts differ, in the caller's transaction."""
    text = "\n".join(instances)
    if text == facts.get(FACT, ""):
        return
    entry = upsert(connection, meta).values(key=FACT, value=text)
    connection.execute(
        entry.on_conflict_do_update(index_elements=["key"], set_={"value": entry.excluded.value})
    )
