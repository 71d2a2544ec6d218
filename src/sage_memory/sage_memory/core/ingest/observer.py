"""Percepts and saliences of all modalities come in; moments worth keeping come out."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sage_common.core.clock import NS_PER_MS, NS_PER_S
from sage_common.core.puzzle import Percept
from sage_common.core.specs.modality import ModalitySpec
from sage_common.core.state.fields import State, Transient, renamed
from sage_common.core.state.stateful import Stateful
from sage_common.core.topics import HEARD_WORDS
from sage_common.core.words.quoting import without_quotes
from sage_memory.core.experience import MAX_NAME, Experience
from sage_memory.core.ingest.pose_buffer import PoseBuffer
from sage_memory.core.ingest.privacy import WITHHELD, Privacy, withheld
from sage_memory.core.ingest.short_term import Moment, RetentionPolicy, ShortTermMemory
from sage_memory.core.ingest.utterance_buffer import HeardText, UtteranceBuffer

RECENT_PERCEPTS = 32
EARLY_SALIENCES = 8
SOUND_AFTER_NS = 700 * NS_PER_MS
"""A sound is kept so long after its moment: it is heard when it begins, and goes on."""


@dataclass(frozen=True)
class Scored:
    """The salience of one percept: own dimensions, own and fused total, all in [0, 1].

    `alarms_per_hour`: how often as much is said while nothing happens, over all modalities [1/h].
    `context`: modality -> five dimensions, of all live modalities then.
    """

    surprise: float
    novelty: float
    arousal: float
    reward: float
    conflict: float
    own_total: float
    total: float
    alarms_per_hour: float
    reason: str
    context: Mapping[str, tuple[float, ...]] | None = None


class Observer(Stateful):
    """Joins percepts with their salience by stamp, and judges them in retrospect.

    Args:
        modalities: that are remembered, with what is declared of each.
        policy: how.
        words_window_s: words go with what happens up to this long after them.
        poses: gives moments their place.
        privacy: says what is private; of that neither words nor percepts are held.
    """

    old_keys = renamed(utterances="words", poses="whereabouts")
    new_keys = frozenset({"going_on"})
    utterances: State[UtteranceBuffer]
    poses: State[PoseBuffer]
    unmatched: Transient[int] = 0
    _short_term: State[dict[str, ShortTermMemory]]
    _percepts: Transient[dict[str, deque[Percept]]]
    _early: Transient[dict[str, deque[tuple[int, Scored]]]]
    _going_on: State[list[Moment]]
    """Sounds that are kept once more of them was heard."""

    def __init__(
        self,
        modalities: Mapping[str, ModalitySpec],
        policy: RetentionPolicy,
        words_window_s: float,
        poses: PoseBuffer,
        privacy: Privacy,
    ) -> None:
        self.utterances = UtteranceBuffer(words_window_s)
        self.poses = poses
        self.privacy = privacy
        self._words_window_ns = round(words_window_s * NS_PER_S)
        self._sounds = [name for name, spec in modalities.items() if spec.payload == "sound"]
        self._speaks = {name for name, spec in modalities.items() if spec.words}
        self._window_ns = {n: round(spec.window_s * NS_PER_S) for n, spec in modalities.items()}
        self._percepts = {modality: deque(maxlen=RECENT_PERCEPTS) for modality in modalities}
        self._early = {modality: deque(maxlen=EARLY_SALIENCES) for modality in modalities}
        self._short_term = {modality: ShortTermMemory(policy) for modality in modalities}
        self._going_on = []
        self._newest: dict[str, Moment] = {}

    def perceive(self, percept: Percept) -> Moment | None:
        """Note a percept; the moment that is now kept, if its salience came before it."""
        if self.privacy.why(percept.modality, percept.stamp_ns, percept.source):
            percept = withheld(percept)
        self._percepts[percept.modality].append(percept)
        if percept.text and percept.modality in self._speaks:
            self.utterances.add(
                HeardText(percept.stamp_ns, percept.text, percept.embedding, percept.encoder_id)
            )
        early = self._early[percept.modality]
        for index, (stamp_ns, scored) in enumerate(early):
            if stamp_ns == percept.stamp_ns:
                del early[index]
                return self._join(percept, scored)
        return None

    def hear(self, words: HeardText, source: str) -> bool:
        """Note an utterance, unless it is private; whether it was noted.

        Args:
            words: that were said, or found by a plugin.
            source: whom the message names as its frame: a plugin for what it found.
        """
        if self.privacy.why_words(words.stamp_ns, source):
            return False
        self.utterances.add(words)
        return True

    def note(self, percept: Percept) -> tuple[Moment | None, Moment | None]:
        """Note a percept; what `perceive` keeps of it, and what `spoken` does."""
        return self.perceive(percept), self.spoken(percept)

    def spoken(self, percept: Percept) -> Moment | None:
        """The moment of sound at which words ended that were heard in it, to be kept with them.

        A voice stands out as it begins, when nobody can know its words; they are kept where a
        sound was kept at most the words' window before their end.
        """
        end_ns = percept.stamp_ns
        if percept.source != HEARD_WORDS or not percept.text:
            return None
        if self.privacy.why(percept.modality, end_ns, percept.source):
            return None
        heard = (self._short_term[modality] for modality in self._sounds)
        stood_out = (one for one in heard if one.has_kept(end_ns - self._words_window_ns, end_ns))
        return next((one.after(end_ns) for one in stood_out), None)

    def score(self, modality: str, stamp_ns: int, scored: Scored) -> Moment | None:
        """Note the salience of a percept; the earlier moment that is now kept, if any.

        A salience may come before its percept; one whose percept never comes is counted in
        `unmatched`.
        """
        if modality not in self._percepts:
            return None
        for percept in reversed(self._percepts[modality]):
            if percept.stamp_ns == stamp_ns:
                return self._join(percept, scored)
        early = self._early[modality]
        self.unmatched += len(early) == early.maxlen
        early.append((stamp_ns, scored))
        return None

    def _join(self, percept: Percept, scored: Scored) -> Moment | None:
        # what its own modality says and what all say count alike
        score = 0.5 * (scored.own_total + scored.total)
        moment = Moment(
            percept=percept,
            surprise=scored.surprise,
            novelty=scored.novelty,
            arousal=scored.arousal,
            reward=scored.reward,
            conflict=scored.conflict,
            total=scored.total,
            score=score,
            reason=without_quotes(scored.reason) if self.privacy.is_set else scored.reason,
            context=scored.context,
            alarms_per_hour=scored.alarms_per_hour,
        )
        self._newest[percept.modality] = moment
        kept = self._short_term[percept.modality].add(moment)
        if kept is None or percept.modality not in self._sounds:
            return kept
        self._going_on.append(kept)
        return None

    def expire(self, now_ns: int) -> list[Moment]:
        """Sounds of which enough was heard, and moments that fewer newer ones followed than wished.

        A clock that was set back ends the wait, as does the end of the process: then the next one
        keeps them, without what was heard.
        """
        going_on, self._going_on = self._going_on, []
        heard: list[Moment] = []
        for moment in going_on:
            waits = 0 <= now_ns - moment.percept.stamp_ns < SOUND_AFTER_NS
            (self._going_on if waits else heard).append(moment)
        return heard + [m for buffer in self._short_term.values() for m in buffer.expire(now_ns)]

    def newest(self, modality: str) -> Moment | None:
        """The newest scored moment of a modality; None if there is none yet."""
        return self._newest.get(modality)

    def experience(self, moment: Moment, words: HeardText | None = None) -> Experience:
        """The record of a moment with its own words, and with `words` or else those around it.

        Of a private one it says when, where, by which sense, and how salient it was.
        """
        percept = moment.percept
        why = self.privacy.why(percept.modality, percept.stamp_ns, percept.source)
        if why or percept.encoder_id == WITHHELD:
            blank = replace(moment, percept=withheld(percept), reason=why or "private")
            return self._record(blank, None, "")
        heard = words
        if heard is None and not percept.text:  # its own words are in its own embedding already
            heard = self.utterances.around(percept.stamp_ns)
        if heard is not None and self.privacy.why_words(heard.stamp_ns):
            heard = None
        speaker = self.utterances.speaker_of(percept.stamp_ns, percept.text) if percept.text else ""
        if not speaker and heard is not None:
            speaker = heard.speaker
        return self._record(moment, heard, speaker)

    def _record(self, moment: Moment, heard: HeardText | None, speaker: str) -> Experience:
        percept = moment.percept
        texts = [percept.text, heard.text if heard else ""]
        return Experience(
            start_ns=max(percept.stamp_ns - self._window_ns[percept.modality], 0),
            end_ns=percept.stamp_ns,
            modality=percept.modality,
            source=percept.source,
            codes=percept.codes,
            embedding=percept.embedding,
            encoder_id=percept.encoder_id,
            surprise=moment.surprise,
            novelty=moment.novelty,
            arousal=moment.arousal,
            reward=moment.reward,
            conflict=moment.conflict,
            total=moment.total,
            reason=moment.reason,
            text="\n".join(text for text in texts if text),
            text_embedding=heard.embedding if heard else None,
            text_encoder_id=heard.encoder_id if heard else "",
            place=self.poses.at(percept.stamp_ns),
            entity=speaker[:MAX_NAME],
            context=moment.context,
        )

    def facts(self, now_ns: int) -> dict[str, object]:
        """What did not fit, and what is private, for diagnostics."""
        facts = {"unmatched_saliences": self.unmatched, **self.poses.facts()}
        return facts | self.privacy.facts(now_ns)

    def restored(self) -> None:
        for modality, buffer in self._short_term.items():
            if buffer.newest is not None:
                self._newest[modality] = buffer.newest
