"""The metabolic state as a message."""

from __future__ import annotations

from sage_common.ros.conversions.stamps import to_stamp
from sage_msgs.msg import MetabolicState, StateTransition
from sage_orchestrator.core.budget.atp import to_atp
from sage_orchestrator.core.metabolism.metabolism import Metabolism
from sage_orchestrator.core.metabolism.transition import Transition
from sage_orchestrator.core.scheduling.policy import CyclePolicy

NS_PER_MS = 1_000_000


def state_message(metabolism: Metabolism, cycle: CyclePolicy, now_ns: int) -> MetabolicState:
    """The message of the present state."""
    policy, changes = metabolism.policy, list(metabolism.transitions)
    energy = metabolism.energy.reading(now_ns)
    message = MetabolicState(
        state=int(metabolism.current),
        previous=int(changes[-1].previous if changes else metabolism.current),
        reason=metabolism.reason,
        since=to_stamp(metabolism.since_ns),
        forced_until=to_stamp(metabolism.forced_until_ns),
        energy_reserve=energy.reserve,
        energy_source=energy.source,
        charging=energy.charging,
        energy_fault=energy.fault,
        cycle_ms=cycle.period_ns / NS_PER_MS,
        budget_atp=to_atp(cycle.budget_ns),
        plugins=list(policy.plugins),
        max_camera_rate_hz=policy.max_camera_rate_hz,
        max_imu_rate_hz=policy.max_imu_rate_hz,
        learning=policy.learning,
        consolidation=policy.consolidation,
        transitions=[_transition(change) for change in changes],
    )
    message.header.stamp = to_stamp(now_ns)
    return message


def ungoverned(message: MetabolicState) -> MetabolicState:
    """The same of an orchestrator that is not active: no plugin runs, and no sensor is limited."""
    message.cycle_ms = 0.0
    message.budget_atp = message.max_camera_rate_hz = message.max_imu_rate_hz = 0.0
    message.plugins = []
    return message


def _transition(change: Transition) -> StateTransition:
    return StateTransition(
        stamp=to_stamp(change.time_ns),
        previous=int(change.previous),
        state=int(change.state),
        reason=change.reason,
    )
