"""The running graph of a home folder: found by other commands, and never more than one."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sage.graph.lock_file import hold
from sage_common.core.announcement import announced
from sage_common.core.diagnosis.ended import Ended, read_ended
from sage_common.core.errors import InvalidInput
from sage_common.core.home import make_private, replace_file
from sage_common.core.specs.modality import in_order, modalities

PARAMETERS = "parameters.json"
LAUNCHED = "launched"
"""Stands for profile and source of a graph that `sage run` did not start."""


@dataclass(frozen=True)
class RunningGraph:
    """What other commands need to reach a running graph.

    Attributes:
        topics: of the sensors of modalities that are not of SAGE's own sensors, full names.
        modalities: of the graph, in the order of lists; empty: not known.
        instances: those of them that are another instance of an installed one, as parameters say.
        warnings: what does not work as it was asked for, in words.
        ended: processes that are not back.
        use_sim_time: its time is that of /clock.
        home: its folder; empty: that of this process.
    """

    pid: int
    domain_id: int
    namespace: str
    profile: str
    source: str
    network: bool
    topics: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    ended: tuple[Ended, ...] = ()
    use_sim_time: bool = False
    home: str = ""


class GraphLock:
    """One graph a home folder: held while it runs, released by the kernel however it ends.

    Raises:
        InvalidInput: another graph runs in this home.
    """

    def __init__(self, home: Path, running: RunningGraph) -> None:
        folder = home / "run"
        make_private(folder)
        self._path = folder / "graph.json"
        lock = hold(folder / "graph.lock")
        if lock is None:
            other = running_graph(home)
            pid = other.pid if other else "unknown"
            raise InvalidInput(
                "home", str(home), f"a folder without a running graph (pid {pid}); --home DIR"
            )
        self._lock = lock
        self.write(running)

    def write(self, running: RunningGraph) -> None:
        """Write what other commands read of the graph.

        Raises:
            OSError: it cannot be written; what was written before stays.
        """
        replace_file(self._path, json.dumps(asdict(running)).encode())

    def write_parameters(self, parameters: Mapping[str, Mapping[str, Any]]) -> None:
        """Write what a report of a problem needs: with which parameters each node was started.

        Raises:
            OSError: it cannot be written.
        """
        replace_file(self._path.with_name(PARAMETERS), json.dumps(parameters).encode())

    def release(self) -> None:
        """Forget the graph and let another one start."""
        self._path.unlink(missing_ok=True)
        self._lock.close()


def running_graph(home: Path) -> RunningGraph | None:
    """The graph that runs in this home, whoever started it; None if none does."""
    found = _of_sage_run(home) or _of_launch(home)
    return None if found is None else replace(found, home=str(home))


def read_parameters(home: Path) -> dict[str, dict[str, Any]]:
    """With which parameters the nodes of the newest `sage run` in this home were started, by name.

    Raises:
        FileNotFoundError: there was none.
    """
    found: dict[str, dict[str, Any]] = json.loads((home / "run" / PARAMETERS).read_text())
    return found


def ended_processes(home: Path, running: RunningGraph | None) -> tuple[Ended, ...]:
    """Which of its processes are not back, as the `sage run` that runs in this home says."""
    written = _read(home) if running is not None and running.profile != LAUNCHED else None
    return written.ended if written is not None and running and written.pid == running.pid else ()


def _of_launch(home: Path) -> RunningGraph | None:
    """The graph whose processes have announced themselves."""
    for item in announced(home):
        return RunningGraph(
            item.pid,
            item.domain_id,
            item.namespace,
            LAUNCHED,
            LAUNCHED,
            item.network,
            topics=tuple(s.topic for s in in_order(modalities().specs) if s.on and s.topic),
            use_sim_time=item.use_sim_time,
        )
    return None


def _of_sage_run(home: Path) -> RunningGraph | None:
    lock_path = home / "run" / "graph.lock"
    try:
        with lock_path.open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return _read(home)
    return None


def _read(home: Path) -> RunningGraph | None:
    try:
        written = json.loads((home / "run" / "graph.json").read_text())
    except FileNotFoundError:  # it begins or ends
        return None
    ended = read_ended(written.get("ended", ()))
    names = ("topics", "modalities", "instances", "warnings")
    lists = {name: tuple(written.get(name, ())) for name in names}
    return RunningGraph(**{**written, **lists, "ended": ended})
