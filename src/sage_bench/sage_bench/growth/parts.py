"""The soaks of the bench, in one process and in a process a node, and their rows."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from sage_bench.growth.slope import FEWEST, Slope, slope_of
from sage_bench.growth.soak import PERIOD_S, Soak, soak
from sage_bench.part_choice import chosen_parts, result_name
from sage_bench.result import Result, Row
from sage_common.core.errors import InvalidInput

MINUTES = "SAGE_BENCH_MINUTES"
"""How long each graph runs [min]; unset: `DEFAULT_MINUTES`."""
PARTS: Mapping[str, tuple[str, ...]] = {"composed": (), "processes": ("--processes",)}
DEFAULT_MINUTES = 70.0
WARM_UP_MINUTES = 10.0
QUICK_S, QUICK_WARM_UP_S, QUICK_PERIOD_S = 30.0, 10.0, 1.0
FIGURES: Mapping[str, tuple[str, str, float | None]] = {
    "anonymous": ("anonymous_mb", "MB/h", 1.0),
    "PSS": ("pss_mb", "MB/h", None),
    "threads": ("threads", "1/h", None),
    "descriptors": ("descriptors", "1/h", None),
}
"""Field of a sample, unit of its growth, and the goal."""


def measure(quick: bool) -> Result:
    """All rows of the chosen parts."""
    minutes, parts = chosen_minutes(), chosen_parts(PARTS)
    duration_s, warm_up_s, period_s = 60.0 * minutes, 60.0 * WARM_UP_MINUTES, PERIOD_S
    if quick:
        duration_s, warm_up_s, period_s = QUICK_S, QUICK_WARM_UP_S, QUICK_PERIOD_S
        parts = {"composed": PARTS["composed"]}
    rows: list[Row] = []
    notes = [_what_was_done(duration_s, warm_up_s, period_s)]
    errors: list[str] = []
    for part, words in parts.items():
        try:
            found = soak(duration_s, words, period_s)
        except RuntimeError as error:
            errors.append(f"{part}: {error}")
            continue
        rows += rows_of(part, found, warm_up_s)
        notes.append(_how_it_went(part, found))
        errors += _faults(part, found, duration_s)
    if quick:
        notes.append("half a minute shows that the bench works and proves nothing about hours")
    name = "growth" if quick else result_name("growth", parts, PARTS)
    return Result(name, quick, {}, tuple(rows), tuple(notes), tuple(errors))


def rows_of(part: str, found: Soak, warm_up_s: float) -> list[Row]:
    """Growth of each process, and of the whole; one that was seen too seldom has none."""
    every = [looks.after(warm_up_s) for looks in found.processes.values()]
    steady = [looks for looks in every if len(looks.samples) >= FEWEST]
    rows = [
        _row(
            f"{part}: {looks.name}, {what}", slope_of(looks.time_s, looks.values(field)), unit, goal
        )
        for what, (field, unit, goal) in FIGURES.items()
        for looks in steady
    ]
    shared = [(time_s, mb) for time_s, mb in found.shared if time_s >= warm_up_s]
    if len(shared) >= FEWEST:
        times, values = zip(*shared, strict=True)
        rows.append(_row(f"{part}: /dev/shm, whole host", slope_of(times, values), "MB/h"))
    return rows


def chosen_minutes() -> float:
    """How long each graph runs [min].

    Raises:
        InvalidInput: `SAGE_BENCH_MINUTES` is no number, or leaves too little after the warm-up.
    """
    text = os.environ.get(MINUTES, "") or str(DEFAULT_MINUTES)
    least = WARM_UP_MINUTES + 1.0
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not least <= minutes < float("inf"):
        raise InvalidInput(MINUTES, text, f"a number from {least:g} on")
    return minutes


def _row(name: str, slope: Slope, unit: str, goal: float | None = None) -> Row:
    return Row(
        f"{name} (± {slope.error:.2f})", slope.per_hour, unit, goal,
        samples=slope.samples, low=slope.low, high=slope.high,
    )  # fmt: skip


def _what_was_done(duration_s: float, warm_up_s: float, period_s: float) -> str:
    return (
        f"each graph ran {duration_s / 60:g} min on the recording, looked at every {period_s:g} "
        f"s, without the first {warm_up_s / 60:.2g} min; ± is the slope's standard error, which "
        "allows for neighbouring measurements being alike (Newey-West)"
    )


def _how_it_went(part: str, found: Soak) -> str:
    levels = ", ".join(
        f"{looks.name} {looks.samples[0].anonymous_mb:.0f} to {looks.samples[-1].anonymous_mb:.0f}"
        for looks in found.processes.values()
    )
    load = float(np.mean(found.loads))
    return f"{part}: load average {load:.1f}; anonymous memory from start to end [MB]: {levels}"


def _faults(part: str, found: Soak, duration_s: float) -> list[str]:
    faults = []
    if found.summary["restarts"]:
        faults.append(f"{part}: {found.summary['restarts']} processes were started again")
    if found.summary["duration_s"] < duration_s - 1.0:
        faults.append(f"{part}: ended after {found.summary['duration_s']:.0f} s")
    return faults
