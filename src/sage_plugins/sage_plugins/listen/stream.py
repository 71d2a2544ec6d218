"""The sound of a microphone, cut into utterances as it comes."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from sage_encoders.backends.speech.voice_activity import CHUNK, VoiceActivity
from sage_encoders.core.speech.endpointer import Endpointer, Speech
from sage_encoders.core.speech.spectrum import SAMPLE_RATE
from sage_orchestrator.core.plugin import HeardSound

NS_PER_S = 1_000_000_000
LARGEST_GAP_NS = NS_PER_S // 20
REST_S = 2.0
"""Nobody speaks for so long: the network's memory of noise is dropped, which makes it deaf to who
speaks then."""
MOST_WAITING = 4
"""Utterances that wait to be understood; the oldest makes room."""


class SoundStream:
    """Finds who speaks when; what was said waits here.

    Args:
        activity: judges the sound.
        endpointer: says where utterances begin and end.
    """

    def __init__(self, activity: VoiceActivity, endpointer: Endpointer) -> None:
        self._activity, self._endpointer = activity, endpointer
        self._rest = np.zeros(0, np.float32)
        self._quiet_s = 0.0
        self.waiting: deque[Speech] = deque()
        self.end_ns: int | None = None
        self.lost = 0

    @property
    def speaking_s(self) -> float:
        """For how long somebody has been speaking; 0: nobody speaks."""
        return self._endpointer.speaking_s

    def take(self, sounds: Sequence[HeardSound]) -> None:
        """Hear the next pieces; where some are missing an utterance ends."""
        for sound in sounds:
            begin_ns = sound.end_ns - len(sound.samples) * NS_PER_S // SAMPLE_RATE
            if self.end_ns is not None and begin_ns - self.end_ns > LARGEST_GAP_NS:
                self._bridge()
            self._hear(sound)
        while len(self.waiting) > MOST_WAITING:
            self.waiting.popleft()
            self.lost += 1

    def _hear(self, sound: HeardSound) -> None:
        samples = np.concatenate([self._rest, sound.samples])
        whole = len(samples) // CHUNK * CHUNK
        self._rest, self.end_ns = samples[whole:], sound.end_ns
        end_ns = sound.end_ns - len(self._rest) * NS_PER_S // SAMPLE_RATE
        probabilities = self._activity.push(samples[:whole])
        chunks = samples[:whole].reshape(-1, CHUNK)
        self.waiting.extend(self._endpointer.push(chunks, probabilities, end_ns))
        self._quiet_s = 0.0 if self.speaking_s else self._quiet_s + whole / SAMPLE_RATE
        if self._quiet_s >= REST_S:
            self._quiet_s = 0.0
            self._activity.forget()

    def _bridge(self) -> None:
        """Sound is missing: what was heard before does not go on."""
        if self.end_ns is not None:
            self.waiting.extend(self._endpointer.end(self.end_ns))
        self._activity.reset()
        self._rest = np.zeros(0, np.float32)
