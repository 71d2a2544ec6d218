"""How each fault is inflicted on a process and taken back, and whether it has taken effect."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

from sage.run.process_state import process_state
from sage.run.transport_files import FOLDER
from sage_bench.faults import doubles, kinds
from sage_bench.faults.driver_node import flood_order
from sage_bench.faults.injection import Injected, Injection

_LOCK = re.compile(r"((?:fastrtps|fastdds)_[0-9a-f]{16})_el")
_INJECTED = {
    kinds.SLOW: (Injected.SLOW_DISK, kinds.SLOW_CALL_US),
    kinds.FULL: (Injected.FULL_DISK, 0),
    kinds.AHEAD: (Injected.CLOCK, kinds.HOUR_S),
    kinds.BEHIND: (Injected.CLOCK, -kinds.HOUR_S),
}


class Inflicted:
    """A fault from now on, until `lift`.

    Args:
        fault: its name.
        node: name of the process.
        pid: of the process; `EVERYONE`: of all.
        home: of the graph.
        injection: loaded by its processes.
        topics: that the node listens to, without the namespace.
        flooded: how many messages of nonsense were sent so far.
    """

    def __init__(
        self, fault: str, node: str, pid: int, home: Path, injection: Injection,
        topics: list[str], flooded: Callable[[], int],
    ) -> None:  # fmt: skip
        self._fault, self._node, self._pid, self._home = fault, node, pid, home
        self._injection, self._flooded = injection, flooded
        self._count = 0
        self._flooded_before = flooded()
        self.segments = set(segments_of(pid)) if pid > 0 else set()
        self._begin(topics)

    def _begin(self, topics: list[str]) -> None:
        told = doubles.order(self._home, self._node)
        if self._fault == kinds.KILL:
            os.kill(self._pid, signal.SIGKILL)
        elif self._fault == kinds.STOP:
            os.kill(self._pid, signal.SIGSTOP)
        elif self._fault in _INJECTED:
            self._injection.inflict(self._pid, *_INJECTED[self._fault])
        elif self._fault == kinds.UNPLUGGED:
            told.write_text(doubles.UNPLUGGED)
        elif self._fault == kinds.NAN and self._node in kinds.SENSORS:
            told.write_text(doubles.NAN)
        elif self._fault == kinds.NAN:
            flood_order(self._home).write_text(json.dumps(topics))
        elif self._fault == kinds.SEGMENT:
            self._count = remove(self.segments)

    def look(self) -> None:
        """See whether it has taken effect; called again and again."""
        state = process_state(self._pid) if self._pid > 0 else None
        if self._fault == kinds.KILL:
            self._count |= state is None or self._is_gone(state.threads)
        elif self._fault == kinds.STOP:
            self._count |= state is not None and state.stopped
        elif self._fault in _INJECTED:
            self._count = max(self._count, self._injection.effects)
        elif self._fault in (kinds.UNPLUGGED, kinds.NAN):
            self._count = max(self._count, self._flooded() - self._flooded_before)
            self._count += doubles.felt(self._home, self._node).exists()

    def _is_gone(self, threads: dict[int, str]) -> bool:
        return set(threads.values()) <= {"Z", "X"}

    @property
    def effect(self) -> int:
        """How often it took effect, as far as that can be counted."""
        return self._count

    def lift(self) -> None:
        """Take it back; a process that it ended is its supervisor's business."""
        self.look()
        self._injection.lift()
        for path in (
            doubles.order(self._home, self._node), doubles.felt(self._home, self._node),
            flood_order(self._home),
        ):  # fmt: skip
            path.unlink(missing_ok=True)


def segments_of(pid: int) -> Iterator[str]:
    """Names of the segments of Fast DDS that a process has made: it holds their locks."""
    folder = Path(f"/proc/{pid}/fd")
    for descriptor in folder.iterdir():
        try:
            match = _LOCK.fullmatch(Path(os.readlink(descriptor)).name)
        except OSError:  # it was closed meanwhile
            continue
        if match:
            yield match[1]


def left(names: set[str], folder: Path = FOLDER) -> tuple[str, ...]:
    """Which of the segments are still there."""
    return tuple(sorted(name for name in names if (folder / name).exists()))


def remove(names: set[str], folder: Path = FOLDER) -> int:
    """Remove segments with their locks; how many files there were."""
    pairs = [(folder / name, folder / f"{name}_el") for name in names]
    found = [path for pair in pairs for path in pair if path.exists()]
    for path in found:
        path.unlink()
    return len(found)
