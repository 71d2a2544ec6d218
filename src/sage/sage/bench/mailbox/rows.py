"""Rows of the mailboxes, each beside the other transports in the same run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from sage.bench.encoders.section import Figures, Setting
from sage.bench.mailbox import native
from sage.bench.mailbox.exchange import Exchange, Found, measure, transports
from sage.bench.result import Row, row_of_samples
from sage.graph.environment import DomainLease

KIB, MIB = 1 << 10, 1 << 20
SIZES = (64, 4 * KIB, 64 * KIB, MIB, 8 * MIB)
RCLPY_SIZES = (64, MIB, 8 * MIB)
READERS = (1, 3)
GOAL_NATIVE_US, GOAL_PYTHON_US, GOAL_FLAT = 10.0, 50.0, 1.5
RECORDS_GOAL = 5e6
REFERENCE_TIMES_TEN = {"push": 321e3, "pop": 2.47e6}
REFERENCE_TENSORS_TIMES_TEN = {"push": 1.18e6, "pop": 64.6e3}
PERIOD_US, LARGE_PERIOD_S = 500, 1 / 60
COUNT, COUNT_QUICK = 4000, 400
PYTHON_COUNT, PYTHON_COUNT_QUICK = 1000, 100
RATE_COUNT, RATE_COUNT_QUICK = 2_000_000, 200_000
NOTE = (
    "hand-over: from just before sending to just after the reader looked at the first and the last "
    "byte; the payload is in the slot (or the message) already, so that filling it is counted for "
    "nobody, and rclpy's message is made once. A polling reader takes a core: with three of them "
    "and a writer on two cores, the scheduler's turns are in the tail of every transport."
)


def record_rows(setting: Setting) -> Figures:
    """Records and tensors per second on one core, in C++."""
    count = RATE_COUNT_QUICK if setting.quick else RATE_COUNT
    found = native.rates("records", count)
    rows = [
        Row("records pushed and popped, one core", found["push and pop"], "1/s", RECORDS_GOAL,
            "higher", samples=count),
        *(Row(f"records, {name}", found[name], "1/s", goal, "higher", samples=count)
          for name, goal in REFERENCE_TIMES_TEN.items()),
    ]  # fmt: skip
    found = native.rates("tensors", count // 10)
    rows += [
        Row(f"tensors, {name}", found[name], "1/s", goal, "higher", samples=count // 10)
        for name, goal in REFERENCE_TENSORS_TIMES_TEN.items()
    ]
    return Figures(tuple(rows))


def native_rows(setting: Setting) -> Figures:
    """Hand-over in C++: sizes, one and three readers, processes and threads, polling and asleep."""
    count = COUNT_QUICK if setting.quick else COUNT
    rows: list[Row] = []
    polled: dict[int, float] = {}
    for size in SIZES:
        found = native.hand_over(native.NativeExchange(size, 1, count, PERIOD_US, True, True))
        polled[size] = found["p50"]
        name = f"hand-over in C++, {_text(size)}, to a polling process, p99"
        rows.append(_native_row(name, found, GOAL_NATIVE_US))
    name = "hand-over in C++: the slowest size to the fastest, p50"
    flat = max(polled.values()) / min(polled.values())
    rows.append(Row(name, flat, "", GOAL_FLAT, samples=count))
    for across, polling, readers in (
        (True, False, 1),
        (True, True, 3),
        (True, False, 3),
        (False, True, 1),
        (False, False, 1),
    ):
        what = native.NativeExchange(MIB, readers, count, PERIOD_US, across, polling)
        side = ("process" if across else "thread") + ("" if readers == 1 else "es")
        who = f"{readers if readers > 1 else 'a'} {'polling' if polling else 'sleeping'} {side}"
        name = f"hand-over in C++, 1 MB, to {who}, p99"
        rows.append(_native_row(name, native.hand_over(what), None))
    return Figures(tuple(rows), (NOTE,))


def python_rows(setting: Setting) -> Figures:
    """Hand-over in Python across processes, polling and asleep, beside the other transports."""
    count = PYTHON_COUNT_QUICK if setting.quick else PYTHON_COUNT
    rows: list[Row] = []
    lost: dict[str, int] = {}
    lease = DomainLease()
    with tempfile.TemporaryDirectory(prefix="sage_bench_") as folder:
        for size in (64, 8 * MIB) if setting.quick else SIZES:
            for polling, readers in ((True, 1), (False, 1)) if size != MIB else _ALL_WAYS:
                what = Exchange(size, count, _period_s(size), readers, polling)
                found = dict(_of_all(what, lease.domain_id, Path(folder)))
                for name, one in found.items():
                    lost[name] = lost.get(name, 0) + one.lost
                rows += _python_rows(what, found)
    lease.release()
    beside = ", ".join(f"{name} {count}" for name, count in lost.items())
    return Figures(tuple(rows), (f"payloads that did not come, in all sizes together: {beside}",))


_ALL_WAYS = tuple((polling, readers) for readers in READERS for polling in (True, False))


def _of_all(what: Exchange, domain_id: int, folder: Path) -> Iterable[tuple[str, Found]]:
    for name, transport in transports().items():
        is_rclpy = name.startswith("rclpy")
        if is_rclpy and what.payload_bytes not in RCLPY_SIZES:
            continue
        found = measure(transport, what, domain_id, folder)
        if found.latencies_us:
            yield name, found


def _python_rows(what: Exchange, found: dict[str, Found]) -> list[Row]:
    ours = found.pop("SAGE")
    who = f"{what.receivers} readers" if what.receivers > 1 else "a reader"
    way = "polling" if what.polling else "sleeping"
    head = f"{_text(what.payload_bytes)}, to {who}, {way}"
    goal = GOAL_PYTHON_US if what.polling and what.receivers == 1 else None
    rows = []
    for rank, target in ((50, None), (99, goal)):
        beside = {
            name: row_of_samples(name, one.latencies_us, "us", rank=rank).value
            for name, one in found.items()
        }
        name = f"hand-over in Python, {head}, p{rank}"
        rows.append(
            row_of_samples(name, ours.latencies_us, "us", goal=target, rank=rank, baselines=beside)
        )
    if what.payload_bytes == 8 * MIB and not what.polling:
        cpu = {name: 100 * (one.sender_cpu + one.receiver_cpu) for name, one in found.items()}
        value = 100 * (ours.sender_cpu + ours.receiver_cpu)
        name = f"CPU of both sides, {head}, {1 / what.period_s:.0f} a second"
        rows.append(Row(name, value, "% of a core", None, baselines=cpu, samples=what.count))
    return rows


def _native_row(name: str, found: dict[str, float], goal: float | None) -> Row:
    return Row(
        name, found["p99"], "us", goal, samples=int(found["samples"]), p50=found["p50"],
        p95=found["p95"], p99=found["p99"],
    )  # fmt: skip


def _period_s(payload_bytes: int) -> float:
    return LARGE_PERIOD_S if payload_bytes >= MIB else PERIOD_US / 1e6


def _text(payload_bytes: int) -> str:
    for unit, size in (("MB", MIB), ("kB", KIB)):
        if payload_bytes >= size:
            return f"{payload_bytes // size} {unit}"
    return f"{payload_bytes} B"
