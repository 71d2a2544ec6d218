"""Rows of the mailboxes, each beside the other transports in the same run."""

from __future__ import annotations

from collections.abc import Mapping

from sage_bench.encoders.section import Figures, Setting
from sage_bench.mailbox import native
from sage_bench.mailbox.native import NativeExchange, NativeFound
from sage_bench.mailbox.sizes import FLAT_GOAL, MIB, PERIOD_US, SIZES, text_of
from sage_bench.result import Row

MEDIAN_GOAL_US = 2.0
TIMES_GOAL = 3.0
"""So many times what a bare word in shared memory takes, in the same run; p50 and p99."""
RECORDS_GOAL = 5e6
REFERENCE_TIMES = 10
REFERENCE = {"push": 32.1e3, "pop": 247e3}
REFERENCE_TENSORS = {"push": 118e3, "pop": 6.46e3}
COUNT, COUNT_QUICK = 2000, 400
WAYS_COUNT, WAYS_COUNT_QUICK = 600, 200
RATE_COUNT, RATE_COUNT_QUICK = 2_000_000, 200_000
RANKS = (50, 90, 99)
WORD, QUEUE = "shared word (no payload)", "bare queue"
CONTROLS = {WORD: "word", QUEUE: "queue"}
CAUSES = {
    "a side was off its core": ("late_reader_off", "late_writer_off", "late_behind"),
    "a side was interrupted or slow": ("late_reader_on", "late_writer_on"),
    "none of these": ("late_unexplained",),
}
NOTE = (
    "hand-over: from just before the writer commits (publish, send) to when the reader has the "
    "view and has looked at its first and last byte. Filling the payload is the writer's own work, "
    "done just before, and has rows of its own. 500 hand-overs a second at every size, so that all "
    "find caches equally cold; the writer polls the clock between them, unless it is said to "
    "sleep. Writer and a single reader keep to a core each."
)
WORD_NOTE = (
    "shared word: the same loop over one atomic word in shared memory (C++: and a futex, where "
    "readers sleep), in turns with the mailbox; bare queue: the word and four bare slots, of which "
    "the same bytes are filled, taken in order and looked at, without a protocol. What of a "
    "figure, and of its tail, the machine itself takes, whatever the transport"
)
CAUSES_NOTE = (
    "late: 10 us or more. Both sides watch the turns of their own loops: where two lie 5 us or "
    "more apart, the thread's CPU time tells whether it was off its core (the scheduler, the "
    "hypervisor) or on it (an interrupt, its own code). 'on their cores': hand-overs that met "
    "neither side off its core, and were not queued behind one that did"
)
READERS_NOTE = (
    "a polling reader takes a core: with three of them and a writer on fewer than four cores, the "
    "scheduler's turns are in the figures of every transport"
)
WAYS = {
    "a polling process, writer asleep between": NativeExchange(
        MIB, 0, PERIOD_US, busy_writer=False
    ),
    "a sleeping process": NativeExchange(MIB, 0, PERIOD_US, polling=False),
    "a sleeping process, writer asleep between": NativeExchange(
        MIB, 0, PERIOD_US, polling=False, busy_writer=False
    ),
    "3 polling processes": NativeExchange(MIB, 0, PERIOD_US, readers=3, busy_writer=False),
    "3 sleeping processes": NativeExchange(
        MIB, 0, PERIOD_US, readers=3, polling=False, busy_writer=False
    ),
    "a polling thread": NativeExchange(MIB, 0, PERIOD_US, across_processes=False),
    "a sleeping thread": NativeExchange(
        MIB, 0, PERIOD_US, across_processes=False, polling=False
    ),
    "3 sleeping threads": NativeExchange(
        MIB, 0, PERIOD_US, 3, across_processes=False, polling=False, busy_writer=False
    ),
}  # fmt: skip


