"""What was understood of an utterance so far."""

from __future__ import annotations

from dataclasses import dataclass

from sage_encoders.backends.speech.speech_recogniser import Heard, Transcript
from sage_encoders.core.speech.endpointer import Speech

USUAL_TOKENS_PER_S = 3.5
MOST_PROGRESS = 0.9
"""Before it is at its end, nobody knows that there is no more."""


@dataclass(frozen=True)
class ListenState:
    """What was understood of an utterance so far.

    Attributes:
        speech: the utterance.
        heard: what the encoder made of it; None: nothing yet.
        transcript: its first words; None: none yet.
    """

    speech: Speech
    heard: Heard | None = None
    transcript: Transcript | None = None

    @property
    def is_done(self) -> bool:
        """Whether all of it is understood."""
        return self.transcript is not None and self.transcript.is_done

    @property
    def wrong(self) -> float:
        """Mean probability that a word is wrong, [0, 1]; what was not written down yet is."""
        if self.transcript is None:
            return 1.0
        if self.transcript.is_done:
            return self.transcript.wrong
        usual = USUAL_TOKENS_PER_S * max(self.speech.voiced_s, 1.0)
        progress = min(len(self.transcript.tokens) / usual, MOST_PROGRESS)
        return 1.0 - progress * (1.0 - self.transcript.wrong)
