"""Which parts of the bench of the budget are measured."""

from __future__ import annotations

from functools import partial

import pytest

from sage_bench.budget import parts
from sage_bench.encoders.section import Figures, Setting
from sage_bench.part_choice import CHOSEN


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of parts in the order in which they are measured."""
    names: list[str] = []

    def rows(name: str, setting: Setting) -> Figures:
        names.append(name)
        return Figures()

    monkeypatch.setattr(parts, "PARTS", {name: partial(rows, name) for name in parts.PARTS})
    monkeypatch.delenv(CHOSEN, raising=False)
    return names


def test_a_full_run_measures_all_parts(measured: list[str]) -> None:
    result = parts.measure(quick=False)
    assert measured == list(parts.PARTS) and not result.notes and result.bench == "budget"


def test_a_short_run_leaves_out_whole_graphs_and_says_so(measured: list[str]) -> None:
    result = parts.measure(quick=True)
    assert set(parts.PARTS) - set(measured) == set(parts.WHOLE_GRAPH)
    assert [note.partition(":")[0] for note in result.notes] == list(parts.WHOLE_GRAPH)
    assert result.bench == "budget"


def test_a_short_run_measures_what_is_named(
    measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CHOSEN, "governor,decision")
    result = parts.measure(quick=True)
    assert measured == ["governor", "decision"] and not result.notes
    assert result.bench == "budget_governor_decision"
