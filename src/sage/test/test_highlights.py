"""The most salient moments of a run."""

from __future__ import annotations

from sage.observe.highlights import Highlight, Highlights
from sage_common.core.clock import NS_PER_S


def moment(second: float, total: float) -> Highlight:
    return Highlight(round(second * NS_PER_S), total, 9.0, f"at {second:g} s")


def filled(*moments: tuple[float, float]) -> Highlights:
    highlights = Highlights()
    for second, total in moments:
        highlights.add(moment(second, total))
    return highlights


def reasons(highlights: Highlights) -> list[str]:
    return [item.reason for item in highlights.best()]


def test_the_three_most_salient_in_order_of_time() -> None:
    found = filled((0, 0.4), (10, 0.9), (20, 0.6), (30, 0.8), (40, 0.5))
    assert reasons(found) == ["at 10 s", "at 20 s", "at 30 s"]


def test_one_moment_is_kept_once_at_its_height() -> None:
    found = filled((10, 0.5), (10.1, 0.9), (10.2, 0.7), (12.9, 0.8), (14, 0.4))
    assert reasons(found) == ["at 10.1 s", "at 14 s"]


def test_a_height_between_two_moments_takes_the_place_of_both() -> None:
    assert reasons(filled((10, 0.5), (13.5, 0.6), (12, 0.9))) == ["at 12 s"]


def test_what_is_quiet_does_not_stand_out() -> None:
    found = filled((0, 0.01), (10, 0.29))
    assert reasons(found) == []
    assert found.take() == moment(10, 0.29)


def test_what_was_taken_is_not_taken_again() -> None:
    found = filled((0, 0.4), (1, 0.9))
    assert found.take() == moment(1, 0.9)
    assert found.take() is None
    found.add(moment(2, 0.3))
    assert found.take() == moment(2, 0.3)
    assert reasons(found) == ["at 1 s"]
