"""Leaves a store, and goes on with it at the same instant as if it had never been closed."""

from __future__ import annotations

from sage_common.core.errors import CannotContinue, InvalidInput
from sage_common.core.sections import Arrays, json_array, json_of
from sage_memory.core.store.store import Store

COUNTED = ("refused", "committed", "groups", "failed")


def leave(store: Store) -> Arrays:
    """What ids and counts depend on beside the rows.

    Raises:
        CannotContinue: experiences wait for their commit.
    """
    store.flush()
    committer, payloads = store.committer, store.payloads
    if committer.waiting:
        raise CannotContinue(f"{committer.waiting} experiences are not committed yet")
    left = {
        "experiences": len(store.reader.index),
        "ids": store.identifiers.state(),
        "counted": {name: getattr(committer, name) for name in COUNTED},
        "payloads": [payloads.refused, payloads.last_refusal],
    }
    return {"left": json_array(left)}


def take_up(store: Store, arrays: Arrays) -> None:
    """Continue from `leave()` of the same store.

    Raises:
        InvalidInput: experiences have come or gone since.
    """
    left = json_of(arrays["left"])
    if len(store.reader.index) != left["experiences"]:
        expected = f"the {left['experiences']} of the moment at which it was left"
        raise InvalidInput("experiences", len(store.reader.index), expected)
    store.identifiers.restore(left["ids"])
    for name, value in left["counted"].items():
        setattr(store.committer, name, value)
    store.payloads.refused, store.payloads.last_refusal = left["payloads"]
