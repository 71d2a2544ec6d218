"""Tries one fault after another on a running graph, and notes what is seen of each."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sage.run.child import Child
from sage.run.session import Session
from sage_bench.faults.driver_node import DRIVER
from sage_bench.faults.expected import expected_hz
from sage_bench.faults.inflicting import Inflicted, left
from sage_bench.faults.injection import EVERYONE, Injection
from sage_bench.faults.kinds import (
    AHEAD,
    BEHIND,
    FAULTS,
    NAN,
    NOTHING,
    SEGMENT,
    SENSORS,
    SILENT,
    UNPLUGGED,
)
from sage_bench.faults.verdict import SHARE, WELL_S, Seen
from sage_bench.faults.watch import Watch
from sage_common.heartbeat import Phase

ALL = "all processes"
SETTLE_S, REFERENCE_S = 8.0, 10.0
HOLD_S = 6.0
EFFECT_S = 20.0
"""So long a fault is waited for to take effect: who floods has to be found first."""
BEFORE_S = 5.0
OVER_S = 4.0
"""Rates are those of so many seconds."""
PAUSE_S = 2.0
"""After a cell at whose end all were well; else there are `BEFORE_S` at least."""
PATIENCE_S = 180.0


@dataclass(frozen=True)
class Cell:
    """What is tried: a fault at a process, which runs nodes of these names."""

    fault: str
    process: str
    nodes: tuple[str, ...]


class Trials:
    """Carries them out beside a session that ends with the last; `tick` is its `on_tick`.

    Args:
        cells: in order.
        injection: loaded by the processes.
        feeds: as `expected_hz` takes it.

    Attributes:
        done: what was seen of each.
        reference: messages a second of each node, when nothing is wrong.
    """

    def __init__(
        self, cells: Sequence[Cell], injection: Injection, feeds: Mapping[str, Sequence[str]]
    ) -> None:
        self._cells, self._injection, self._feeds = list(cells), injection, feeds
        self.done: list[Seen] = []
        self.reference: dict[str, float] = {}
        self._levels: dict[str, int] = {}
        self._before: dict[str, float] = {}
        self._watch: Watch | None = None
        self._since_s = self._pause_s = 0.0
        self._refused: set[str] = set()
        self._seen: Seen | None = None
        self._inflicted: Inflicted | None = None
        self._segments: dict[int, set[str]] = {}
        self._pid = EVERYONE

    def look_for_segments(self) -> None:
        """Note which segments of processes that ended are still there."""
        for number, names in self._segments.items():
            self.done[number].left = left(names)

    def tick(self, session: Session) -> None:
        """Go on.

        Raises:
            TimeoutError: the graph does not come up.
        """
        now_s = time.monotonic()
        if self._watch is None:
            self._watch = Watch(session.observer, session.graph.options.namespace)
            self._since_s = now_s
        if not self.reference:
            self._refer(session, self._watch, now_s)
        elif self._seen is None:
            self._begin(session, self._watch, now_s)
        elif not self._seen.lifted_s:
            self._hold(session, self._watch, self._seen, now_s)
        else:
            self._recover(session, self._watch, self._seen, now_s)

    def _refer(self, session: Session, watch: Watch, now_s: float) -> None:
        """Measure how all is when nothing is wrong."""
        if not (session.elapsed_s > SETTLE_S and session.all_heard()):
            if now_s - self._since_s > PATIENCE_S:
                raise TimeoutError(f"not every node reports within {PATIENCE_S:g} s")
            return
        if session.elapsed_s < SETTLE_S + REFERENCE_S:
            return
        for node in (n.name for n in session.graph.nodes):
            self.reference[node] = watch.rate_hz(node, now_s - REFERENCE_S, now_s)
        self._levels = watch.levels(self.reference)

    def _begin(self, session: Session, watch: Watch, now_s: float) -> None:
        if not self._cells:
            session.stop()
            return
        waited_s = now_s - self._since_s
        if waited_s < self._pause_s or (session.ended and waited_s < PATIENCE_S):
            return
        unwell = watch.unwell(self._levels)
        if unwell and waited_s < WELL_S:
            return
        cell = self._cells[0]
        child = _child(session, cell.process)
        self._before = {
            node: min(hz, watch.rate_hz(node, now_s - BEFORE_S, now_s))
            for node, hz in self.reference.items()
        }
        self._pid = child.process.pid or EVERYONE if child else EVERYONE
        fault = FAULTS.get(cell.fault)
        ends_s = (fault.seen_s, fault.active_s) if fault else (0.0, 0.0)
        seen = Seen(cell.fault, cell.process, ends_s, begin_s=now_s, is_named=_is_named(cell))
        seen.unwell_before = unwell
        silent = (DRIVER, *cell.nodes) if _silences(cell) else (DRIVER,)
        seen.expected = expected_hz(self._before, self._feeds, silent)
        topics = [topic for node in cell.nodes for topic in watch.inputs(node)]
        self._inflicted = Inflicted(
            cell.fault, cell.process, self._pid, session.home, self._injection, topics,
            lambda: sum(
                watch.rejected(node, seen.begin_s, time.monotonic()) for node in cell.nodes
            ),
        )  # fmt: skip
        self._seen = seen

    def _hold(self, session: Session, watch: Watch, seen: Seen, now_s: float) -> None:
        assert self._inflicted is not None
        self._inflicted.look()
        self._note(session, watch, seen, now_s)
        held_s = now_s - seen.begin_s
        waits = seen.fault != NOTHING and not self._inflicted.effect
        if held_s < (EFFECT_S if waits else HOLD_S):
            return
        seen.during = {node: watch.rate_hz(node, seen.begin_s, now_s) for node in self.reference}
        self._inflicted.lift()
        seen.effect = self._inflicted.effect
        seen.lifted_s = now_s

    def _note(self, session: Session, watch: Watch, seen: Seen, now_s: float) -> None:
        """What happened since the last look."""
        fault, cell = FAULTS.get(seen.fault), self._cells[0]
        child = _child(session, seen.node)
        if fault is None:
            return
        if not seen.named_s:
            names = [*cell.nodes, cell.process]
            if cell.fault in (AHEAD, BEHIND) or cell.process in SENSORS:
                names += watch.readers(cell.nodes)  # they refuse what it sends
            seen.named_s = watch.named_s(names, fault.named, seen.begin_s)
        if child is None or not all(seen.ends_s):
            return
        has_ended = child.restart_at is not None or child.process.pid != self._pid
        if not seen.noticed_s and (child.hang or has_ended):
            seen.noticed_s = now_s
        back = child.process.pid not in (None, self._pid)
        if not seen.active_s and back and child.heartbeat.read().phase == Phase.RUNNING:
            seen.active_s = now_s

    def _recover(self, session: Session, watch: Watch, seen: Seen, now_s: float) -> None:
        self._note(session, watch, seen, now_s)
        if now_s - seen.lifted_s < OVER_S:
            return
        slow = watch.slow(self._before, SHARE, OVER_S)
        seen.unwell = {**slow, **watch.unwell(self._levels)}
        seen.unwell |= {ended.process: ended.message for ended in session.ended}
        if seen.unwell and now_s - seen.lifted_s < WELL_S:
            return
        seen.well_s = 0.0 if seen.unwell else now_s
        self._end(session, watch, seen)

    def _end(self, session: Session, watch: Watch, seen: Seen) -> None:
        cell = self._cells.pop(0)
        assert self._inflicted is not None
        if all(seen.ends_s):
            self._segments[len(self.done)] = self._inflicted.segments
        seen.lost = lost(session.home, watch.acknowledged)
        watch.acknowledged.difference_update(seen.lost)  # that is said once
        refused = {path.name for path in (session.home / "state").glob("*.refused")}
        seen.refused = tuple(sorted(refused - self._refused))
        self._refused |= refused
        if seen.fault == SEGMENT:
            seen.unreachable = any(not _is_heard(session, node) for node in cell.nodes[:1])
        if seen.unwell and (child := _child(session, cell.process)) and child.runs:
            os.kill(child.process.pid or 0, signal.SIGKILL)  # the next cell begins anew
        self.done.append(seen)
        self._seen = self._inflicted = None
        self._since_s = time.monotonic()
        self._pause_s = BEFORE_S if seen.unwell else PAUSE_S
        print(f"{seen.node}, {seen.fault}: {'; '.join(self.failures(seen)) or 'pass'}",
              file=sys.stderr, flush=True)  # fmt: skip

    def failures(self, seen: Seen) -> list[str]:
        """Of one cell, in words."""
        return seen.failures(control=seen.fault == NOTHING)


def _silences(cell: Cell) -> bool:
    """Whether the nodes at fault need not publish meanwhile: what they send, or get, is refused."""
    fault = FAULTS.get(cell.fault)
    if fault is None:
        return False
    is_clock = cell.fault in (AHEAD, BEHIND) and len(cell.nodes) == 1
    is_sensor = cell.fault == UNPLUGGED or (
        cell.fault == NAN and cell.process in ("microphone", "imu")
    )
    return fault.seen_s > 0.0 or is_clock or is_sensor


def _is_named(cell: Cell) -> bool:
    """Whether it must be named: not a clock that nobody can compare with another."""
    nobody = len(cell.nodes) > 1 or cell.process in SILENT
    return cell.fault != NOTHING and not (cell.fault in (AHEAD, BEHIND) and nobody)


def _child(session: Session, name: str) -> Child | None:
    return next((child for child in session.supervisor.children if child.name == name), None)


def _is_heard(session: Session, node: str) -> bool:
    """Whether a program that comes now hears a node."""
    command = [sys.executable, "-m", "sage_bench.faults.listener", session.graph.options.namespace]
    return subprocess.run([*command, node], check=False).returncode == 0


def lost(home: Path, acknowledged: set[str]) -> tuple[str, ...]:
    """Of these ids, those that the store in `home` has not."""
    path = home / "memory.db"
    if not acknowledged or not path.is_file():
        return tuple(sorted(acknowledged))
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT lower(hex(id)) FROM experiences")
        stored = {row[0] for row in rows}
    return tuple(sorted(i for i in acknowledged if i.replace("-", "") not in stored))
