"""What governs the graph while it is in one state."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from sage_common.core.errors import InvalidInput
from sage_orchestrator.core.metabolism.state import MetabolicState
from sage_orchestrator.core.plugin.catalogue import is_installed
from sage_orchestrator.core.scheduling.policy import CyclePolicy

ALL = "*"
"""Stands for every plugin in `plugins`."""


@dataclass(frozen=True)
class StatePolicy:
    """What governs the graph in one state.

    Attributes:
        cycle_factor: length of a cycle, in cycles of the nominal length.
        budget_share: compute for each unit of time, as a share of the nominal; where it is less,
            plugins begin for what is as much rarer.
        plugins: names of those that may begin a run of their own; `*`: all.
        max_camera_rate_hz, max_imu_rate_hz: what sensors are asked to keep to [Hz]; 0: no limit.
        learning: whether scorers and fusion learn.
        consolidation: whether the memory sleeps.
        night_factor: at night this state is entered after so many times less idling, >= 1.
    """

    cycle_factor: int
    budget_share: float
    plugins: tuple[str, ...]
    max_camera_rate_hz: float
    max_imu_rate_hz: float
    learning: bool
    consolidation: bool
    night_factor: float

    def cycle(self, nominal: CyclePolicy) -> CyclePolicy:
        """The policy of a cycle of this state."""
        share = self.budget_share * self.cycle_factor
        return CyclePolicy(
            period_ns=nominal.period_ns * self.cycle_factor,
            budget_ns=round(nominal.budget_ns * share),
            floor=nominal.floor,
            timeout_ns=nominal.timeout_ns,
            alarms_share=min(self.budget_share, 1.0),
            admitted=None if self.admits_all else frozenset(self.plugins),
        )

    @property
    def admits_all(self) -> bool:
        """Whether every plugin may begin."""
        return ALL in self.plugins

    def nobody_words(self, loaded: Collection[str]) -> str:
        """That no loaded plugin may begin, and who may; empty: one may, or none is loaded.

        Args:
            loaded: names of the loaded plugins.
        """
        if self.admits_all or not loaded or set(self.plugins) & set(loaded):
            return ""
        return f"admits none of the loaded plugins, only {', '.join(self.plugins)}"


def unknown_plugins(
    policies: Mapping[MetabolicState, StatePolicy], loaded: Collection[str]
) -> Iterator[str]:
    """In words, each name in a policy that no plugin has, neither a loaded nor an installed one."""
    for state, policy in policies.items():
        for name in policy.plugins:
            if name != ALL and name not in loaded and not is_installed(name):
                yield f"{_field(state)}: no plugin {name} is installed"


def check_policies(policies: Mapping[MetabolicState, StatePolicy]) -> None:
    """Check that every state leaves the robot something to do.

    Raises:
        InvalidInput: a state admits no plugin, or one without a name, or none learns; the
            parameter is named.
    """
    for state, policy in policies.items():
        if not policy.plugins or not all(name.strip() for name in policy.plugins):
            expected = "names of plugins, at least one, or * for all"
            raise InvalidInput(_field(state), list(policy.plugins), expected)
    if not policies[MetabolicState.WAKE].learning:
        raise InvalidInput("states.wake.learning", False, "true: else nothing is ever learned")


def _field(state: MetabolicState) -> str:
    return f"states.{state.name.lower()}.plugins"
