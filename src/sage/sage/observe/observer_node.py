"""A node that only watches: it fills a Tally and remembers the newest of everything."""

from __future__ import annotations

from typing import Any

from diagnostic_msgs.msg import DiagnosticArray

from sage.observe.run_observer import LISTENER, RunObserver
from sage.story.standing_out import Named, StandingOut
from sage_common.core.health import InputHealth
from sage_common.ros.conversions.stamps import stamp_ns


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
