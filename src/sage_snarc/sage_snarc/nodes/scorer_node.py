"""Scores the puzzles of one modality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray
from std_msgs.msg import Header

from sage_common.core.errors import InvalidInput
from sage_common.ros.node import SageNode
from sage_common.ros.process import run_node
from sage_common.ros.stamps import stamp_ns, to_stamp
from sage_msgs.msg import Outcome, Puzzle
from sage_snarc.core.scorer import Scorer
from sage_snarc.nodes.judgements import Judgements
from sage_snarc.nodes.messages import invalid_salience, percept_of, salience_message
from sage_snarc.params import ScorerParameters

WATCH_PERIOD_S = 0.5


class ScorerNode(SageNode):
    """One salience message for each puzzle; an invalid one while the modality is silent.

    A puzzle that cannot be used (invalid, wrong, or older than the silence limit) gives a message
    with valid = false and total 0, never the last good value.
    """

    default_name = "scorer"
    parameters_type = ScorerParameters
    parameters: ScorerParameters

    def on_configure(self) -> None:
        modality = self.parameters.modality
        self._scorer = Scorer(modality, self.parameters.memory)
        self._judgements = Judgements()
        self._source = ""
        self._frame_id = ""
        self._heard_ns: int | None = None
        self._salience = self.publisher("salience", modality=modality)
        self.subscribe("puzzle", self._on_puzzle, modality=modality)
        self.subscribe("experience", self._judgements.note)
        self.subscribe("outcome", self._on_outcome)
        if self.parameters.silence_limit_s > 0.0:
            self.timer(WATCH_PERIOD_S, self._watch)
        self.diagnose(modality=modality, memory=self.parameters.memory)

    def on_activate(self) -> None:
        self._heard_ns = None
        self.diagnose(remembered=self._scorer.remembered)

    def state(self) -> Mapping[str, NDArray[Any]]:
        return self._scorer.state()

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._scorer.restore(state)

    def _on_puzzle(self, message: Puzzle) -> None:
        now_ns = self.clock.now_ns()
        age_s = (now_ns - stamp_ns(message.header.stamp)) * 1e-9
        limit_s = self.parameters.silence_limit_s
        if not message.valid:
            self._publish_invalid(message.header, message.source, message.invalid_reason)
            return
        if 0.0 < limit_s < age_s:
            self._publish_invalid(message.header, message.source, f"input is {age_s:.1f} s old")
            return
        try:
            resets = self._scorer.resets
            result = self._scorer.score(percept_of(message))
        except InvalidInput as fault:
            self._publish_invalid(message.header, message.source, str(fault))
            raise
        if self._scorer.resets != resets:
            self.log.warning(f"the encoder is now {message.encoder_id}: starting afresh")
        self._heard_ns = now_ns
        self._source, self._frame_id = message.source, message.header.frame_id
        self.set_health("ok", "running")
        self.diagnose(remembered=self._scorer.remembered, encoder=message.encoder_id)
        self._salience.publish(salience_message(message.header, result))

    def _publish_invalid(self, header: Header, source: str, why: str) -> None:
        self.set_health("warn", why)
        self._salience.publish(invalid_salience(header, self.parameters.modality, source, why))

    def _watch(self) -> None:
        """Say so, again and again, while a modality that was heard is silent."""
        now_ns = self.clock.now_ns()
        if self._heard_ns is None:
            self.set_health("warn", "no puzzle yet")
            return
        silent_s = (now_ns - self._heard_ns) * 1e-9
        if silent_s > self.parameters.silence_limit_s:
            header = Header(stamp=to_stamp(now_ns), frame_id=self._frame_id)
            self._publish_invalid(header, self._source, f"no input for {silent_s:.1f} s")

    def _on_outcome(self, message: Outcome) -> None:
        start_ns, end_ns = self._judgements.span(message)
        judged = self._scorer.learn(start_ns, end_ns, message.reward)
        self.diagnose(last_outcome=f"{message.reward:+.2f} for {judged} situations")


def main() -> None:
    run_node(ScorerNode)


if __name__ == "__main__":
    main()
