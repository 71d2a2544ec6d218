"""The bench of growth: rows of what `sage soak` found."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from sage_bench.commands import bench
from sage_bench.growth import parts
from sage_bench.part_choice import CHOSEN, chosen_parts
from sage_common.core.errors import InvalidInput


def found(failures: tuple[str, ...] = ()) -> dict[str, Any]:
    growth = {"value": 6.0, "unit": "MB/h", "limit": 1.0, "low": 5.0, "high": 7.0}
    use = {"value": 30.0, "unit": "% of a core", "limit": 60.0, "low": None, "high": None}
    return {
        "load": 1.0,
        "levels": {"command": {"anonymous_mb": [100.0, 107.0]}},
        "figures": {"command": {"CPU": use, "anonymous memory growth": growth}},
        "failures": list(failures),
    }


def test_growth_becomes_a_row_with_its_interval() -> None:
    (row,) = parts.rows_of("composed", found())
    assert row.name == "composed: command, anonymous memory"
    assert (row.value, row.unit, row.low, row.high) == (6.0, "MB/h", 5.0, 7.0)
    assert row.goal == 1.0 and row.met is False


def test_both_parts_are_run_for_as_long_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def soak(duration_s: float, warm_up_s: float, words: tuple[str, ...]) -> dict[str, Any]:
        asked.append((duration_s, warm_up_s, words))
        if words:
            raise RuntimeError("ended with 2")
        return found(("command: started again once", "command: anonymous memory growth 6 MB/h"))

    monkeypatch.setattr(parts, "soak", soak)
    monkeypatch.setenv(parts.MINUTES, "90")
    result = parts.measure(quick=False)
    assert asked == [(5400.0, 600.0, ()), (5400.0, 600.0, ("--processes",))]
    assert result.bench == "growth"
    assert result.errors == ("composed: command: started again once", "processes: ended with 2")
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
