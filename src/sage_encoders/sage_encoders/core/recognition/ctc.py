"""Text from what a network with connectionist temporal classification says of each step.

A. Graves et al., "Connectionist Temporal Classification: Labelling Unsegmented Sequence Data with
Recurrent Neural Networks", ICML 2006.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BLANK = 0
SPACE = 0.03
"""Probability from which on there is a space between two characters, though the blank is more
probable: a network that was taught Chinese, too, is shy of spaces. Chosen on signs of development,
where it is 0.005 at most within words, and more between 58 of 60."""


def best_path(
    probabilities: NDArray[np.float32], characters: Sequence[str]
) -> tuple[str, tuple[float, ...]]:
    """The most probable character of each step, repetitions and blanks left out, and spaces.

    Args:
        probabilities: of each character at each step, float32 [steps, 1 + characters]; the first
            is the blank.
        characters: what the others stand for; the last one is the space.

    Returns:
        The text, and the probability of each of its characters but the spaces, [0, 1].

    Raises:
        ValueError: another number of characters.
    """
    if probabilities.ndim != 2 or probabilities.shape[1] != 1 + len(characters):
        raise ValueError(f"{probabilities.shape}: expected [steps, {1 + len(characters)}]")
    best = probabilities.argmax(axis=1)
    starts = np.ones(len(best), np.bool_)
    starts[1:] = best[1:] != best[:-1]
    space = len(characters)
    places = np.flatnonzero(starts & (best != BLANK) & (best != space))
    text, end = "", 0
    for place in places.tolist():
        if text and probabilities[end:place, space].max(initial=0.0) >= SPACE:
            text += characters[space - 1]
        text += characters[best[place] - 1]
        end = place + 1
    return text, tuple(probabilities[places, best[places]].tolist())
