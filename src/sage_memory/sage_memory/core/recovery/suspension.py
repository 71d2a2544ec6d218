"""Suspends a store; resumed, it goes on at the same instant as if it had never been closed."""

from __future__ import annotations

from sage_common.core.errors import CannotContinue, InvalidInput
from sage_common.core.state.arrays import Arrays, json_array, json_of, nest, section_of
from sage_memory.core.store.store import Store

COUNTED = ("refused", "committed", "groups", "failed", "failing")


def suspend(store: Store) -> Arrays:
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
        "counted": {name: getattr(committer, name) for name in COUNTED},
        "payloads": [payloads.refused, payloads.last_refusal],
    }
    return {"left": json_array(left), **nest("identifiers", store.identifiers.state())}


def resume(store: Store, arrays: Arrays) -> None:
    """Continue from `suspend()` of the same store.

    Raises:
        InvalidInput: experiences have come or gone since.
    """
    left = json_of(arrays["left"])
    if len(store.reader.index) != left["experiences"]:
        expected = f"the {left['experiences']} of the moment at which it was suspended"
        raise InvalidInput("experiences", len(store.reader.index), expected)
    store.identifiers.restore(section_of(arrays, "identifiers"))
    for name, value in left["counted"].items():
        setattr(store.committer, name, value)
    store.payloads.refused, store.payloads.last_refusal = left["payloads"]
