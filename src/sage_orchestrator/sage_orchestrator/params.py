"""Parameters of the orchestrator."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.parameters import NodeParameters, ParameterError, parameter
from sage_common.core.specs.modality import usual_modalities
from sage_orchestrator.core.budget.atp import to_ns
from sage_orchestrator.core.metabolism.policy import check_policies
from sage_orchestrator.core.plugin.catalogue import is_installed, parameter_groups
from sage_orchestrator.core.plugin.spec import PluginParameters, PluginSpec
from sage_orchestrator.core.scheduling.circuit_breaker import CircuitBreakerRules
from sage_orchestrator.core.scheduling.policy import CyclePolicy, Safeguards
from sage_orchestrator.state_parameters import policies_of, state_groups

NS_PER_MS = 1_000_000
LOAD_TIMEOUT_S = 30.0
LONGEST_ISOLATION_S = 300.0
ABANDONED_LIMIT = 3


@dataclass(frozen=True)
class OrchestratorParameters(NodeParameters):
    """Parameters of the orchestrator node."""

    cycle_ms: float = parameter(
        100.0, doc="length of a budget cycle", unit="ms", low=10.0, high=1000.0
    )
    budget_atp: float = parameter(
        1000.0,
        doc="what all plugins together may spend in a cycle; 1 ATP is 0.1 ms of one worker's time",
        unit="ATP",
        low=1.0,
        high=100_000.0,
    )
    floor: float = parameter(
        0.05, doc="least part of the budget for each plugin that asks", low=0.0, high=0.5
    )
    cores: int = parameter(
        2,
        doc="runs of plugins that work at the same time; the others wait for their turn",
        low=1,
        high=64,
    )
    plugins: tuple[str, ...] = parameter(
        ("look", "recall", "recognise"),
        doc="refinement plugins that are loaded: names of installed ones (`sage plugins`), or "
        "module:SPEC, whose parameters keep their defaults",
    )
    plugins_under_pressure: tuple[str, ...] = parameter(
        ("look",),
        doc="those of them that may begin a run at memory pressure orange and above; others pause",
    )
    camera: str = parameter(
        "front", doc="camera whose native images plugins may look at; empty: none"
    )
    microphone: str = parameter(
        "front", doc="microphone whose sound plugins may listen to; empty: none"
    )
    modalities: tuple[str, ...] = parameter(
        usual_modalities(),
        doc="modalities whose percepts plugins may work on",
    )
    models_dir: str = parameter(
        "", doc="folder of the models that plugins load; empty: $SAGE_MODELS or the installed ones"
    )
    model_url: str = parameter(
        "",
        doc="server of a language model that plugins may ask, with the chat completions of "
        "OpenAI's API, as http://127.0.0.1:8080; empty: none",
    )
    model_name: str = parameter("", doc="which of its models; servers that have only one ignore it")
    model_token_file: str = parameter(
        "",
        doc="file with the server's token, which only its owner may read; a server on another host "
        "needs one, and https",
    )
    timeout_s: float = parameter(
        1.0, doc="longest run of a plugin; then it is cancelled", unit="s", low=0.01, high=600.0
    )
    grace_s: float = parameter(
        1.0,
        doc="time after the timeout in which a plugin must return from its step, "
        "before its thread is given up",
        unit="s",
        low=0.01,
        high=600.0,
    )
    isolate_after: int = parameter(
        3, doc="failures in a row after which a plugin gets no budget for a while", low=1, high=100
    )
    isolation_s: float = parameter(
        5.0,
        doc="length of the first isolation; it doubles each time, up to 5 minutes",
        unit="s",
        low=0.1,
        high=300.0,
    )

    sensors: tuple[str, ...] = parameter(
        ("camera camera", "imu imu", "recording camera imu"),
        doc="sensor nodes whose rates follow the metabolic state, `NODE STREAM...` each; the "
        "streams are camera and imu",
    )

    def __post_init__(self) -> None:
        """Check that every state leaves the robot something to do.

        Raises:
            ParameterError: one does not; it is named.
        """
        try:
            check_policies(policies_of(self.grouped))
        except InvalidInput as fault:
            raise ParameterError(str(fault)) from fault

    @classmethod
    def groups(cls) -> Mapping[str, type]:
        return {**parameter_groups(), **state_groups()}

    @classmethod
    def absent_groups(cls, values: Mapping[str, object]) -> Collection[str]:
        """Plugins that are to be loaded and are not installed: they are left out."""
        named = values.get("plugins", cls.plugins)
        if isinstance(named, str) or not isinstance(named, Sequence):
            return ()
        return {n for n in named if isinstance(n, str) and not (":" in n or is_installed(n))}

    def of_plugin(self, spec: PluginSpec) -> PluginParameters:
        """The parameters of a plugin; of one that is not installed the defaults."""
        found = self.grouped.get(spec.name)
        return found if isinstance(found, spec.parameters) else spec.parameters()

    def policy(self) -> CyclePolicy:
        """What governs a nominal cycle; the metabolic state makes its own of it."""
        return CyclePolicy(
            period_ns=round(self.cycle_ms * NS_PER_MS),
            budget_ns=to_ns(self.budget_atp, "budget_atp"),
            floor=self.floor,
            timeout_ns=round(self.timeout_s * NS_PER_S),
            cores=self.cores,
        )

    def safeguards(self) -> Safeguards:
        """When plugins are given up."""
        return Safeguards(
            grace_ns=round(self.grace_s * NS_PER_S),
            load_timeout_ns=round(LOAD_TIMEOUT_S * NS_PER_S),
            breaker=CircuitBreakerRules(
                after=self.isolate_after,
                first_ns=round(self.isolation_s * NS_PER_S),
                longest_ns=round(LONGEST_ISOLATION_S * NS_PER_S),
                abandoned_limit=ABANDONED_LIMIT,
            ),
        )


@dataclass(frozen=True)
class GovernorParameters(NodeParameters):
    """Parameters of the governor of memory."""

    hold_s: float = parameter(
        30.0,
        doc="time for which pressure must be below half of a level's threshold before it is left",
        unit="s",
        low=1.0,
        high=3600.0,
    )
    shed_modalities: tuple[str, ...] = parameter(
        ("vision", "proprioception", "audio", "language"),
        doc="modalities whose encoders are deactivated at red, one after another, the first first",
    )
    optional_nodes: tuple[str, ...] = parameter(
        ("orchestrator", "attention", "speaker"),
        doc="nodes of which the largest is deactivated at critical",
    )
