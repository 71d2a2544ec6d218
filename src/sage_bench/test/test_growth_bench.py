"""The bench of growth: slopes and their errors, what a process holds, the rows."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

import numpy as np
import pytest

from sage_bench.commands import bench
from sage_bench.growth import parts, sample
from sage_bench.growth.slope import slope_of
from sage_bench.growth.soak import Looks, Soak
from sage_bench.part_choice import CHOSEN, chosen_parts
from sage_common.core.errors import InvalidInput

HOLDER = """
import sys, threading
held = bytearray(b"x" * (64 << 20))
files = [open("/dev/null") for _ in range(7)]
threading.Thread(target=threading.Event().wait, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""


def usual_error(time_s: np.ndarray, values: np.ndarray) -> float:
    """The error of the textbook, for residuals that know nothing of each other, in an hour."""
    hours = time_s / 3600.0
    line = np.polyfit(hours, values, 1)
    left = values - np.polyval(line, hours)
    return float(np.sqrt(left @ left / (len(left) - 2) / ((hours - hours.mean()) ** 2).sum()))


def test_a_straight_line_has_its_slope_and_no_error() -> None:
    time_s = np.arange(0.0, 3600.0, 10.0)
    found = slope_of(time_s, 100.0 + 2.5 * time_s / 3600.0)
    assert found.per_hour == pytest.approx(2.5)
    assert found.error == pytest.approx(0.0, abs=1e-9)
    assert found.samples == 360


def test_the_interval_holds_the_slope_where_residuals_remember() -> None:
    """The textbook's interval would hold it in about half of these runs."""
    rng = np.random.default_rng(1)
    time_s = np.arange(0.0, 3600.0, 10.0)
    held, held_by_usual, runs = 0, 0, 200
    for _ in range(runs):
        noise = np.zeros(len(time_s))
        for index in range(1, len(noise)):
            noise[index] = 0.8 * noise[index - 1] + rng.standard_normal()
        found = slope_of(time_s, noise + time_s / 3600.0)
        held += found.low <= 1.0 <= found.high
        usual = 1.96 * usual_error(time_s, noise + time_s / 3600.0)
        held_by_usual += abs(found.per_hour - 1.0) <= usual
    assert held >= 0.85 * runs
    assert held_by_usual < 0.65 * runs


def test_too_little_for_a_slope_is_refused() -> None:
    with pytest.raises(ValueError, match="4 measurements: expected at least 5"):
        slope_of([0.0, 1.0, 2.0, 3.0], [1.0] * 4)
    with pytest.raises(ValueError, match="all measurements are of one time"):
        slope_of([3.0] * 6, [1.0] * 6)


def test_a_process_is_sampled_and_found_by_its_parent() -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    words = [sys.executable, "-c", HOLDER, "--ros-args", "-r", "__node:=holder"]
    with subprocess.Popen(words, **pipes) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        found = sample.sample_of(process.pid)
        family = sample.family_of(os.getpid())
        process.communicate()
    assert 64.0 < found.anonymous_mb < 128.0
    assert found.anonymous_mb < found.pss_mb + 1.0
    assert found.threads == 2
    assert found.descriptors == 10
    assert family[os.getpid()] == "command"
    assert family[process.pid] == "holder"


def test_a_process_that_has_ended_is_no_error_of_a_look() -> None:
    with pytest.raises((FileNotFoundError, ProcessLookupError)):
        sample.sample_of(2**22 + 1)
    assert sample.family_of(2**22 + 1) == {2**22 + 1: "command"}
    found = Soak()
    found.look(2**22 + 1, 0.0)
    assert found.processes == {} and len(found.shared) == 1


def toy_soak() -> Soak:
    """A command that grows by 6 MB/h after ten minutes of 600 MB/h, and a child seen twice."""
    found = Soak(summary={"restarts": 1, "duration_s": 4200.0}, loads=[1.0])
    grown = Looks("command")
    for time_s in np.arange(0.0, 4200.0, 10.0):
        mb = 600.0 if time_s < 600.0 else 6.0
        grown.time_s.append(float(time_s))
        grown.samples.append(sample.Sample(100.0 + mb * float(time_s) / 3600.0, 50.0, 3, 9))
        found.shared.append((float(time_s), 12.0))
    found.processes = {1: grown, 2: Looks("late", [10.0, 20.0], grown.samples[:2])}
    return found


def test_the_warm_up_is_left_out_and_growth_misses_the_goal() -> None:
    rows = {row.name.split(" (")[0]: row for row in parts.rows_of("composed", toy_soak(), 600.0)}
    memory = rows["composed: command, anonymous"]
    assert memory.value == pytest.approx(6.0) and memory.unit == "MB/h"
    assert memory.goal == 1.0 and memory.met is False
    assert memory.samples == 360
    for what in ("PSS", "threads", "descriptors"):
        assert rows[f"composed: command, {what}"].value == pytest.approx(0.0)
    assert rows["composed: /dev/shm, whole host"].value == pytest.approx(0.0)
    assert not any("late" in name for name in rows)


def test_both_parts_are_run_for_as_long_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def soak(duration_s: float, words: tuple[str, ...], period_s: float) -> Soak:
        asked.append((duration_s, words, period_s))
        if words:
            raise RuntimeError("ended with 2")
        return toy_soak()

    monkeypatch.setattr(parts, "soak", soak)
    monkeypatch.setenv(parts.MINUTES, "90")
    result = parts.measure(quick=False)
    assert asked == [(5400.0, (), 10.0), (5400.0, ("--processes",), 10.0)]
    assert result.bench == "growth"
    assert result.errors == (
        "composed: 1 processes were started again",
        "composed: ended after 4200 s",
        "processes: ended with 2",
    )
    monkeypatch.setenv(CHOSEN, "composed")
    assert parts.measure(quick=False).bench == "growth_composed"
    assert "proves nothing about hours" in parts.measure(quick=True).notes[-1]


@pytest.mark.parametrize("wrong", ["10", "nan", "inf", "-70", "an hour"])
def test_a_wrong_length_is_refused(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv(parts.MINUTES, wrong)
    with pytest.raises(InvalidInput, match="expected a number from 11 on"):
        parts.chosen_minutes()


def test_a_wrong_part_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOSEN, "composed,threads")
    with pytest.raises(InvalidInput, match="some of composed, processes"):
        chosen_parts(parts.PARTS)


def test_all_leaves_out_what_takes_hours() -> None:
    known = ["growth", "loop", "memory"]
    every = argparse.Namespace(all=True, name="")
    assert bench.chosen(known, every) == ["loop", "memory"]
    assert bench.chosen(known, argparse.Namespace(all=False, name="growth")) == ["growth"]
