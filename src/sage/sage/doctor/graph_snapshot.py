"""What a running graph says of itself now, and what it was started with."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from sage.doctor.redaction import GONE, Redaction, is_secret
from sage.graph.runtime_file import LAUNCHED, RunningGraph, read_parameters
from sage.observe.attached import Attached
from sage.observe.observer_node import ObserverNode

SETTLED_S, MOST_S = 2.5, 15.0
"""As long as nodes are given to say how they are, from the first that does; and at most."""


def diagnostics(running: RunningGraph, redaction: Redaction) -> dict[str, Any]:
    """The newest status of each node, by its name; empty if none was heard."""
    with Attached(ObserverNode, running.namespace) as attached:
        latest, end_s = attached.node.latest, time.monotonic() + MOST_S
        while not latest.statuses() and time.monotonic() < end_s:
            time.sleep(0.1)
        time.sleep(SETTLED_S)
        statuses = latest.statuses()
    return {
        status.name: {
            "level": status.level[0],
            "message": redaction.message(status.message),
            "values": {item.key: redaction.message(item.value) for item in status.values},
        }
        for status in sorted(statuses, key=lambda status: str(status.name))
    }


def parameters(home: Path, running: RunningGraph) -> dict[str, dict[str, Any]]:
    """The parameters with which each node of the graph was started, but defaults, by its name.

    Raises:
        FileNotFoundError: `sage run` did not start it.
    """
    if running.profile == LAUNCHED:
        raise FileNotFoundError("the parameters of a graph of ros2 launch are in its launch files")
    written = read_parameters(home)
    return {
        node: {name: _shown(name, value) for name, value in values.items()}
        for node, values in written.items()
    }


def _shown(name: str, value: Any) -> Any:
    return GONE if is_secret(name) and isinstance(value, str) and value else value
