"""Where utterances begin and end, by the probability that somebody speaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_encoders.core.speech.spectrum import SAMPLE_RATE

CHUNK = 512
SPEAKS, PAUSES = 0.5, 0.35
"""Probabilities from which on speech begins, and below which it pauses."""
BEFORE_S, LEAST_S = 0.3, 0.25
"""Sound kept before speech was noticed, and speech of less than that is none."""
LAST_PART = 0.25
"""Of an utterance that is too long: it is cut at the quietest place of its last quarter."""
CHUNK_NS = CHUNK * 1_000_000_000 // SAMPLE_RATE

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Speech:
    """Somebody has spoken.

    Attributes:
        samples: 16 kHz, float32 [n].
        end_ns: when the last of them was taken.
        voiced_s: for how long somebody spoke.
    """

    samples: Floats
    end_ns: int
    voiced_s: float


class Endpointer:
    """Cuts a stream into utterances: each ends with a pause, or when it is as long as allowed.

    Args:
        pause_s: silence that ends an utterance.
        longest_s: an utterance that goes on for longer is cut where it is quietest.
    """

    def __init__(self, pause_s: float, longest_s: float) -> None:
        self._pause = max(round(pause_s * SAMPLE_RATE / CHUNK), 1)
        self._longest = round(longest_s * SAMPLE_RATE / CHUNK)
        self._kept_before = round(BEFORE_S * SAMPLE_RATE / CHUNK)
        self._least = round(LEAST_S * SAMPLE_RATE / CHUNK)
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._chunks: list[Floats] = []
        self._probabilities: list[float] = []
        self._speaks = False
        self._quiet = 0

    @property
    def speaking_s(self) -> float:
        """How long the utterance is that has not ended; 0: nobody speaks."""
        return len(self._chunks) * CHUNK / SAMPLE_RATE if self._speaks else 0.0

    def push(self, chunks: Floats, probabilities: Floats, end_ns: int) -> list[Speech]:
        """What ended with the next chunks.

        Args:
            chunks: float32 [N, 512].
            probabilities: that somebody speaks in each, [N].
            end_ns: when the last sample was taken.
        """
        ended = []
        for number, (chunk, probability) in enumerate(
            zip(chunks, probabilities.tolist(), strict=True), 1
        ):
            at_ns = end_ns - (len(chunks) - number) * CHUNK_NS
            self._chunks.append(chunk)
            self._probabilities.append(probability)
            if not self._speaks:
                self._wait(probability)
                continue
            self._quiet = self._quiet + 1 if probability < PAUSES else 0
            if self._quiet >= self._pause:
                ended += self._finished(at_ns)
            elif len(self._chunks) >= self._longest:
                ended += self._cut(at_ns)
        return ended

    def end(self, end_ns: int) -> list[Speech]:
        """What ends because no more sound comes; everything is forgotten then."""
        ended = self._finished(end_ns) if self._speaks else []
        self.reset()
        return ended

    def _wait(self, probability: float) -> None:
        if probability >= SPEAKS:
            self._speaks, self._quiet = True, 0
        else:
            del self._chunks[: -self._kept_before], self._probabilities[: -self._kept_before]

    def _finished(self, now_ns: int) -> list[Speech]:
        """The utterance that a pause has ended."""
        ended = self._taken(len(self._chunks), now_ns - self._quiet * CHUNK_NS)
        self.reset()
        return ended

    def _cut(self, now_ns: int) -> list[Speech]:
        """The first part of an utterance that is too long; the other goes on."""
        begin = round(len(self._chunks) * (1.0 - LAST_PART))
        count = begin + int(np.argmin(self._probabilities[begin:])) + 1
        return self._taken(count, now_ns - (len(self._chunks) - count) * CHUNK_NS)

    def _taken(self, count: int, end_ns: int) -> list[Speech]:
        """The first chunks as an utterance, if somebody speaks in them."""
        samples = np.concatenate(self._chunks[:count])
        voiced = sum(probability >= SPEAKS for probability in self._probabilities[:count])
        del self._chunks[:count], self._probabilities[:count]
        if voiced < self._least:
            return []
        return [Speech(samples, end_ns, voiced * CHUNK / SAMPLE_RATE)]
