"""Parameters of the metabolic states: what governs in each, and when one is left for another."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sage_common.core.parameters import parameter
from sage_orchestrator.core.metabolism.policy import ALL, StatePolicy
from sage_orchestrator.core.metabolism.rules import TransitionRules
from sage_orchestrator.core.metabolism.state import MetabolicState

PREFIX = "states"


@dataclass(frozen=True)
class TransitionParameters:
    """When one metabolic state is left for another; see `TransitionRules`."""

    wake_alarms_per_hour: float = parameter(
        90.0,
        doc="salience that comes so often or less while nothing happens wakes, and is focused on; "
        "in the first hour what is as rare as the time allows to say",
        unit="1/h", low=0.001, high=36000.0,
    )  # fmt: skip
    idle_alarms_per_hour: float = parameter(
        120.0,
        doc="salience that comes so often or less while nothing happens keeps awake; it is at "
        "least what wakes",
        unit="1/h", low=0.001, high=36000.0,
    )  # fmt: skip
    rest_after_s: float = parameter(
        30.0, doc="idle time before REST", unit="s", low=1.0, high=86400.0
    )
    focus_hold_s: float = parameter(
        10.0, doc="idle time before FOCUS ends", unit="s", low=0.5, high=3600.0
    )
    dream_after_s: float = parameter(
        600.0,
        doc="time without anything ten times rarer than what wakes, before DREAM",
        unit="s",
        low=1.0,
        high=86400.0,
    )
    dream_s: float = parameter(
        300.0, doc="length of a DREAM that nothing ends", unit="s", low=1.0, high=86400.0
    )
    dream_every_s: float = parameter(
        10800.0, doc="least time between two DREAMs", unit="s", low=1.0, high=604800.0
    )
    crisis_pressure: int = parameter(
        3, doc="level of memory pressure that makes a CRISIS: red is 3", low=1, high=4
    )
    night_begin_h: float = parameter(
        0.0, doc="hour of the day at which the night begins, UTC", unit="h", low=0.0, high=24.0
    )
    night_end_h: float = parameter(
        0.0, doc="hour at which it ends; equal: no night", unit="h", low=0.0, high=24.0
    )
    rated_power_w: float = parameter(
        0.0,
        doc="power of the board under full load, for the energy reserve; 0: it is estimated from "
        "the use of the budget",
        unit="W", low=0.0, high=2000.0,
    )  # fmt: skip

    def rules(self) -> TransitionRules:
        """As the core knows them."""
        names = (field.name for field in dataclasses.fields(TransitionRules))
        rules = TransitionRules(**{name: getattr(self, name) for name in names})
        idle = max(rules.idle_alarms_per_hour, rules.wake_alarms_per_hour)
        return dataclasses.replace(rules, idle_alarms_per_hour=idle)


@dataclass(frozen=True)
class StateParameters:
    """What governs the graph in one metabolic state; see `StatePolicy`."""

    cycle_factor: int = parameter(
        1, doc="length of a cycle, in multiples of cycle_ms", low=1, high=100
    )
    budget_share: float = parameter(
        1.0, doc="compute for each unit of time, as a share of budget_atp a cycle_ms",
        low=0.01, high=10.0,
    )  # fmt: skip
    plugins: tuple[str, ...] = parameter(
        (ALL,), doc="plugins that may begin a run of their own; *: all"
    )
    max_camera_rate_hz: float = parameter(
        0.0, doc="what cameras are asked to keep to; 0: no limit", unit="Hz", low=0.0, high=240.0
    )
    max_imu_rate_hz: float = parameter(
        0.0, doc="what IMUs are asked to keep to; 0: no limit", unit="Hz", low=0.0, high=400.0
    )
    learning: bool = parameter(True, doc="scorers and fusion learn")
    consolidation: bool = parameter(False, doc="the memory sleeps")
    night_factor: float = parameter(
        1.0, doc="at night the state is entered after so many times less idling",
        low=1.0, high=100.0,
    )  # fmt: skip

    def policy(self) -> StatePolicy:
        """As the core knows it."""
        names = (field.name for field in dataclasses.fields(StatePolicy))
        return StatePolicy(**{name: getattr(self, name) for name in names})


DEFAULTS: Mapping[MetabolicState, Mapping[str, Any]] = {
    MetabolicState.WAKE: {},
    MetabolicState.FOCUS: {"budget_share": 1.5},
    MetabolicState.REST: {
        "cycle_factor": 5, "budget_share": 0.2, "max_camera_rate_hz": 5.0, "night_factor": 2.0,
    },
    MetabolicState.DREAM: {
        "cycle_factor": 10, "budget_share": 0.1, "plugins": ("look",), "max_camera_rate_hz": 5.0,
        "learning": False, "consolidation": True, "night_factor": 4.0,
    },
    MetabolicState.CRISIS: {
        "cycle_factor": 2, "budget_share": 0.2, "plugins": ("look",), "max_camera_rate_hz": 10.0,
        "learning": False,
    },
}  # fmt: skip
"""What differs from `StateParameters`."""


def state_groups() -> Mapping[str, type]:
    """The parameter groups of all states, by prefix."""
    return {
        PREFIX: TransitionParameters,
        **{f"{PREFIX}.{state.name.lower()}": _of_state(state) for state in MetabolicState},
    }


def policies_of(grouped: Mapping[str, Any]) -> dict[MetabolicState, StatePolicy]:
    """The policy of each state, of a node's grouped parameters."""
    return {
        state: grouped.get(f"{PREFIX}.{state.name.lower()}", _of_state(state)()).policy()
        for state in MetabolicState
    }


def transitions_of(grouped: Mapping[str, Any]) -> TransitionParameters:
    """The parameters of transitions, of a node's grouped ones."""
    found: TransitionParameters = grouped.get(PREFIX, TransitionParameters())
    return found


def _of_state(state: MetabolicState) -> type[Any]:
    """The parameters of a state: those of any, with defaults of its own."""
    hints = typing.get_type_hints(StateParameters)
    fields: list[tuple[str, Any, Any]] = [
        (
            item.name,
            hints[item.name],
            dataclasses.field(
                default=DEFAULTS[state].get(item.name, item.default), metadata=item.metadata
            ),
        )
        for item in dataclasses.fields(StateParameters)
    ]
    name = f"{state.name.title()}Parameters"
    return dataclasses.make_dataclass(name, fields, bases=(StateParameters,), frozen=True)
