"""`sage soak` in one process and in a process a node, and its figures as rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sage_bench.part_choice import chosen_parts, result_name
from sage_bench.result import Result, Row
from sage_common.core.errors import InvalidInput

MINUTES = "SAGE_BENCH_MINUTES"
"""How long each graph runs [min]; unset: `DEFAULT_MINUTES`."""
PARTS: Mapping[str, tuple[str, ...]] = {"composed": (), "processes": ("--processes",)}
DEFAULT_MINUTES = 70.0
WARM_UP_MINUTES = 10.0
QUICK_S, QUICK_WARM_UP_S = 30.0, 10.0
GROWTH = " growth"


def measure(quick: bool) -> Result:
    """All rows of the chosen parts."""
    minutes, parts = chosen_minutes(), chosen_parts(PARTS)
    duration_s, warm_up_s = 60.0 * minutes, 60.0 * WARM_UP_MINUTES
    if quick:
        duration_s, warm_up_s = QUICK_S, QUICK_WARM_UP_S
        parts = {"composed": PARTS["composed"]}
    rows: list[Row] = []
    notes = [_what_was_done(duration_s, warm_up_s)]
    errors: list[str] = []
    for part, words in parts.items():
        try:
            found = soak(duration_s, warm_up_s, words)
        except RuntimeError as error:
            errors.append(f"{part}: {error}")
            continue
        rows += rows_of(part, found)
        notes.append(_how_it_went(part, found))
        errors += [f"{part}: {failure}" for failure in found["failures"] if GROWTH not in failure]
    if quick:
        notes.append("half a minute shows that the bench works and proves nothing about hours")
    name = "growth" if quick else result_name("growth", parts, PARTS)
    return Result(name, quick, {}, tuple(rows), tuple(notes), tuple(errors))


def soak(duration_s: float, warm_up_s: float, more: Sequence[str]) -> dict[str, Any]:
    """Run `sage soak` on the recording in a home of its own; what its `--json` prints.

    Raises:
        RuntimeError: it did not run; the end of what it wrote.
    """
    words = ["soak", "--json", "--duration", f"{duration_s:g}", "--warm-up", f"{warm_up_s:g}"]
    program = [sys.executable, str(Path(sys.prefix, "bin", "sage")), *words, *more]
    with tempfile.TemporaryDirectory(prefix="sage_growth_") as home:
        environment = {**os.environ, "SAGE_HOME": home, "ROS_LOG_DIR": str(Path(home, "log"))}
        ran = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode not in (0, 1):
        raise RuntimeError(f"sage soak ended with {ran.returncode}: {ran.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def rows_of(part: str, found: Mapping[str, Any]) -> list[Row]:
    """Growth of each process, and of what they share."""
    return [
        Row(
            f"{part}: {process}, {what.removesuffix(GROWTH)}",
            figure["value"],
            figure["unit"],
            figure["limit"],
            low=figure["low"],
            high=figure["high"],
        )
        for process, what, figure in _figures(found)
        if what.endswith(GROWTH)
    ]


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


def _figures(found: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for process, figures in found["figures"].items():
        for what, figure in figures.items():
            yield process, what, figure


def _what_was_done(duration_s: float, warm_up_s: float) -> str:
    return (
        f"each graph ran {duration_s / 60:g} min on the recording (`sage soak`), without the first "
        f"{warm_up_s / 60:.2g} min; the interval allows for neighbouring measurements being alike "
        "(Newey-West)"
    )


def _how_it_went(part: str, found: Mapping[str, Any]) -> str:
    levels = ", ".join(
        "{} {:.0f} to {:.0f}".format(process, *held["anonymous_mb"])
        for process, held in found["levels"].items()
    )
    load = found["load"]
    return f"{part}: load average {load:.1f}; anonymous memory from start to end [MB]: {levels}"
