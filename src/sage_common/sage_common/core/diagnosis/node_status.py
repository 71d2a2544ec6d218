"""What a node reports of itself in /diagnostics, without ROS."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

LOOK_PERIOD_S = 0.5
"""Between two looks of a node at its own health; a change is reported then, nothing oftener."""
REPORT_LOOKS, RESTING_LOOKS = 4, 10
REPORT_PERIOD_S, RESTING_PERIOD_S = REPORT_LOOKS * LOOK_PERIOD_S, RESTING_LOOKS * LOOK_PERIOD_S
"""Between two reports of a node whose health stays as it is; and while the robot rests."""
SILENT_AFTER_S = 3.0 * RESTING_PERIOD_S
INACTIVE = "inactive"
"""The message of a node that was configured and is not active."""
SUPERVISOR = "supervisor"
"""So `sage run` reports its processes; what ended is written down beside it, too."""
AT_FAULT = "inputs at fault"
SHED_NODES = "shed nodes"
"""Each node that the governor has shed, and at which level; `NODE LEVEL, ...`."""
RECEIVED, PUBLISHED = " received", " published"
OK, SHED, WARN, ERROR, SILENT, ENDED = range(6)
LEVELS = ("ok", "shed", "warn", "error", "silent", "ended")
_OF_MESSAGE = (OK, WARN, ERROR)


@dataclass(frozen=True)
class NodeStatus:
    """How one node is.

    Attributes:
        name: without its namespace.
        level: an index of `LEVELS`.
        message: in words.
        at_fault: topics of inputs with which something is wrong.
        inputs: topics that it takes.
        outputs: topics that it publishes.
        shed: nodes that it says were shed, each with the pressure level.
        nodes: of a process of several: their names.
    """

    name: str
    level: int
    message: str
    at_fault: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    shed: tuple[tuple[str, str], ...] = ()
    nodes: tuple[str, ...] = ()

    @property
    def by_itself(self) -> bool:
        """Whether it is at fault, and not for want of input alone."""
        if self.level == WARN:
            return not self.at_fault
        return self.level != OK


def node_name(message: Any) -> str:
    """Name of the node that a status is of, without its namespace."""
    return str(message.name).rsplit("/", 1)[-1]


def read_status(message: Any) -> NodeStatus:
    """Of a diagnostic_msgs/DiagnosticStatus."""
    values = {item.key: item.value for item in message.values}
    entries = (entry.split() for entry in values.get(SHED_NODES, "").split(", ") if entry)
    return NodeStatus(
        name=node_name(message),
        level=_OF_MESSAGE[min(message.level[0], 2)],
        message=str(message.message),
        at_fault=tuple(topic for topic in values.get(AT_FAULT, "").split(", ") if topic),
        inputs=_topics(values, RECEIVED),
        outputs=_topics(values, PUBLISHED),
        shed=tuple((entry[0], entry[-1]) for entry in entries),
    )


def _topics(keys: Iterable[str], ending: str) -> tuple[str, ...]:
    return tuple(key.removesuffix(ending) for key in keys if key.endswith(ending))
