"""Scores the puzzles of one modality."""

from __future__ import annotations

from sage_common.core.diagnosis import stages
from sage_common.ros.conversions.percepts import percept_of
from sage_common.ros.conversions.stamps import stamp_ns
from sage_msgs.msg import Puzzle
from sage_snarc.core.dimensions.code_arousal import Layout
from sage_snarc.core.scorer import Scorer
from sage_snarc.nodes.places import places_of
from sage_snarc.nodes.stream_scorer_node import StreamScorerNode
from sage_snarc.params import ScorerParameters


class ScorerNode(StreamScorerNode):
    """Salience of puzzles, with the puzzle's own header.

    A puzzle that its encoder calls invalid, or that is older than the silence limit, is not used.
    """

    default_name = "scorer"
    parameters_type = ScorerParameters
    sample_noun = "puzzle"
    _scorer: Scorer

    def make_scorer(self) -> Scorer:
        p = self.parameters
        spec = self.modality_specs[p.modality]
        layout, asked = Layout(spec.layout), p.false_alarms_per_hour
        return Scorer(p.modality, p.memory, places_of(spec), layout, spec.summary, asked)

    def subscribe_samples(self) -> None:
        name = self.parameters.modality
        health = self.subscribe("puzzle", self._on_puzzle, self.on_rejected, modality=name)
        health.timing = self.timing(stages.score(name))

    def on_activate(self) -> None:
        super().on_activate()
        self.diagnose(remembered=self._scorer.remembered)

    def _on_puzzle(self, message: Puzzle) -> None:
        why = self._unusable(message)
        if why:
            self.publish_invalid(message.header, message.source, why)
            return
        resets = self._scorer.resets
        result = self._scorer.score(percept_of(message))
        if self._scorer.resets != resets:
            self.log.warning(f"the encoder is now {message.encoder_id}: starting afresh")
        self.diagnose(remembered=self._scorer.remembered, encoder=message.encoder_id)
        self.publish_salience(message.header, message.source, result, content_of(message))

    def _unusable(self, message: Puzzle) -> str:
        """Why a puzzle must not be used; empty if it may."""
        if not message.valid:
            return str(message.invalid_reason)
        age_s = (self.clock.now_ns() - stamp_ns(message.header.stamp)) * 1e-9
        if 0.0 < self.silence_limit_s < age_s:
            return f"input is {age_s:.1f} s old"
        return ""


def content_of(message: Puzzle) -> bytes:
    """Bytes that are equal for equal puzzles, and for blank ones (all codes the same).

    A covered lens still has the noise of its sensor, which codes do not show.
    """
    codes = bytes(message.codes)
    if codes == codes[:1] * len(codes):
        return codes[:1]
    return codes + bytes(message.embedding)
