"""Numbers of salience in words."""

from __future__ import annotations

import pytest

from sage_snarc.core.reason import as_rare_as, duration


@pytest.mark.parametrize(
    ("per_hour", "said"),
    [
        (60.0, "as rare as 60 false alarms an hour"),
        (9.96, "as rare as 10 false alarms an hour"),
        (2.54, "as rare as 2.5 false alarms an hour"),
        (1.0, "as rare as 1 false alarm an hour"),
        (0.126, "as rare as 0.13 false alarms an hour"),
        (0.0099, "rarer than 0.01 false alarms an hour"),
    ],
)
def test_a_rate_is_said_to_two_digits(per_hour: float, said: str) -> None:
    assert as_rare_as(per_hour) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.25, "0.2 s"), (9.96, "10 s"), (99.0, "99 s"), (420.0, "7 min"), (7200.0, "2 h")],
)
def test_a_span_is_said_in_one_unit(seconds: float, said: str) -> None:
    assert duration(seconds) == said
