"""What was understood of an utterance: its words, and how probably each is wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

SPACE = "\u0120"
"""How a token that begins with a space is written."""

TIMES = 3


def byte_of() -> dict[str, int]:
    """The byte that each character of a token stands for, as in GPT-2: printable ones for
    themselves, the others for those from 256 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {
        **{chr(byte): byte for byte in printable},
        **{chr(256 + place): byte for place, byte in enumerate(others)},
    }


_BYTE_OF = byte_of()


@dataclass(frozen=True)
class Word:
    """A word, and how probable it is that it was not said, [0, 1]."""

    text: str
    wrong: float


@dataclass(frozen=True)
class Token:
    """A piece of a word as the vocabulary writes it, and the logarithm of its probability."""

    piece: str
    log_probability: float


def text_of(pieces: Sequence[str]) -> str:
    """The text of pieces of words; bytes that are no UTF-8 are left out."""
    content = bytes(_BYTE_OF[character] for piece in pieces for character in piece)
    return content.decode("utf-8", "ignore").strip()


def words_of(tokens: Sequence[Token], level: float, slope: float) -> list[Word]:
    """The words of tokens; signs belong to the word before them.

    A word is wrong with the probability that a logistic curve has at the logarithm of the
    probability of its least probable piece.

    Args:
        level, slope: of that curve.
    """
    groups: list[list[Token]] = []
    for token in tokens:
        starts = token.piece.startswith(SPACE) and any(c.isalnum() for c in token.piece)
        if starts or not groups:
            groups.append([])
        groups[-1].append(token)
    return [
        Word(
            text_of([token.piece for token in group]),
            1.0 / (1.0 + math.exp(-(level + slope * min(t.log_probability for t in group)))),
        )
        for group in groups
    ]


def repeats(pieces: Sequence[str]) -> bool:
    """Whether the last pieces are the same ones three times over, as the network says them where it
    hears nothing to go on with."""
    for size in range(2, len(pieces) // TIMES + 1):
        last = pieces[-size * TIMES :]
        if all(last[place] == last[place - size] for place in range(size, len(last))):
            return True
    return False
