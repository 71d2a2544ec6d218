"""Rows of the hand-over in Python, each beside the other transports in the same run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from sage.graph.environment import DomainLease
from sage_bench.encoders.section import Figures, Setting
from sage_bench.mailbox.rows import MEDIAN_GOAL_US, WORD, times_rows
from sage_bench.mailbox.sizes import FLAT_GOAL, FRAME_BYTES, MIB, PERIOD_US, SIZES, text_of
from sage_bench.mailbox.transports.exchange import Exchange, Found, measure, transports
from sage_bench.mailbox.transports.transport import Transport
from sage_bench.result import Row, row_of_samples

CPU_GOAL = 2.0
THREADED_SIZES = (64, MIB, 8 * MIB)
COUNT, COUNT_QUICK = 1200, 50
WAYS_COUNT, WAYS_COUNT_QUICK = 500, 50
FRAME_RATE_HZ, FRAMES, FRAMES_QUICK = 30.0, 150, 15
SLOW_SHARE = 6
"""A transport that is asked for fewer payloads a second gets so many times fewer in all."""
RANKS = (50, 90, 99)
PERIOD_S = PERIOD_US / 1e6
NOTE = (
    "rclpy is measured in its default executor, its processes keep to no core since Fast DDS has "
    "threads of its own, and from 1 MB on it is given 60 payloads a second, all that it can take"
)
WAYS = {
    "a polling process, sender asleep between": Exchange(MIB, 0, PERIOD_S, busy_sender=False),
    "a sleeping process": Exchange(MIB, 0, PERIOD_S, polling=False),
    "a sleeping process, sender asleep between": Exchange(
        MIB, 0, PERIOD_S, polling=False, busy_sender=False
    ),
    "3 polling processes": Exchange(MIB, 0, PERIOD_S, 3, busy_sender=False),
    "3 sleeping processes": Exchange(MIB, 0, PERIOD_S, 3, polling=False, busy_sender=False),
    "the sender's own thread": Exchange(MIB, 0, PERIOD_S, 0),
}


@dataclass
class Stage:
    """Where exchanges are measured, and what was lost so far, by transport."""

    domain_id: int
    folder: Path
    lost: dict[str, int] = field(default_factory=dict)

    def measure(self, what: Exchange) -> dict[str, Found]:
        """What each transport that can do it did; SAGE first.

        Raises:
            RuntimeError: nothing came by SAGE, or by the word that it is held against.
        """
        found = {}
        for name, transport in transports().items():
            if _is_left_out(transport, what):
                continue
            one = measure(transport, _as_often_as(transport, what), self.domain_id, self.folder)
            self.lost[name] = self.lost.get(name, 0) + one.lost
            if one.latencies_us:
                found[name] = one
            elif name in ("SAGE", WORD):
                lost = f"nothing came of {what.count} by {name}"
                raise RuntimeError(f"{lost}: is the machine very busy?")
        return found

    def note(self) -> str:
        """What was lost."""
        lost = ", ".join(f"{name} {count}" for name, count in self.lost.items())
        return f"payloads that did not come, in all of these together: {lost}"


def size_rows(setting: Setting) -> Figures:
    """To a polling process, by size."""
    count = COUNT_QUICK if setting.quick else COUNT
    rows: list[Row] = []
    ours: dict[int, Found] = {}
    with stage() as place:
        for size in (64, 8 * MIB) if setting.quick else SIZES:
            found = place.measure(Exchange(size, count, PERIOD_S))
            ours[size] = found["SAGE"]
            head = f"{text_of(size)}, to a polling process"
            rows += [*_latency_rows(head, found, MEDIAN_GOAL_US), *_tail_rows(head, found)]
    medians = [float(np.median(one.latencies_us)) for one in ours.values()]
    name = "hand-over in Python, p50 of the slowest size to that of the fastest"
    rows.append(Row(name, max(medians) / min(medians), "", FLAT_GOAL, samples=count))
    for size, one in ours.items():
        rows.append(row_of_samples(f"filling {text_of(size)} in Python", one.filling_us, "us"))
    return Figures(tuple(rows), (NOTE, place.note()))


def way_rows(setting: Setting) -> Figures:
    """1 MB in other ways: asleep, to three readers, in one thread."""
    count = WAYS_COUNT_QUICK if setting.quick else WAYS_COUNT
    rows: list[Row] = []
    with stage() as place:
        for who, way in WAYS.items():
            if setting.quick and way.receivers == 3:
                continue
            found = place.measure(replace(way, count=count))
            rows += _latency_rows(f"1 MB, to {who}", found, None)
    return Figures(tuple(rows), (place.note(),))


def frame_rows(setting: Setting) -> Figures:
    """What handing over 1080p frames at 30 Hz takes of a core, filling left out."""
    count = FRAMES_QUICK if setting.quick else FRAMES
    what = Exchange(
        FRAME_BYTES, count, 1 / FRAME_RATE_HZ, polling=False, busy_sender=False
    )  # fmt: skip
    with stage() as place:
        found = place.measure(what)
    shares = {name: 100 * (one.sender_cpu + one.receiver_cpu) for name, one in found.items()}
    row = Row(
        "CPU of both sides, 1080p frames at 30 Hz, Python, without filling them",
        shares.pop("SAGE"), "% of a core", CPU_GOAL, baselines=shares, samples=count,
    )  # fmt: skip
    rows = [row, *_latency_rows("a 1080p frame at 30 Hz, to a sleeping process", found, None)]
    return Figures(tuple(rows), (place.note(),))


@contextmanager
def stage() -> Iterator[Stage]:
    """A ROS domain and a folder for as long as it lasts."""
    lease = DomainLease()
    with tempfile.TemporaryDirectory(prefix="sage_bench_") as folder:
        yield Stage(lease.domain_id, Path(folder))
    lease.release()


def _is_left_out(transport: Transport, what: Exchange) -> bool:
    if not what.polling and not transport.can_sleep:
        return True
    if not transport.has_threads:
        return False
    # A busy sender takes the core that the transport's own threads want.
    is_by_size = what.polling and what.busy_sender and what.receivers == 1
    is_busy_elsewhere = what.busy_sender and not what.polling
    return is_busy_elsewhere or (is_by_size and what.payload_bytes not in THREADED_SIZES)


def _as_often_as(transport: Transport, what: Exchange) -> Exchange:
    """The exchange, as often as the transport can take it."""
    if what.payload_bytes < MIB or 1 / what.period_s <= transport.most_hz:
        return what
    return replace(what, count=what.count // SLOW_SHARE, period_s=1 / transport.most_hz)


def _tail_rows(head: str, found: dict[str, Found]) -> list[Row]:
    """Times the word's, and the tail without the scheduler's: absent without samples of it."""
    name = f"hand-over in Python, {head}"
    rows = times_rows(name, *(_p50_p99(found[who].latencies_us) for who in ("SAGE", WORD)))
    kept = {who: _p50_p99(one.on_core_us) for who, one in found.items() if one.on_core_us}
    if "SAGE" not in kept:
        return rows
    on_core, ours = f"{name}, receiver on its core", kept.pop("SAGE")
    beside = {who: one["p99"] for who, one in kept.items()}
    samples = len(found["SAGE"].on_core_us)
    rows.append(Row(f"{on_core}, p99", ours["p99"], "us", baselines=beside, samples=samples))
    if WORD in kept:
        rows += times_rows(on_core, ours, kept[WORD])
    return rows


def _p50_p99(latencies_us: list[float]) -> dict[str, float]:
    return {f"p{rank}": float(np.percentile(latencies_us, rank)) for rank in (50, 99)}


def _latency_rows(head: str, found: dict[str, Found], goal: float | None) -> list[Row]:
    rows = []
    for rank in RANKS:
        beside = {
            name: float(np.percentile(one.latencies_us, rank))
            for name, one in found.items()
            if name != "SAGE"
        }
        name = f"hand-over in Python, {head}, p{rank}"
        target = goal if rank == RANKS[0] else None
        rows.append(
            row_of_samples(
                name, found["SAGE"].latencies_us, "us", goal=target, rank=rank, baselines=beside
            )
        )
    return rows
