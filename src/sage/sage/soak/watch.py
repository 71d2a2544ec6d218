"""Looks at a running graph from outside: its processes, its host, and what its nodes count."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from sage.observe.observer_node import LISTENER, ObserverNode
from sage.run.process_commands import CONTAINER
from sage.soak.budgets import published
from sage.soak.family import family_of
from sage.soak.sample import sample_of
from sage.soak.samples_file import Look, ProcessLook
from sage.soak.shared_memory import MB, graph_shared_mb, host_shared_mb
from sage_msgs.msg import MetabolicState

RESTING = (MetabolicState.REST, MetabolicState.DREAM)


def look_at(pid: int, observer: ObserverNode, home: Path, time_s: float) -> Look:
    """A graph now.

    Args:
        pid: of the command that runs the graph.
        observer: has heard its diagnostics.
        home: its home folder.
        time_s: since the soak began [s].
    """
    processes = _processes(pid, published(observer.latest.statuses()))
    lost = observer.latest.counters.dropped()
    return Look(
        time_s=round(time_s, 3),
        load=os.getloadavg()[0],
        graph_shared_mb=round(graph_shared_mb(item.pid for item in processes), 3),
        host_shared_mb=round(host_shared_mb(), 3),
        free_mb=round(shutil.disk_usage(home).free / MB, 1),
        dropped={
            f"{node}: {what}": count
            for node, kinds in lost.items()
            if node != LISTENER  # what this command did not hear is no fault of the graph
            for what, count in kinds.items()
        },
        awake=observer.latest.state is None or observer.latest.state.state not in RESTING,
        processes=processes,
    )


def _processes(pid: int, messages: dict[str, int]) -> tuple[ProcessLook, ...]:
    """Each that runs; a container's are the messages of all nodes without a process."""
    names = family_of(pid)
    contained = sum(n for node, n in messages.items() if node not in names.values())
    found = []
    for number, name in names.items():
        try:
            sample = sample_of(number)
        except (FileNotFoundError, ProcessLookupError):
            continue  # It has ended.
        count = contained if name == CONTAINER else messages.get(name, 0)
        found.append(ProcessLook(name, number, sample, count))
    return tuple(found)
