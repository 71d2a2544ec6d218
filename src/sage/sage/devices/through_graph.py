"""What a running graph says of the devices that it has."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from sage.devices.observation import Fault, Observation
from sage.graph.runtime_file import RunningGraph
from sage_common.core.announcement import announced
from sage_sensors.backends.device_holders import Holder

WAIT_S = 15.0
"""Nodes report every 5 s while the robot rests."""


def is_of_graph(holders: Sequence[Holder], running: RunningGraph | None, home: Path) -> bool:
    """Whether one of the processes belongs to the graph that runs in this home."""
    if running is None:
        return False
    own = {running.pid, *(item.pid for item in announced(home))}
    return any(own & {holder.pid, *_ancestors(holder.pid)} for holder in holders)


def reported(running: RunningGraph, stream: str, source: str) -> Observation:
    """What the graph's node says of a device that it has.

    Args:
        running: the graph.
        stream: camera or microphone.
        source: its backend there; empty: whatever it has.
    """
    from sage.observe.attached import Attached, enter_domain
    from sage.observe.observer_node import ObserverNode

    enter_domain(running)
    with Attached(ObserverNode, running.namespace) as attached:
        end_s = time.monotonic() + WAIT_S
        while time.monotonic() < end_s:
            for status in attached.node.latest.statuses():
                values = {item.key: item.value for item in status.values}
                backend = values.get(f"{stream} backend", "")
                if backend == source or (backend and not source):
                    return _observation(stream, values, status.message, status.level != b"\0")
            time.sleep(0.1)
    fault = Fault(f"which said nothing of it within {WAIT_S:g} s", "sage status says more")
    return Observation("in use by the running graph", (fault,))


def _observation(stream: str, values: dict[str, str], message: str, is_ill: bool) -> Observation:
    rate_hz, trust = (float(values[f"{stream} {key}"]) for key in ("rate_hz", "trust"))
    text = f"in use by the running graph, which gets {rate_hz:.1f}/s of it, trust {trust:.2f}"
    faults = (Fault(message, "sage status says more"),) if is_ill else ()
    return Observation(text, faults, {"rate_hz": rate_hz, "trust": trust})


def _ancestors(pid: int) -> set[int]:
    try:
        return {parent.pid for parent in psutil.Process(pid).parents()}
    except psutil.NoSuchProcess:
        return set()
