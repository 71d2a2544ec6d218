"""What the nodes that score one stream have in common: outcomes, state, silence, stillness."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from std_msgs.msg import Header

from sage_common.core.errors import InvalidInput
from sage_common.core.state.fields import State, Transient, renamed
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_common.ros.node import SageNode
from sage_msgs.msg import MetabolicState, Outcome
from sage_snarc.core.dimensions.frozen_input import FrozenInput
from sage_snarc.core.scorer import SalienceResult, Scorer, VectorScorer
from sage_snarc.nodes.messages import invalid_salience, salience_message
from sage_snarc.nodes.outcome_resolver import OutcomeResolver
from sage_snarc.params import ScorerParameters

WATCH_PERIOD_S = 0.5
USUAL_LIMIT_S = 2.0


class StreamScorerNode(SageNode, ABC):
    """One salience message for each sample of a stream; an invalid one while it is silent.

    A sample that cannot be used gives a message with valid = false and total 0, never the last
    good value; it is stamped by the node's clock, for its own stamp may be what is wrong. The
    same sample again and again is scored as any other, and said in the node's health.
    """

    state_version = 2
    parameters: ScorerParameters
    sample_noun: ClassVar[str]
    old_keys = renamed(outcomes="judgements")
    _scorer: State[Scorer | VectorScorer]
    _outcomes: State[OutcomeResolver]
    _source: Transient[str]
    _frame_id: Transient[str]
    _heard_ns: Transient[int | None]
    _frozen_input: Transient[FrozenInput]

    @abstractmethod
    def make_scorer(self) -> Scorer | VectorScorer:
        """The scorer, with nothing learned."""

    @abstractmethod
    def subscribe_samples(self) -> None:
        """Subscribe the stream, with `on_rejected` for what is wrong with it."""

    def on_configure(self) -> None:
        p, modality = self.parameters, self.parameters.modality
        usual_s = 0.0 if self.modality_specs[modality].is_event else USUAL_LIMIT_S
        self.silence_limit_s = p.stale_after_s if p.stale_after_s >= 0.0 else usual_s
        self.frozen_limit_s = p.frozen_after_s if p.frozen_after_s >= 0.0 else usual_s
        self._scorer = self.make_scorer()
        self._outcomes = OutcomeResolver()
        self._source = ""
        self._frame_id = ""
        self._salience = self.publisher("salience", modality=modality)
        self.subscribe_samples()
        self.subscribe("experience", self._outcomes.note)
        self.subscribe("outcome", self._on_outcome)
        self.subscribe("state", self._on_state)
        if self.silence_limit_s > 0.0:
            self.timer(WATCH_PERIOD_S, self._watch)
        self.diagnose(modality=modality, memory=p.memory)

    def on_activate(self) -> None:
        self._heard_ns = None
        self._frozen_input = FrozenInput()

    def state_depends_on(self) -> dict[str, object]:
        return {"modality": self.parameters.modality, "memory": self.parameters.memory}

    def publish_salience(
        self, header: Header, source: str, result: SalienceResult, content: bytes
    ) -> None:
        """Publish what a sample was worth.

        Args:
            header: of the salience.
            source: sensor of the sample.
            result: its score.
            content: bytes that are equal for equal samples.
        """
        self._heard_ns = self.clock.now_ns()
        self._source, self._frame_id = source, header.frame_id
        still_s = self._frozen_input.observe(stamp_ns(header.stamp), content)
        if 0.0 < self.frozen_limit_s <= still_s:
            why = f"the same {self.sample_noun} for {still_s:.1f} s"
            self.set_health("warn", f"{why}: frozen or covered sensor, or constant scene")
        else:
            self.set_health("ok", "running")
        self._salience.publish(salience_message(header, result, self.parameters.grid))

    def publish_invalid(self, header: Header, source: str, why: str) -> None:
        """Publish the defined salience of an input that must not be used."""
        self.set_health("warn", why)
        self._salience.publish(invalid_salience(header, self.parameters.modality, source, why))

    def on_rejected(self, fault: InvalidInput) -> None:
        """A sample did not pass the checks, or the scorer does not take it."""
        self._publish_fault(str(fault))

    def _publish_fault(self, why: str) -> None:
        header = Header(stamp=to_stamp(self.clock.now_ns()), frame_id=self._frame_id)
        self.publish_invalid(header, self._source, why)

    def _watch(self) -> None:
        """Say so, again and again, while a stream that was heard is silent."""
        if self._heard_ns is None:
            self.set_health("warn", f"no {self.sample_noun} yet")
            return
        silent_s = (self.clock.now_ns() - self._heard_ns) * 1e-9
        if silent_s > self.silence_limit_s:
            self._publish_fault(f"no input for {silent_s:.1f} s")

    def _on_state(self, message: MetabolicState) -> None:
        self._scorer.learning = message.learning
        self.diagnose(learning=message.learning)

    def _on_outcome(self, message: Outcome) -> None:
        start_ns, end_ns = self._outcomes.span(message)
        judged = self._scorer.learn(start_ns, end_ns, message.reward)
        self.diagnose(last_outcome=f"{message.reward:+.2f} for {judged} situations")
