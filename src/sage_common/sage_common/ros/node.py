"""The base of every SAGE node: a managed node whose factories are the only way to the graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from numpy.typing import NDArray

from sage_common.core.diagnosis.node_status import INACTIVE, LOOK_PERIOD_S
from sage_common.core.home import sage_home
from sage_common.core.parameters import NodeParameters
from sage_common.core.specs.modality import ModalitySpecs
from sage_common.core.state.fields import Part, Transient, class_fields
from sage_common.core.state.packing import pack
from sage_common.core.state.restoring import unpack
from sage_common.core.state.stateful import Stateful
from sage_common.core.topics import filled_topic, service_spec
from sage_common.ros.checkpointer import Checkpointer
from sage_common.ros.connections import Connections
from sage_common.ros.diagnostics import DIAGNOSTICS, Diagnostics
from sage_common.ros.gate import ExpectedRates
from sage_common.ros.host import Host, Publisher
from sage_common.ros.latest import LatestMessages
from sage_common.ros.pressure import PressureListener

IDLE_TIMEOUT_S = 2.0
DIAGNOSTICS_WAIT_S = 0.02
SAVE_STATE = "~/save_state"
NO_CLOCK = "use_sim_time, but no /clock comes: play a bag with `ros2 bag play --clock`"


class SageNode(Connections, Stateful):
    """A managed (lifecycle) node that runs unchanged on the ROS host and the lock-step host.

    A subclass sets `default_name` and `parameters_type` and overrides the hooks `on_configure`
    (make publishers, subscriptions, services, timers), `on_activate` (load models, open devices)
    and `on_deactivate` (release both); one that learns also overrides `state` and `restore`.

    The base holds `guard`, as callbacks and timers do, while it copies `state`. A worker that
    changes what `state` returns holds it for the change (never for long work).

    Args:
        host: where it runs; see `sage_common.ros.host`.
    """

    default_name: ClassVar[str] = "node"
    parameters_type: ClassVar[type[NodeParameters]] = NodeParameters
    watches: ClassVar[bool] = False
    """True: it looks at a graph from outside and is no node of it; it publishes no diagnostics."""
    _diagnostics: Transient[Diagnostics]
    _latest_messages: Transient[list[LatestMessages]]
    _pressure: Transient[PressureListener]
    _expected_rates: Transient[ExpectedRates]
    state_version: ClassVar[int] = 1
    """Raised when what `state` returns changes its form or its meaning."""

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self.rng = host.rng
        self._expected_rates = ExpectedRates(self)
        self._checkpointer: Checkpointer | None = None

    # -- hooks -------------------------------------------------------------------------------

    def on_configure(self) -> None:
        """Make publishers, subscriptions, timers and services."""

    def on_activate(self) -> None:
        """Load models and open devices; an error leaves the node inactive."""

    def on_deactivate(self) -> None:
        """Release what `on_activate` took."""

    def on_parameters(self) -> None:
        """Parameters that may be changed while the node is active have been: see `parameters`."""

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """All that its later outputs depend on, while nothing is under way.

        That is the declared state, `Transient` included; messages kept by `keep_latest`, timers,
        counters and the random generator are the base's.

        Raises:
            CannotContinue: this node holds something that cannot be written down.
        """
        return pack(self)

    def resume(self, snapshot: Mapping[str, NDArray[Any]]) -> None:
        """Continue from `snapshot`, once active.

        Raises:
            InvalidInput: it is of another node.
        """
        unpack(self, snapshot)
        self._pressure.resumed()

    def state_depends_on(self) -> Mapping[str, object]:
        """Parameters without which `state` has another form: a state of others is refused."""
        return {}

    @classmethod
    def main(cls) -> None:
        """Run one in this process: the executable of a node."""
        from sage_common.ros.process import run_node  # that imports this module

        run_node(cls)

    # -- lifecycle, driven by the host -------------------------------------------------------

    def configure(self) -> None:
        """Read the parameters and set up.

        Raises:
            ParameterError: a parameter is unknown or wrong.
        """
        self.set_health("warn", INACTIVE)
        self.unconfigure()
        self.parameters = self._host.read_parameters(self.parameters_type)
        self.modality_specs = ModalitySpecs(self.parameters.instances)
        if self.modality_specs.missing:
            self.log.warning(self._undeclared())
        self.home = sage_home(self.parameters.home)
        self.on_configure()
        self._host.serve_parameters(self.parameters_type, self._take_parameters)
        self._pressure.listen()
        self._expected_rates.listen(self._gates)
        path = self.home / "state" / f"{self.name}.state"
        checkpointer = self._checkpointer = Checkpointer(self, path)
        if self._learns():
            saver = self.worker("checkpoint")
            spec = service_spec(SAVE_STATE)
            self._host.make_service(spec, self._host.resolve(SAVE_STATE), checkpointer.answer)
            self.timer(self.parameters.checkpoint_period_s, lambda: checkpointer.checkpoint(saver))

    def unconfigure(self) -> None:
        """Forget what the factories made; only its health is published, as it was set last."""
        self.disconnect()
        if not self.watches:
            output = self._host.make_publisher(DIAGNOSTICS, DIAGNOSTICS.name)
            state, hear = filled_topic("state"), self._diagnostics.hear_state
            topic = self._host.resolve(state.name)
            self._host.make_subscription(state, topic, hear, False, self.log.warning)
            self._host.make_timer(
                LOOK_PERIOD_S, lambda: self._publish_diagnostics(output), steady=True
            )

    def activate(self) -> None:
        """Restore the learned state, take devices and models, and start callbacks.

        Raises:
            Exception: what `restore` or `on_activate` raised. All that was taken has been given
                back then, the saved state is as it was, and the node can be activated again.
        """
        try:
            if self.parameters.resume and self._checkpointer is not None:
                self._checkpointer.restore()
            self._set_first_health()
            self.on_activate()
        except Exception:
            self._roll_back()
            raise
        with self.guard:  # what was held comes before what comes now
            self.active = True
            for gate in self._gates:
                gate.open()
        self._pressure.activated()

    def deactivate(self) -> None:
        """Stop callbacks, let workers finish, save the learned state, release everything.

        Raises:
            Exception: what `on_deactivate` raised; callbacks have ended, and the state is saved.
        """
        self._end_callbacks()
        self.save_state()
        self.set_health("warn", INACTIVE)
        self._give_back()
        self._pressure.deactivated()

    # -- health and state --------------------------------------------------------------------

    def set_health(self, level: str, text: str) -> None:
        """Set the node's own health: level ok, warn or error, and why in words.

        Raises:
            ValueError: another level.
        """
        self._diagnostics.set_health(level, text)

    def set_problem(self, cause: str, text: str) -> None:
        """Report an error that lasts until it is cleared with an empty `text`."""
        if text:
            self._diagnostics.problems[cause] = text
        else:
            self._diagnostics.problems.pop(cause, None)

    def set_concern(self, cause: str, text: str) -> None:
        """Report a warning that lasts until it is cleared with an empty `text`."""
        if text:
            self._diagnostics.concerns[cause] = text
        else:
            self._diagnostics.concerns.pop(cause, None)

    def identity(self) -> dict[str, str]:
        """Whose state `state` is, its version, and what it depends on, in words."""
        depends = {name: str(value) for name, value in self.state_depends_on().items()}
        kind = type(self).__name__
        return {"node": self.name, "kind": kind, "version": str(self.state_version), **depends}

    def save_state(self) -> None:
        """Save what was learned now, as a checkpoint does; from a worker, without the guard."""
        if self._checkpointer is not None:
            self._checkpointer.save_or_report()

    @classmethod
    def _learns(cls) -> bool:
        """Whether `state` gives anything."""
        fields = class_fields(cls)
        return cls.state is not SageNode.state or any(f.part is Part.LEARNED for f in fields)

    # -- inside ------------------------------------------------------------------------------

    def _take_parameters(self) -> None:
        with self.guard:
            self.parameters = self._host.read_parameters(self.parameters_type)
            self.guarded(self.on_parameters)

    def _set_first_health(self) -> None:
        if self.modality_specs.missing:
            self.set_health("warn", self._undeclared())
        else:
            self.set_health("ok", "running")

    def _undeclared(self) -> str:
        missing = ", ".join(self.modality_specs.missing)
        return f"instances of what no package declares, so nothing is known of them: {missing}"

    def _end_callbacks(self) -> None:
        """No callback and no job runs after this, unless it takes longer than is waited for."""
        ended = self.guard.acquire(timeout=IDLE_TIMEOUT_S)  # the callback that runs now ends first
        self.active = False
        if ended:
            self.guard.release()
        if not (self._host.wait_idle(IDLE_TIMEOUT_S) and ended):
            self.log.warning(f"a callback or worker did not finish within {IDLE_TIMEOUT_S:g} s")

    def _roll_back(self) -> None:
        """Give back what an activation that failed had taken; nothing is saved."""
        self._end_callbacks()
        try:
            self._give_back()
        except Exception as error:  # noqa: BLE001 - the cause of the failure is what is reported
            self.log.warning(f"after the failed activation: {type(error).__name__}: {error}")

    def _give_back(self) -> None:
        try:
            self.on_deactivate()
        finally:
            with self.guard:
                self._tensors.close()

    def _publish_diagnostics(self, output: Publisher) -> None:
        """Publish the node's health; left out where it would have to wait for a transition."""
        if self.guard.acquire(timeout=DIAGNOSTICS_WAIT_S):
            try:
                self.guarded(self._render_diagnostics, output)
            finally:
                self.guard.release()

    def _render_diagnostics(self, output: Publisher) -> None:
        name = self._host.resolve(self.name)
        now_ns = self.clock.now_ns()
        self.set_problem("clock", "" if now_ns else NO_CLOCK)
        if self._diagnostics.is_due(now_ns, self.active, output.subscriber_count):
            output.publish(self._diagnostics.message(name, now_ns, self.active))
