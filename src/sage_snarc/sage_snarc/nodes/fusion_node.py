"""Fuses the salience of all modalities."""

from __future__ import annotations

from std_msgs.msg import Header

from sage_common.core.diagnosis import stages
from sage_common.core.errors import InvalidInput
from sage_common.core.state.fields import State, Transient, renamed
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_common.ros.latest import LatestMessages
from sage_common.ros.node import SageNode
from sage_msgs.msg import FusedSalience, MetabolicState, Outcome, Salience
from sage_snarc.core.calibration.false_alarms import USUAL_PER_HOUR
from sage_snarc.core.fusion import Fusion
from sage_snarc.core.history import History
from sage_snarc.nodes.explain_service import ExplainService
from sage_snarc.nodes.fused_output import FusedOutput
from sage_snarc.nodes.messages import (
    embedding_of,
    fused_message,
    modal_salience,
    weights_message,
    weights_words,
)
from sage_snarc.nodes.outcome_resolver import OutcomeResolver
from sage_snarc.params import FusionParameters

WATCH_PERIOD_S = 0.5
PUZZLES_KEPT = 4


class FusionNode(SageNode):
    """One fused salience for each salience message; an invalid one while all are silent."""

    default_name = "fusion"
    parameters_type = FusionParameters
    parameters: FusionParameters
    old_keys = renamed(outcomes="judgements")
    _fusion: State[Fusion]
    _outcomes: State[OutcomeResolver]
    _explain_service: Transient[ExplainService]
    _newest: Transient[dict[str, Salience]]
    _heard_ns: Transient[int | None]
    _output: Transient[FusedOutput]

    def modalities_in_use(self) -> tuple[str, ...]:
        return self.parameters.modalities

    def on_configure(self) -> None:
        p, modalities = self.parameters, self.parameters.modalities
        self._fusion = Fusion(modalities, p.max_age_s, p.events, p.false_alarms_per_hour)
        self._outcomes = OutcomeResolver()
        self._explain_service = ExplainService(self, History(modalities, p.history))
        self._newest = {}
        self._puzzles: dict[str, LatestMessages] = {}
        self._to_salience = {name: self.timing(stages.to_salience(name)) for name in modalities}
        self._heard_ns = None
        self._output = FusedOutput(self)
        self._weights = self.publisher("fusion/weights")
        for name in modalities:
            # Only the puzzle that was scored is read, once: most of a puzzle's cost is reading it.
            self._puzzles[name] = self.keep_latest("puzzle", PUZZLES_KEPT, modality=name)
            health = self.subscribe("salience", self._on_salience, modality=name)
            health.timing = self.timing(stages.fuse(name))
        self.subscribe("experience", self._outcomes.note)
        self.subscribe("outcome", self._on_outcome)
        self.subscribe("state", self._on_state)
        self.timer(WATCH_PERIOD_S, self._watch)
        self.diagnose(modalities=", ".join(modalities))

    def on_activate(self) -> None:
        self._heard_ns = None
        self._publish_weights()

    def state_depends_on(self) -> dict[str, object]:
        return {"modalities": ", ".join(self._fusion.modalities)}

    def _on_salience(self, message: Salience) -> None:
        if message.valid:
            self._see_puzzle(message)
        fused = self._fusion.fuse(modal_salience(message))
        self._newest[message.modality] = message
        if fused.valid:
            self._heard_ns = self.clock.now_ns()
            self.set_health("ok", "running")
        now_ns, grids = self.clock.now_ns(), self.parameters.grids
        sent = fused_message(message.header, fused, self._newest, now_ns, grids)
        self._output.publish(sent)
        if message.valid:
            self._to_salience[message.modality].add(self.age_ns(stamp_ns(message.header.stamp)))
        self._explain_service.keep(sent, message)

    def _see_puzzle(self, message: Salience) -> None:
        kept = self._puzzles.get(message.modality)
        if kept is None:
            return
        stamp = stamp_ns(message.header.stamp)
        try:
            puzzle = kept.nearest(stamp)
        except InvalidInput as fault:
            self.log.warning(f"puzzle not used: {fault}", throttle_s=1.0, key="puzzle")
            return
        # The puzzle may still be under way; then this tick has an older view of the modality.
        if puzzle is not None and puzzle.valid and stamp_ns(puzzle.header.stamp) == stamp:
            self._fusion.see(message.modality, stamp, embedding_of(puzzle))

    def _watch(self) -> None:
        """Say so, again and again, while every modality is silent."""
        now_ns = self.clock.now_ns()
        self.diagnose(
            cross_modal_skill=", ".join(
                f"{name} {self._fusion.cross.skill(name):.2f}" for name in self._fusion.modalities
            )
        )
        if self._heard_ns is None:
            self.set_health("warn", "no salience yet")
            return
        silent_s = (now_ns - self._heard_ns) * 1e-9
        if silent_s > self.parameters.max_age_s:
            why = f"no valid salience for {silent_s:.1f} s"
            self.set_health("warn", why)
            message = FusedSalience(header=Header(stamp=to_stamp(now_ns)), reward=0.5)
            message.alarms_per_hour = USUAL_PER_HOUR
            message.reason = message.invalid_reason = why
            self._output.publish(message)
            self._explain_service.keep(message, None)

    def _publish_weights(self) -> None:
        learned = self._fusion.weights.report()
        self._weights.publish(weights_message(learned))
        self.diagnose(**weights_words(learned))

    def _on_state(self, message: MetabolicState) -> None:
        self._fusion.learning = message.learning

    def _on_outcome(self, message: Outcome) -> None:
        start_ns, end_ns = self._outcomes.span(message)
        stamp = stamp_ns(message.header.stamp)
        learned = self._fusion.learn(start_ns, end_ns, message.reward, stamp)
        self.diagnose(last_outcome=f"{message.reward:+.2f}, {'used' if learned else 'not used'}")
        if learned:
            self._publish_weights()
