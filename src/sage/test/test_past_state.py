"""The metabolic state at a moment: from a graph's last word, and from all that was recorded."""

from __future__ import annotations

import pytest

from sage.explain.past_state import INACTIVE, PastState, of_history, of_recorded
from sage_common.core.clock import NS_PER_S, local_time
from sage_common.ros.conversions.stamps import to_stamp
from sage_msgs.msg import MetabolicState, StateTransition

WAKE, REST, CRISIS = MetabolicState.WAKE, MetabolicState.REST, MetabolicState.CRISIS
T0 = 1_700_000_000 * NS_PER_S


def at(seconds: float) -> int:
    return T0 + round(seconds * NS_PER_S)


def message(state: int, reason: str, since_s: float, cycle_ms: float = 100.0) -> MetabolicState:
    made = MetabolicState(state=state, reason=reason, since=to_stamp(at(since_s)))
    made.header.stamp, made.cycle_ms = to_stamp(at(since_s)), cycle_ms
    return made


def rested() -> MetabolicState:
    """It rested from 30 s on, woke at 40 s, and has been in a crisis since 50 s."""
    newest = message(CRISIS, "memory is at red", 50.0)
    changes = ((30.0, WAKE, REST, "quiet"), (40.0, REST, WAKE, "a bang"))
    newest.transitions = [
        StateTransition(stamp=to_stamp(at(s)), previous=old, state=new, reason=why)
        for s, old, new, why in (*changes, (50.0, WAKE, CRISIS, "memory is at red"))
    ]
    return newest


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (30.0, PastState("REST", "quiet", at(30.0))),
        (39.9, PastState("REST", "quiet", at(30.0))),
        (40.0, PastState("WAKE", "a bang", at(40.0))),
        (999.0, PastState("CRISIS", "memory is at red", at(50.0))),
    ],
)
def test_the_change_before_the_moment_counts(seconds: float, expected: PastState) -> None:
    assert of_history(rested(), at(seconds)) == expected


def test_nothing_is_said_of_the_time_before_the_first_change_that_is_known() -> None:
    found = of_history(rested(), at(29.9))
    assert found.name is None and found.since_ns is None
    assert found.reason.endswith(local_time(at(30.0)))


def test_without_changes_the_first_state_lasts() -> None:
    started = message(WAKE, "the graph has started", 10.0)
    assert of_history(started, at(11.0)) == PastState("WAKE", started.reason, at(10.0))
    assert of_history(started, at(9.0)).name is None


def test_the_last_message_before_the_moment_counts() -> None:
    recorded = [message(REST, "quiet", 30.0), message(WAKE, "a bang", 40.0)]
    assert of_recorded(recorded, at(35.0)) == PastState("REST", "quiet", at(30.0))
    assert of_recorded(recorded[::-1], at(45.0)) == PastState("WAKE", "a bang", at(40.0))
    assert of_recorded(recorded, at(29.0)).name is None
    assert of_recorded([], at(29.0)).name is None


def test_an_orchestrator_that_was_not_active_governed_nothing() -> None:
    ended = message(REST, "quiet", 30.0, cycle_ms=0.0)
    before = message(WAKE, "the graph has started", 10.0)
    assert of_recorded([before, ended], at(31.0)) == PastState(None, INACTIVE)
    assert of_recorded([before, ended], at(29.0)).name == "WAKE"
    assert of_history(ended, at(31.0)) == PastState(None, INACTIVE)
