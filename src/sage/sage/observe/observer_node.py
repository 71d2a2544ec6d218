"""Nodes that only watch: they fill a Tally and remember the newest of what they hear."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray

from sage.observe.highlights import Highlight
from sage.observe.latest import Latest
from sage.observe.tally import Tally
from sage.story.standing_out import Named, StandingOut
from sage_common.core.diagnosis.node_status import INACTIVE, SUPERVISOR, node_name
from sage_common.core.health import InputHealth
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


class ObserverNode(RunObserver):
    """Counts what a running graph publishes, from outside."""

    salience_topic = "fused_salience"

    def on_configure(self) -> None:
        super().on_configure()
        self.standing_out = StandingOut()
        self._puzzle_healths: list[InputHealth] = []
        self.subscribe("camera/info", self._frame, name=self.parameters.camera)
        for modality in self.parameters.modalities:
            health = self.subscribe("puzzle", self._puzzle, modality=modality)
            self._puzzle_healths.append(health)
            self.subscribe("salience", self._salience, modality=modality)
        self.subscribe("attention", self._attention)
        self.subscribe("budget", self._budget)
        self.subscribe("text", self._text)

    def _frame(self, message: Any) -> None:
        self.tally.frames.announced(stamp_ns(message.header.stamp))

    def _puzzle(self, message: Any) -> None:
        if not message.valid:
            self.tally.invalid[f"{message.modality}/puzzle"] += 1
            return
        self.tally.puzzle(message.modality, stamp_ns(message.header.stamp), message.encode_ms)
        self.latest.puzzles[message.modality] = message

    def _salience(self, message: Any) -> None:
        self.latest.saliences[message.modality] = message
        if not message.valid:
            self.tally.invalid[f"{message.modality}/salience"] += 1
            return
        self.tally.salience[message.modality].add(message.total)

    def _fused(self, message: Any) -> None:
        super()._fused(message)
        if not message.valid:
            return
        stamp = stamp_ns(message.header.stamp)
        self.standing_out.look(stamp, message.total, message.dominant_modality, message.reason)
        # The scorer's word that it has no picture has no frame's latency.
        live = {item.modality for item in message.modalities}
        seen = self.tally.camera_modality
        if message.trigger_modality == seen and seen in live:
            self.tally.latency_ms.add(message.latency_ms)

    def _attention(self, message: Any) -> None:
        self.latest.attention = message

    def _budget(self, message: Any) -> None:
        self.latest.budget = message
        for plugin in message.plugins:
            self.tally.spent_atp[plugin.name] += plugin.spent_atp

    def _refinement(self, message: Any) -> None:
        super()._refinement(message)
        if message.labels:
            names = (message.plugin, message.modality, message.answer)
            self.standing_out.name(Named(stamp_ns(message.header.stamp), *names))

    def _text(self, message: Any) -> None:
        said = (message.header.frame_id, "language", f'"{message.text}"')
        self.standing_out.name(Named(stamp_ns(message.header.stamp), *said))

    def _diagnostic(self, message: DiagnosticArray) -> None:
        super()._diagnostic(message)
        for health in self._puzzle_healths:
            self.latest.counters.set(LISTENER, f"{health.topic} rejected", health.rejected)
