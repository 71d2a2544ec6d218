"""What a soak shows: each figure of each process beside its limit."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sage.soak.budgets import CPU, MEMORY, MESSAGES, UNITS, least_messages, most_allowed
from sage.soak.sample import Sample
from sage.soak.samples_file import Look, ProcessLook
from sage.soak.slope import FEWEST, slope_of

HOST = "host"
"""Stands for a process where a figure is of the whole graph, or of its machine."""
Figure = tuple[Callable[[Sample], float], str, float | None]
PROCESS_GROWTH: Mapping[str, Figure] = {
    "anonymous memory growth": (lambda sample: sample.anonymous_mb, "MB/h", 1.0),
    "PSS growth": (lambda sample: sample.pss_mb, "MB/h", None),
    "threads growth": (lambda sample: sample.threads, "1/h", 1.0),
    "descriptors growth": (lambda sample: sample.descriptors, "1/h", 1.0),
}
"""What of a sample, its unit, and the most in an hour; None: shared pages are of others, too."""
HOST_GROWTH: Mapping[str, tuple[Callable[[Look], float], float | None]] = {
    "/dev/shm of the graph growth": (lambda look: look.graph_shared_mb, 1.0),
    "/dev/shm growth": (lambda look: look.host_shared_mb, None),
    "free disk growth": (lambda look: look.free_mb, None),
}
"""What of a look [MB], and the most in an hour; None: other programs have a part in it."""
JUDGED_S, STEP = 1800.0, 2.0
"""Of a shorter soak growth is judged only beyond such a rise, in MB, threads or descriptors."""
Row = tuple[float, ProcessLook]


@dataclass(frozen=True)
class Check:
    """One figure.

    Attributes:
        process: its process, or `HOST`.
        what: the figure, such as "CPU".
        value: what was measured.
        unit: of it.
        limit: what it is held to; None: to nothing.
        is_least: the limit is the least, not the most.
        low, high: ends of the interval that holds a growth with 95 %; None: it is no growth.
        is_met: whether it holds the limit; True without one.
    """

    process: str
    what: str
    value: float
    unit: str
    limit: float | None = None
    is_least: bool = False
    low: float | None = None
    high: float | None = None
    is_met: bool = True

    @property
    def is_unclear(self) -> bool:
        """Whether a growth is above the limit, and not for certain."""
        if self.low is None or self.limit is None:
            return False
        return self.is_met and self.value > self.limit

    @property
    def words(self) -> str:
        """The figure and its limit, in a line."""
        interval = "" if self.low is None else f" ({self.low:.2f} to {self.high:.2f})"
        bound = "at least" if self.is_least else "at most"
        held = "" if self.limit is None else f": expected {bound} {self.limit:.3g}"
        return f"{self.process}: {self.what} {self.value:.3g} {self.unit}{interval}{held}"


@dataclass(frozen=True)
class Verdict:
    """Of a whole soak.

    Attributes:
        checks: every figure.
        failures: what is wrong, in words; empty: nothing.
        seen_s: how long was seen after the warm-up [s].
    """

    checks: tuple[Check, ...]
    failures: tuple[str, ...]
    seen_s: float = 0.0

    @property
    def unclear(self) -> tuple[str, ...]:
        """Growth above its limit that may be chance, in words."""
        return tuple(check.words for check in self.checks if check.is_unclear)

    def taken(self) -> dict[str, dict[str, float]]:
        """What each process took, as files of budgets have it."""
        found: dict[str, dict[str, float]] = defaultdict(dict)
        for check in self.checks:
            if check.what in UNITS:
                found[check.process][check.what] = check.value
        return dict(found)


def verdict_of(
    looks: Sequence[Look], budgets: Mapping[str, Mapping[str, float]], warm_up_s: float
) -> Verdict:
    """Hold what was seen after the warm-up to the budgets and to the limits of growth."""
    settled = [look for look in looks if look.time_s >= warm_up_s]
    if len(settled) < 2:
        failure = f"{len(settled)} looks after the warm-up of {warm_up_s:g} s: expected at least 2"
        return Verdict((), (failure,))
    seen_s = settled[-1].time_s - settled[0].time_s
    processes = _by_name(settled)
    awake = list(_awake(settled))
    checks = [
        *(c for name, rows in processes.items() for c in _use(name, rows, seen_s, budgets)),
        *(c for name in processes for c in _messages(name, awake, budgets.get(name, {}))),
        *(c for name, rows in processes.items() for c in process_growth(name, rows, seen_s)),
        *_host_growth(settled, seen_s),
        *_dropped(settled),
    ]
    failures = [
        *_without_budget(processes, budgets),
        *_ended(looks),
        *(check.words for check in checks if not check.is_met),
    ]
    return Verdict(tuple(checks), tuple(failures), seen_s)


def _by_name(looks: Sequence[Look]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for look in looks:
        for item in look.processes:
            found[item.name].append((look.time_s, item))
    return dict(sorted(found.items()))


def _use(
    name: str, rows: Sequence[Row], seen_s: float, budgets: Mapping[str, Mapping[str, float]]
) -> Iterator[Check]:
    recorded = budgets.get(name, {})
    cpu_s = _increase([(item.pid, item.sample.cpu_s) for _, item in rows])
    yield _held(name, CPU, 100.0 * cpu_s / seen_s, recorded)
    yield _held(name, MEMORY, max(item.sample.pss_mb for _, item in rows), recorded)


def _awake(looks: Sequence[Look]) -> Iterator[tuple[Look, Look]]:
    """Neighbouring looks between which the robot was awake: at rest its nodes publish less."""
    return ((a, b) for a, b in itertools.pairwise(looks) if a.awake and b.awake)


def _messages(
    name: str, awake: Sequence[tuple[Look, Look]], recorded: Mapping[str, float]
) -> Iterator[Check]:
    """Of all processes of that name; none if the robot was never awake."""
    seconds = sum(after.time_s - before.time_s for before, after in awake)
    if seconds > 0.0:
        pairs = ((_counts(before, name), _counts(after, name)) for before, after in awake)
        count = sum(max(n - b.get(pid, 0), 0) for b, a in pairs for pid, n in a.items())
        yield _held(name, MESSAGES, count / seconds, recorded)


def _counts(look: Look, name: str) -> dict[int, int]:
    return {item.pid: item.messages for item in look.processes if item.name == name}


def _increase(counts: Sequence[tuple[int, float]]) -> float:
    """By how much a count of a process and its successors went up; each begins at 0."""
    total, before = 0.0, dict(counts[:1])
    for pid, count in counts:
        total += max(count - before.get(pid, 0.0), 0.0)
        before[pid] = count
    return total


def _held(process: str, kind: str, value: float, recorded: Mapping[str, float]) -> Check:
    usual = recorded.get(kind)
    if usual is None:
        return Check(process, kind, value, UNITS[kind])
    if kind == MESSAGES:
        least = least_messages(usual)
        return Check(process, kind, value, UNITS[kind], least, True, is_met=value >= least)
    most = most_allowed(usual)
    return Check(process, kind, value, UNITS[kind], most, is_met=value <= most)


def process_growth(name: str, rows: Sequence[Row], seen_s: float) -> Iterator[Check]:
    """Of the newest process of that name."""
    newest = [(time_s, item.sample) for time_s, item in rows if item.pid == rows[-1][1].pid]
    times = [time_s for time_s, _ in newest]
    for what, (value_of, unit, most) in PROCESS_GROWTH.items():
        values = [value_of(sample) for _, sample in newest]
        yield from _grown(name, what, times, values, unit, most, seen_s)


def _host_growth(looks: Sequence[Look], seen_s: float) -> Iterator[Check]:
    times = [look.time_s for look in looks]
    for what, (value_of, most) in HOST_GROWTH.items():
        values = [value_of(look) for look in looks]
        yield from _grown(HOST, what, times, values, "MB/h", most, seen_s)


def _grown(
    process: str,
    what: str,
    times: Sequence[float],
    values: Sequence[float],
    unit: str,
    most: float | None,
    seen_s: float,
) -> Iterator[Check]:
    """Growth fails when it is beyond doubt: the whole interval is above the limit. In less than
    half an hour one step of an allocator seems to be that, so it must also be more than a step."""
    if len(times) < FEWEST:
        return
    slope = slope_of(times, values)
    is_met = most is None or slope.low <= most
    if seen_s < JUDGED_S:
        is_met = is_met or slope.per_hour * seen_s / 3600.0 <= STEP
    yield Check(
        process, what, slope.per_hour, unit, most, low=slope.low, high=slope.high, is_met=is_met
    )


def _dropped(looks: Sequence[Look]) -> Iterator[Check]:
    """One for each place where something was dropped; one for all if nothing was."""
    before = looks[0].dropped
    newly = {place: n - before.get(place, 0) for place, n in looks[-1].dropped.items()}
    lost = {place: n for place, n in newly.items() if n > 0}
    if not lost:
        yield Check(HOST, "dropped", 0.0, "messages", 0.0)
    for place, count in lost.items():
        yield Check(HOST, place, count, "messages", 0.0, is_met=False)


def _without_budget(
    processes: Mapping[str, object], budgets: Mapping[str, Mapping[str, float]]
) -> Iterator[str]:
    for name in processes:
        lacking = [kind for kind in UNITS if kind not in budgets.get(name, {})]
        if lacking:
            yield f"{name}: no budget of {', '.join(lacking)}"


def _ended(looks: Sequence[Look]) -> Iterator[str]:
    """Processes that ended or were started again, from the first look on."""
    # A child of the fork server has its name until it has its own.
    names = {item.pid: item.name for look in looks for item in look.processes}
    pids: dict[str, set[int]] = defaultdict(set)
    most_at_once: Counter[str] = Counter()
    for look in looks:
        processes = [item for item in look.processes if item.name == names[item.pid]]
        most_at_once |= Counter(item.name for item in processes)
        for item in processes:
            pids[item.name].add(item.pid)
    at_end = Counter(item.name for item in looks[-1].processes)
    for name, seen in sorted(pids.items()):
        again = len(seen) - most_at_once[name]
        if again > 0:
            yield f"{name}: started again {'once' if again == 1 else f'{again} times'}"
        if at_end[name] < most_at_once[name]:
            yield f"{name}: had ended, and was not back at the end"
