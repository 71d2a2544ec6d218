"""The metabolic state that the robot was in at a moment, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sage_common.core.clock import local_time
from sage_common.ros.conversions.stamps import stamp_ns
from sage_msgs.msg import MetabolicState as StateMessage
from sage_orchestrator.core.metabolism.state import MetabolicState


@dataclass(frozen=True)
class PastState:
    """The metabolic state at a moment.

    Attributes:
        name: WAKE, FOCUS, REST, DREAM or CRISIS; None: it is not known.
        reason: why it was entered, in words; if it is not known, why not.
        since_ns: when it was entered [ns]; None if it is not known.
    """

    name: str | None
    reason: str
    since_ns: int | None = None


INACTIVE = "the orchestrator was not active"


def unknown(why: str) -> PastState:
    """A state that is not known, and why, in words."""
    return PastState(None, why)


def of_history(message: StateMessage, moment_ns: int) -> PastState:
    """The state at a moment [ns] by the newest message of a graph and the changes in it."""
    if not message.cycle_ms and stamp_ns(message.header.stamp) <= moment_ns:
        return unknown(INACTIVE)
    changes = [(stamp_ns(c.stamp), c.state, c.reason) for c in message.transitions]
    known = [*changes, (stamp_ns(message.since), message.state, message.reason)]
    before = [entry for entry in known if entry[0] <= moment_ns]
    if not before:
        oldest = local_time(min(since_ns for since_ns, _, _ in known))
        return unknown(f"the first change that the graph still knows is of {oldest}")
    since_ns, state, reason = max(before, key=lambda entry: entry[0])
    return PastState(MetabolicState(state).name, reason, since_ns)


def of_recorded(messages: Sequence[StateMessage], moment_ns: int) -> PastState:
    """The state at a moment [ns] by all messages that were recorded, in any order."""
    stamped = [(stamp_ns(message.header.stamp), message) for message in messages]
    before = [entry for entry in stamped if entry[0] <= moment_ns]
    if not before:
        return unknown("nothing on the topic state was recorded before the moment")
    _, message = max(before, key=lambda entry: entry[0])
    if not message.cycle_ms:
        return unknown(INACTIVE)
    return PastState(MetabolicState(message.state).name, message.reason, stamp_ns(message.since))
