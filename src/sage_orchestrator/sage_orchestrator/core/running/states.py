"""What a plugin is doing; the numbers are those of sage_msgs/msg/PluginBudget."""

from __future__ import annotations

from enum import IntEnum


class PluginState(IntEnum):
    """State of a plugin in one cycle."""

    IDLE = 0
    RUNNING = 1
    DONE = 2
    SPENT = 3
    TIMED_OUT = 4
    FAILED = 5
    ISOLATED = 6

    @property
    def failed(self) -> bool:
        """Whether a run that ended so counts towards isolation."""
        return self in (PluginState.TIMED_OUT, PluginState.FAILED)
