"""What was said lately: the words that go with a moment, and their meaning."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_S
from sage_common.core.state.arrays import Arrays, json_of
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful

CAPACITY = 64


@dataclass(frozen=True)
class HeardText:
    """An utterance: when it ended, its text, its embedding if an encoder gave one, who said it."""

    stamp_ns: int
    text: str
    embedding: NDArray[np.float32] | None = None
    encoder_id: str = ""
    speaker: str = ""


class UtteranceBuffer(Stateful):
    """The newest utterances, found by time.

    Args:
        window_s: an utterance goes with what happens up to this long after it.
    """

    _heard: State[deque[HeardText]]

    def __init__(self, window_s: float) -> None:
        self._window_ns = round(window_s * NS_PER_S)
        self._heard = deque(maxlen=CAPACITY)

    def add(self, words: HeardText) -> None:
        """Note an utterance; one that is known already gets the embedding and the speaker."""
        for index, known in enumerate(self._heard):
            if known.stamp_ns == words.stamp_ns and known.text == words.text:
                kept = known if words.embedding is None else words
                self._heard[index] = replace(kept, speaker=known.speaker or words.speaker)
                return
        self._heard.append(words)

    def around(self, stamp_ns: int) -> HeardText | None:
        """The latest utterance within the window before `stamp_ns`; None if there is none."""
        fitting = [w for w in self._heard if 0 <= stamp_ns - w.stamp_ns <= self._window_ns]
        return max(fitting, key=lambda words: words.stamp_ns, default=None)

    def speaker_of(self, stamp_ns: int, text: str) -> str:
        """Who said just this; empty if unknown."""
        same = (w.speaker for w in self._heard if w.stamp_ns == stamp_ns and w.text == text)
        return next(same, "")

    def from_old(self, old: Arrays) -> dict[str, object]:
        embeddings = np.split(old["embeddings"], np.cumsum(old["sizes"])[:-1])
        rows = zip(old["stamps"], embeddings, json_of(old["names"]), strict=False)
        return {
            "heard": [
                HeardText(int(stamp), text, vector if encoder_id else None, encoder_id, speaker)
                for stamp, vector, (text, encoder_id, speaker) in rows
            ]
        }
