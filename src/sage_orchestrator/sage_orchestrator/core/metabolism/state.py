"""The metabolic states."""

from __future__ import annotations

from enum import IntEnum

from sage_common.core.errors import InvalidInput


class MetabolicState(IntEnum):
    """The condition of the robot; numbers as in `sage_msgs/MetabolicState`."""

    WAKE = 0
    """It senses, thinks and learns."""
    FOCUS = 1
    """Something salient goes on: more compute for it."""
    REST = 2
    """Nothing has happened for a while: fewer samples, longer cycles."""
    DREAM = 3
    """Nothing has happened for long: the memory sleeps."""
    CRISIS = 4
    """Memory or energy is nearly at an end: only what is needed."""


def state_named(name: str) -> MetabolicState:
    """The state of that name, in capitals or not.

    Raises:
        InvalidInput: there is none.
    """
    try:
        return MetabolicState[name.upper()]
    except KeyError:
        names = ", ".join(state.name for state in MetabolicState)
        raise InvalidInput("state", name, f"one of {names}, or auto") from None
