"""Keeping moments: payload, commit, message, and what they say of those that they are from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sage_common.core.diagnosis import stages
from sage_common.core.errors import InvalidInput
from sage_common.core.state.fields import Transient
from sage_common.core.state.stateful import Stateful
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.node import SageNode
from sage_memory.core.errors import NotStored
from sage_memory.core.experience import Experience, Payload
from sage_memory.core.identifiers import parse_id
from sage_memory.core.ingest.observer import Observer
from sage_memory.core.ingest.payload_policy import keeps_payload
from sage_memory.core.ingest.privacy import WITHHELD
from sage_memory.core.ingest.short_term import Moment
from sage_memory.core.ingest.utterance_buffer import HeardText
from sage_memory.core.labels.packing import Recognised
from sage_memory.core.memory import Memory
from sage_memory.nodes.label_intake import LabelIntake
from sage_memory.nodes.messages import experience_message
from sage_memory.nodes.payload_sources import Encode, PayloadSources
from sage_memory.nodes.picture_naming import PictureNaming
from sage_memory.nodes.reembedder import Reembedder
from sage_memory.params import MemoryParameters
from sage_msgs.msg import Outcome

QUEUE_SIZE = 32
COMMIT_TIMEOUT_S = 30.0


class ExperienceWriter(Stateful):
    """Stores moments on a worker, publishes them when they are safe, and hears outcomes.

    Args:
        node: that keeps.
        opened: gives the open memory, or raises MemoryFailure.
        observer: makes experiences of moments.
        payloads: what goes with them verbatim; None: nothing.
        parameters: of the node.
    """

    _labels: Transient[LabelIntake]

    def __init__(
        self,
        node: SageNode,
        opened: Callable[[], Memory],
        observer: Observer,
        payloads: PayloadSources | None,
        parameters: MemoryParameters,
    ) -> None:
        self._node, self._opened = node, opened
        self._observer = observer
        self._payloads = payloads
        self._half_life_s = parameters.trust_half_life_s
        self._least_affect = parameters.verbatim_affect
        self._kept = node.publisher("experience")
        self._worker = node.worker("keep", QUEUE_SIZE)
        self._store = node.timing(stages.KEEP).around(self._store)
        self._reembedder = Reembedder(node, opened, parameters.reembed_period_s)
        self._labels = LabelIntake(node, parameters, partial(self._worker.submit, self._label))
        self._naming = PictureNaming(node, opened, parameters.name_pictures)
        node.subscribe("outcome", self._on_outcome)

    def later(self, *moments: Moment | None) -> None:
        """Keep those that are moments; returns at once."""
        for moment in filter(None, moments):
            self._worker.submit(self._store, self._observer.experience(moment), self._take(moment))

    def now(self, moment: Moment, words: HeardText | None) -> Experience:
        """Keep a moment with words and sync it; to be called on a worker, without `guard`."""
        with self._node.guard:  # callbacks change the words, poses and pictures around the moment
            experience, encode = self._observer.experience(moment, words), self._take(moment)
        return self._store(experience, encode)

    def drain(self) -> None:
        """Wait until everything that was to be kept is."""
        if not self._worker.wait_idle(COMMIT_TIMEOUT_S):
            self._node.log.warning(f"after {COMMIT_TIMEOUT_S:g} s what waits to be kept is lost")
        self._naming.close()

    def _take(self, moment: Moment) -> Encode:
        percept, sources = moment.percept, self._payloads
        return sources.take(percept.modality, percept.stamp_ns) if sources else lambda: None

    def _store(self, experience: Experience, encode: Encode) -> Experience:
        """Encode the payload, commit, and publish what is then safe; on a worker."""
        try:
            payload = encode() if keeps_payload(experience, self._least_affect) else None
        except InvalidInput as error:
            self._node.log.warning(f"kept without payload: {error}", throttle_s=1.0, key="payload")
            payload = None
        private = experience.encoder_id == WITHHELD
        had = [] if private else self._labels.before(experience)
        with self._naming.taught.unchanged:
            kept = self._remember(experience, payload, self._naming.added(had, experience, payload))
        self._kept.publish(experience_message(kept))
        if not private:
            self._labels.kept(kept, had)
            self._reembedder.note(kept.modality, kept.encoder_id)
        self._learn_about(kept)
        return kept

    def _remember(
        self, experience: Experience, payload: Payload | None, had: list[Recognised]
    ) -> Experience:
        try:
            return self._opened().remember(experience, payload, had).result(COMMIT_TIMEOUT_S)
        except InvalidInput as error:
            if not had:
                raise
            self._node.log.warning(f"kept without labels: {error}", throttle_s=1.0, key="labels")
        return self._opened().remember(experience, payload).result(COMMIT_TIMEOUT_S)

    def _label(self, identifier: bytes, recognised: Recognised) -> None:
        """Set labels that came after their moment was kept; on a worker."""
        try:
            self._opened().label(identifier, *recognised).result(COMMIT_TIMEOUT_S)
        except InvalidInput as error:  # it was forgotten meanwhile, or the names differ
            self._node.log.warning(f"not labelled: {error}", throttle_s=1.0, key="labels")

    def _learn_about(self, kept: Experience) -> None:
        learnt = self._opened().learn_about(kept, self._half_life_s)
        try:
            learnt.result(COMMIT_TIMEOUT_S)
        except (NotStored, TimeoutError) as error:  # the experience itself is kept
            self._node.log.warning(f"kept, but not counted for its sources: {error}")

    def _on_outcome(self, message: Outcome) -> None:
        reward = float(message.reward)
        if message.experience_id:
            identifier = parse_id(message.experience_id, "experience_id")
            self._worker.submit(self._learn_of, identifier, reward)
        elif end_ns := stamp_ns(message.end):
            self._worker.submit(self._learn, stamp_ns(message.start), end_ns, reward)

    def _learn_of(self, identifier: bytes, reward: float) -> None:
        placed = self._opened().of_id(identifier)
        if placed is not None:  # else forgotten, or of another memory: nothing to learn here
            self._learn(placed.experience.start_ns, placed.experience.end_ns, reward)

    def _learn(self, start_ns: int, end_ns: int, reward: float) -> None:
        learnt = self._opened().learn_outcome(start_ns, end_ns, reward, self._half_life_s)
        learnt.result(COMMIT_TIMEOUT_S)  # an error of the commit goes to the worker, which reports
