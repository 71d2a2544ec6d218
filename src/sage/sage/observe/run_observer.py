"""A node that watches how a graph is, and takes little for it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray

from sage.observe.highlights import Highlight
from sage.observe.latest import Latest
from sage.observe.tally import Tally
from sage_common.core.diagnosis.node_status import INACTIVE, SUPERVISOR, node_name
from sage_common.core.parameters import NodeParameters, parameter
from sage_common.core.specs.modality import usual_modalities
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.diagnostics import HARDWARE_ID
from sage_common.ros.node import SageNode
from sage_orchestrator.core.metabolism.state import MetabolicState
from sage_orchestrator.core.running.states import PluginState

LISTENER = "sage_command_listener"
"""What the command itself did not take is named so, among what the nodes dropped."""


@dataclass(frozen=True)
class ObserverParameters(NodeParameters):
    """Parameters of an observer."""

    camera: str = parameter("front", doc="camera whose frames are counted")
    modalities: tuple[str, ...] = parameter(usual_modalities(), doc="modalities that are counted")


class RunObserver(SageNode):
    """Hears what is said seldom: health, states, experiences, refinements, and of each second the
    most salient moment, which stands for fused salience in its tally."""

    # In the graph's log it must be plain that the command listens badly, and not a node.
    default_name = LISTENER
    watches = True
    parameters_type = ObserverParameters
    shown_experiences = 5
    salience_topic = "salience_peak"

    def modalities_in_use(self) -> tuple[str, ...]:
        modalities: tuple[str, ...] = self.parameters.modalities
        return modalities

    def on_configure(self) -> None:
        self.tally = Tally()
        self.latest = Latest(modalities=self.parameters.modalities)
        self.subscribe(self.salience_topic, self._fused)
        self.subscribe("state", self._state)
        self.subscribe("refinement", self._refinement)
        self.subscribe("experience", self._experience)
        self.subscribe_foreign(
            "/diagnostics",
            "diagnostic_msgs/msg/DiagnosticArray",
            self._diagnostic,
            stamp_checked=False,
        )

    def _fused(self, message: Any) -> None:
        self.latest.fused = message
        stamp = stamp_ns(message.header.stamp)
        self.tally.states.until(stamp)
        if not message.valid:
            self.tally.invalid["salience"] += 1
            return
        self.tally.fused.add(message.total)
        self.tally.highlights.add(
            Highlight(stamp, message.total, message.alarms_per_hour, message.reason)
        )

    def _state(self, message: Any) -> None:
        self.latest.state = message
        state = MetabolicState(message.state).name
        self.tally.states.heard(state, stamp_ns(message.header.stamp))

    def _refinement(self, message: Any) -> None:
        self.latest.refinements[message.plugin] = message
        failed = PluginState(message.state).failed
        self.tally.refinement(message.plugin, failed, message.reason)

    def _experience(self, message: Any) -> None:
        self.tally.experiences.add(message.id)
        self.latest.experiences = [message, *self.latest.experiences][: self.shown_experiences]

    def _diagnostic(self, message: DiagnosticArray) -> None:
        for status in message.status:
            name = node_name(status)
            if status.hardware_id != HARDWARE_ID or name.startswith((LISTENER, SUPERVISOR)):
                continue  # of other nodes of the robot, and of commands that listen or run it
            self.latest.diagnostics[status.name] = status
            self.latest.reported_s[status.name] = time.monotonic()
            self.latest.counters.note(status)
            if status.message != INACTIVE:
                self.latest.active_s[name] = time.monotonic()
