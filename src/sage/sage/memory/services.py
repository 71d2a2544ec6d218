"""Services of the memory node of a running graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sage.graph.runtime_file import RunningGraph
from sage.observe.asking import AskerNode, ask
from sage_msgs.srv import Forget, SetPin, UndoSleep


class PinAsker(AskerNode):
    """A client of memory/pin."""

    service_key = "memory/pin"


class ForgetAsker(AskerNode):
    """A client of memory/forget."""

    service_key = "memory/forget"


class UndoAsker(AskerNode):
    """A client of memory/undo_sleep."""

    service_key = "memory/undo_sleep"


def pin(running: RunningGraph, identifier: str, pinned: bool) -> Any:
    """The response to pinning or unpinning an experience.

    Raises:
        ServiceUnavailable: there is no memory node, or it does not answer.
    """
    return ask(PinAsker, running, SetPin.Request(id=identifier, pinned=pinned))


def forget(running: RunningGraph, identifiers: Sequence[str], reason: str) -> Any:
    """The response to forgetting experiences for good."""
    return ask(ForgetAsker, running, Forget.Request(ids=list(identifiers), reason=reason))


def undo(running: RunningGraph, night_id: str) -> Any:
    """The response to taking back a night; empty: the last one."""
    return ask(UndoAsker, running, UndoSleep.Request(night_id=night_id))