def record_rows(setting: Setting) -> Figures:
    """Records and tensors per second on one core, in C++, and how many times the reference's."""
    count = RATE_COUNT_QUICK if setting.quick else RATE_COUNT
    found = native.rates("records", count)
    rows = [
        Row("records pushed and popped, one core", found["push and pop"], "1/s", RECORDS_GOAL,
            "higher", samples=count)
    ]  # fmt: skip
    rows += _beside_reference("records", found, REFERENCE, count)
    found = native.rates("tensors", count // 10)
    rows += _beside_reference("tensors", found, REFERENCE_TENSORS, count // 10)
    return Figures(tuple(rows))


def native_rows(setting: Setting) -> Figures:
    """Hand-over in C++ to a polling process, by size."""
    count = COUNT_QUICK if setting.quick else COUNT
    rows: list[Row] = []
    found = {
        size: native.hand_over(NativeExchange(size, count, PERIOD_US))
        for size in ((64, 8 * MIB) if setting.quick else SIZES)
    }
    for size, one in found.items():
        head = f"hand-over in C++, {text_of(size)}, to a polling process"
        rows += _latency_rows(head, one, MEDIAN_GOAL_US)
        rows += times_rows(head, one.tensor, one.word)
        rows += _tail_rows(head, one)
    medians = [one.tensor["p50"] for one in found.values()]
    rows += [
        Row("hand-over in C++, p50 of the slowest size to that of the fastest",
            max(medians) / min(medians), "", FLAT_GOAL, samples=count),
        *(Row(f"filling {text_of(size)} in C++, p50", one.tensor["filling_p50"], "us",
              samples=count) for size, one in found.items()),
    ]  # fmt: skip
    return Figures(tuple(rows), (NOTE, WORD_NOTE, CAUSES_NOTE))


def native_way_rows(setting: Setting) -> Figures:
    """Hand-over in C++ of 1 MB in other ways: asleep, to three readers, between threads."""
    count = WAYS_COUNT_QUICK if setting.quick else WAYS_COUNT
    rows: list[Row] = []
    for who, way in WAYS.items():
        found = native.hand_over(NativeExchange(**{**vars(way), "count": count}))
        rows += _latency_rows(f"hand-over in C++, 1 MB, to {who}", found, None)
        if not (way.polling or way.busy_writer):
            cpu = 100 * _cpu(found.tensor, way.readers)
            beside = {WORD: 100 * _cpu(found.word, way.readers)}
            name = f"CPU of all sides in C++, 500 a second, to {who}"
            rows.append(Row(name, cpu, "% of a core", baselines=beside, samples=count))
    return Figures(tuple(rows), (READERS_NOTE,))


def times_rows(head: str, ours: Mapping[str, float], word: Mapping[str, float]) -> list[Row]:
    """How many times the shared word's our p50 and p99 are.

    Args:
        head: what was measured.
        ours, word: figures by name, `p50` and `p99` among them [us].
    """
    return [
        Row(f"{head}, {rank}, times the shared word's", ours[rank] / word[rank], "", TIMES_GOAL)
        for rank in ("p50", "p99")
    ]


def _beside_reference(
    what: str, found: dict[str, float], reference: dict[str, float], count: int
) -> list[Row]:
    """The rates, and how many times the reference's they are, as those were measured elsewhere."""
    rows = []
    for name, theirs in reference.items():
        rows += [
            Row(f"{what}, {name}", found[name], "1/s", None, "higher", samples=count),
            Row(f"{what}, {name}, times the reference's {theirs:,.0f}/s", found[name] / theirs, "",
                REFERENCE_TIMES, "higher", samples=count),
        ]  # fmt: skip
    return rows


def _latency_rows(head: str, found: NativeFound, goal: float | None) -> list[Row]:
    tensor = found.tensor
    return [
        Row(f"{head}, p{rank}", tensor[f"p{rank}"], "us", goal if rank == RANKS[0] else None,
            baselines={name: getattr(found, via)[f"p{rank}"] for name, via in CONTROLS.items()},
            samples=int(tensor["samples"]), p50=tensor["p50"], p95=tensor["p95"], p99=tensor["p99"])
        for rank in RANKS
    ]  # fmt: skip


def _tail_rows(head: str, found: NativeFound) -> list[Row]:
    """What the tail is made of; the figures on cores are absent where none met both there."""
    vias = {"mailbox": found.tensor, **{k: getattr(found, v) for k, v in CONTROLS.items()}}
    rows = [
        _row_beside(f"{head}, late as {what}", {
            name: 100 * sum(one[key] for key in keys) / one["samples"]
            for name, one in vias.items()
        }, "%")
        for what, keys in CAUSES.items()
    ]  # fmt: skip
    kept = {
        name: {rank: one[f"on_core_{rank}"] for rank in ("p50", "p99")}
        for name, one in vias.items()
        if "on_core_p99" in one
    }
    if "mailbox" in kept:
        on_cores = f"{head}, both sides on their cores"
        p99 = {name: one["p99"] for name, one in kept.items()}
        rows.append(_row_beside(f"{on_cores}, p99", p99, "us"))
        if WORD in kept:
            rows += times_rows(on_cores, kept["mailbox"], kept[WORD])
    return rows


def _row_beside(name: str, values: dict[str, float], unit: str) -> Row:
    beside = {other: value for other, value in values.items() if other != "mailbox"}
    return Row(name, values["mailbox"], unit, baselines=beside)


def _cpu(found: object, readers: int) -> float:
    """Shares of a core of the writer (its filling of 1 MB included) and all readers."""
    assert isinstance(found, dict)
    return float(found["writer_cpu_share"] + readers * found["reader_cpu_share"])
