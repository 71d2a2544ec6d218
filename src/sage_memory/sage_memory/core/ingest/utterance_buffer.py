"""What was said lately: the words that go with a moment, and their meaning."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_S

CAPACITY = 64


@dataclass(frozen=True)
class Words:
    """An utterance: when it ended, its text, its embedding if an encoder gave one, who said it."""

    stamp_ns: int
    text: str
    embedding: NDArray[np.float32] | None = None
    encoder_id: str = ""
    speaker: str = ""


class WordsHeard:
    """The newest utterances, found by time.

    Args:
        window_s: an utterance goes with what happens up to this long after it.
    """

    def __init__(self, window_s: float) -> None:
        self._window_ns = round(window_s * NS_PER_S)
        self._heard: deque[Words] = deque(maxlen=CAPACITY)

    def add(self, words: Words) -> None:
        """Note an utterance; one that is known already gets the embedding and the speaker."""
        for index, known in enumerate(self._heard):
            if known.stamp_ns == words.stamp_ns and known.text == words.text:
                told = known if words.embedding is None else words
                self._heard[index] = replace(told, speaker=known.speaker or words.speaker)
                return
        self._heard.append(words)

    def around(self, stamp_ns: int) -> Words | None:
        """The latest utterance within the window before `stamp_ns`; None if there is none."""
        fitting = [w for w in self._heard if 0 <= stamp_ns - w.stamp_ns <= self._window_ns]
        return max(fitting, key=lambda words: words.stamp_ns, default=None)

    def speaker_of(self, stamp_ns: int, text: str) -> str:
        """Who said just this; empty if unknown."""
        same = (w.speaker for w in self._heard if w.stamp_ns == stamp_ns and w.text == text)
        return next(same, "")

    def state(self) -> dict[str, NDArray[Any]]:
        """All that `restore` needs."""
        nothing = np.zeros(0, np.float32)
        embeddings = [nothing if w.embedding is None else w.embedding for w in self._heard]
        names = [[w.text, w.encoder_id, w.speaker] for w in self._heard]
        return {
            "stamps": np.array([w.stamp_ns for w in self._heard], np.int64),
            "sizes": np.array([e.size for e in embeddings], np.int64),
            "embeddings": np.concatenate([nothing, *embeddings]),
            "names": np.frombuffer(json.dumps(names).encode(), np.uint8),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from what `state` returned.

        Raises:
            KeyError, ValueError: it is not such a state.
        """
        names = json.loads(state["names"].tobytes())
        embeddings = np.split(state["embeddings"], np.cumsum(state["sizes"])[:-1])
        self._heard = deque(
            (
                Words(int(stamp), text, vector if encoder_id else None, encoder_id, speaker)
                for stamp, vector, (text, encoder_id, speaker) in zip(
                    state["stamps"], embeddings, names, strict=False
                )
            ),
            maxlen=CAPACITY,
        )
