"""What a day in lock-step shows: growth, time for a frame, alarms, sleep and the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sage.soak.day.replay import DayLook
from sage.soak.day.tally import ALARM_PER_HOUR
from sage.soak.samples_file import ProcessLook
from sage.soak.verdict import Check, Verdict, process_growth

DAY = "lock-step"
MOST_SLOWER = 1.2
"""Time for a frame in the last third of the day, over that in the first, at most."""
SLEPT_AFTER_S = 7200.0
MB = 1e6 / 2**20


def verdict_of_day(looks: Sequence[DayLook], warm_up_s: float, payload_cap_mb: float) -> Verdict:
    """Hold what was seen after the warm-up to its limits.

    Args:
        looks: every ten minutes of the day.
        warm_up_s: what is left out at its start [s].
        payload_cap_mb: of the memory [MB, 10^6 bytes].
    """
    settled = [look for look in looks if look.time_s >= warm_up_s]
    if len(settled) < 3:
        failure = f"{len(settled)} looks after the warm-up of {warm_up_s:g} s: expected at least 3"
        return Verdict((), (failure,))
    seen_s = settled[-1].time_s - settled[0].time_s
    rows = [(look.time_s, ProcessLook(DAY, 0, look.sample, 0)) for look in settled]
    checks = (
        *process_growth(DAY, rows, seen_s),
        *_frames(settled),
        *_alarms(settled),
        _most(DAY, "payloads", max(look.payload_mb for look in settled), "MB", payload_cap_mb * MB),
        Check(DAY, "store at the end", settled[-1].store_mb, "MB"),
        Check(DAY, "experiences kept", settled[-1].kept, "in all"),
        _slept(settled),
    )
    failures = tuple(check.words for check in checks if not check.is_met)
    return Verdict(checks, failures, seen_s)


def _frames(looks: Sequence[DayLook]) -> Iterator[Check]:
    third = max(len(looks) // 3, 1)
    early, late = (
        float(np.median([look.cpu_ms_per_frame for look in part]))
        for part in (looks[:third], looks[-third:])
    )
    yield Check(DAY, "time for a frame, first third", early, "ms")
    yield Check(DAY, "time for a frame, last third", late, "ms")
    yield _most(DAY, "last third over first", late / early, "times", MOST_SLOWER)


def _alarms(looks: Sequence[DayLook]) -> Iterator[Check]:
    """Early and late; where nothing happens no more than the calibration of salience says."""
    middle = len(looks) // 2
    parts = {"first": (looks[0], looks[middle]), "second": (looks[middle], looks[-1])}
    for half, (begin, end) in parts.items():
        hours = (end.time_s - begin.time_s) / 3600.0 / 2.0  # each scene has half of every hour
        for scene in ("lively", "quiet"):
            rate = (end.alarms.get(scene, 0) - begin.alarms.get(scene, 0)) / hours
            what = f"alarms where it is {scene}, {half} half"
            if scene == "quiet":
                yield _most(DAY, what, rate, "1/h", ALARM_PER_HOUR)
            else:
                yield Check(DAY, what, rate, "1/h")


def _slept(looks: Sequence[DayLook]) -> Check:
    """At least once in two hours: half an hour of each is quiet."""
    count = looks[-1].entered.get("DREAM", 0)
    if looks[-1].time_s < SLEPT_AFTER_S:
        return Check(DAY, "slept", count, "times")
    return Check(DAY, "slept", count, "times", 1.0, True, is_met=count >= 1)


def _most(process: str, what: str, value: float, unit: str, most: float) -> Check:
    return Check(process, what, value, unit, most, is_met=value <= most)
