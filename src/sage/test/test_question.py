"""Questions to the memory: times and ages."""

from __future__ import annotations

from datetime import datetime

import pytest

from sage.recall.question import parse_time
from sage_common.core.clock import NS_PER_S, ManualClock
from sage_common.core.errors import InvalidInput

NOW = ManualClock(1_000_000 * NS_PER_S)


@pytest.mark.parametrize(
    ("text", "age_s"), [("30s", 30), ("10m", 600), ("1.5h", 5400), ("2d", 172_800)]
)
def test_an_age_counts_back_from_now(text: str, age_s: int) -> None:
    assert parse_time("since", text, NOW) == (1_000_000 - age_s) * NS_PER_S


def test_an_iso_time_is_that_time() -> None:
    text = "2026-01-02T03:04:05+00:00"
    expected = datetime.fromisoformat(text).timestamp() * NS_PER_S
    assert parse_time("since", text) == expected


def test_no_time_is_no_bound() -> None:
    assert parse_time("since", "") == 0


@pytest.mark.parametrize("text", ["yesterday", "10", "m10", "-3h", "9" * 400 + "d"])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="since"):
        parse_time("since", text)
