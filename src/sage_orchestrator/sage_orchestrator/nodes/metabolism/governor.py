"""The metabolic state of the graph: what it hears, what it publishes, what it governs."""

from __future__ import annotations

from collections.abc import Callable

from sage_common.core.health import PressureLevel
from sage_common.core.state.fields import State, Transient
from sage_common.core.state.stateful import Stateful
from sage_common.ros.node import SageNode
from sage_msgs.msg import FusedSalience, MetabolicState, ResourcePressure
from sage_msgs.srv import SetState
from sage_orchestrator.core.metabolism.energy import EnergyReserve
from sage_orchestrator.core.metabolism.metabolism import Metabolism
from sage_orchestrator.core.metabolism.policy import unknown_plugins
from sage_orchestrator.core.metabolism.state import state_named
from sage_orchestrator.core.metabolism.transition import Transition
from sage_orchestrator.core.scheduling.policy import CyclePolicy
from sage_orchestrator.core.scheduling.report import CycleReport
from sage_orchestrator.nodes.metabolism.battery_input import BatteryInput
from sage_orchestrator.nodes.metabolism.sensor_rates import SensorRates
from sage_orchestrator.nodes.metabolism.state_message import state_message, ungoverned
from sage_orchestrator.params import OrchestratorParameters
from sage_orchestrator.state_parameters import policies_of, transitions_of

AUTO = "auto"
RESERVE_STEP = 0.01
"""A change of the energy reserve that is published."""


class MetabolicGovernor(Stateful):
    """Governs by the metabolic state; to be made when `node` is configured.

    Args:
        node: the orchestrator's.
        parameters: of the node.
        loaded: names of the plugins that are loaded.
    """

    metabolism: State[Metabolism]
    _ticks: Transient[int] = 0
    _published: Transient[tuple[float, str]] = (-1.0, "")

    def __init__(
        self, node: SageNode, parameters: OrchestratorParameters, loaded: Callable[[], list[str]]
    ) -> None:
        self._node, self._loaded, self._kept = node, loaded, parameters.plugins_under_pressure
        self._nominal = parameters.policy()
        self._policies = policies_of(parameters.grouped)
        transitions = transitions_of(parameters.grouped)
        nominal_load = self._nominal.budget_ns / self._nominal.period_ns
        energy = EnergyReserve(transitions.rated_power_w, nominal_load)
        self.metabolism = Metabolism(transitions.rules(), self._policies, energy)
        self._output = node.publisher("state")
        self._rates = SensorRates(node, parameters.sensors)
        node.subscribe("pressure", self._on_pressure)
        self._battery = BatteryInput(node, energy)
        node.service("orchestrator/set_state", self.on_set_state)

    @property
    def cycle_policy(self) -> CyclePolicy:
        """What governs the cycle that begins now."""
        policy, pressure = self.metabolism.policy.cycle(self._nominal), self.metabolism.pressure
        return policy if pressure < PressureLevel.ORANGE else policy.restricted_to(self._kept)

    def begin(self) -> None:
        """The node is active, and its plugins are loaded."""
        for words in unknown_plugins(self._policies, self._loaded()):
            self._node.log.warning(words)
        if not self._note(self.metabolism.resume_forced(self._node.clock.now_ns())):
            self._govern()

    def end(self) -> None:
        """The node is not active any more: nothing is governed, and sensors are as they were."""
        self._output.publish(ungoverned(self._message()))
        self._rates.restore()

    def on_salience(self, message: FusedSalience) -> None:
        """What is salient enough wakes at once, in the middle of a cycle."""
        hear, now_ns = self.metabolism.hear_salience, self._node.clock.now_ns()
        self._note(hear(message.alarms_per_hour, message.valid, message.reason, now_ns))

    def tick(self) -> bool:
        """A nominal cycle has passed; whether one of the present state is due."""
        now_ns = self._node.clock.now_ns()
        changed = self._note(self.metabolism.evaluate(now_ns))
        energy = self.metabolism.energy.reading(now_ns)
        reserve, said = self._published
        if abs(energy.reserve - reserve) >= RESERVE_STEP or energy.fault + self._nobody() != said:
            self._publish()
        self._ticks += 1
        due = changed or self._ticks >= self.metabolism.policy.cycle_factor
        if due:
            self._ticks = 0
            self._rates.assert_again()
        return due

    def settle(self, report: CycleReport | None) -> None:
        """A cycle has ended."""
        if report is not None:
            self.metabolism.energy.spend(report.spent_ns)

    def on_set_state(self, request: SetState.Request, response: SetState.Response) -> object:
        """The service `orchestrator/set_state`; saved before it is answered."""
        with self._node.guard:
            own, now_ns = self.metabolism, self._node.clock.now_ns()
            if request.state.lower() == AUTO:
                released = self._note(own.release(now_ns))
                response.message = "no longer forced" if released else "no state was forced"
            else:
                self._note(own.force(state_named(request.state), request.duration_s, now_ns))
                response.message = f"{own.current.name}: {own.reason}{self._nobody()}"
        self._node.save_state()
        response.success = True
        return response

    def _nobody(self) -> str:
        policy = self.metabolism.policy
        words = "" if policy.admits_all else policy.nobody_words(self._loaded())
        return f"; {words}" if words else ""

    def _note(self, transition: Transition | None) -> bool:
        if transition is None:
            return False
        self._node.log.info(transition.words)
        self._ticks = self.metabolism.policy.cycle_factor  # the next tick begins a cycle
        self._govern()
        return True

    def _govern(self) -> None:
        self._publish()
        policy = self.metabolism.policy
        self._rates.ask(policy.max_camera_rate_hz, policy.max_imu_rate_hz)

    def _publish(self) -> None:
        energy = self.metabolism.energy.reading(self._node.clock.now_ns())
        self._published = (energy.reserve, energy.fault + self._nobody())
        self._output.publish(self._message())
        state = f"{self.metabolism.current.name}: {self.metabolism.reason}"
        self._node.diagnose(state=state, energy=energy.words)

    def _message(self) -> MetabolicState:
        message = state_message(self.metabolism, self.cycle_policy, self._node.clock.now_ns())
        message.reason += self._nobody()
        return message

    def _on_pressure(self, message: ResourcePressure) -> None:
        self.metabolism.hear_pressure(message.level, PressureLevel(message.level).word)
        self.metabolism.energy.hear_power(message.power_w)
        self._note(self.metabolism.evaluate(self._node.clock.now_ns()))
