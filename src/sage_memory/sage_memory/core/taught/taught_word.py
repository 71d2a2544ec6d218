"""A word that was taught with a few examples, and what it recognises.

The mean of the examples' features is a prototype (J. Snell et al., "Prototypical Networks for
Few-shot Learning", NeurIPS 2017). Something is the word with a probability that a logistic makes of
its cosine with the prototype: too far away, it is rejected.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import Box, Label, Labels
from sage_memory.core.experience import MAX_NAME, MAX_STAMP_NS, check_text, unit_vector
from sage_memory.core.labels.packing import Recognised
from sage_memory.core.taught.examples import MOST_EXAMPLES, Example, pack_examples

MOST_CHARACTERS = 64
REJECTED = 0.25
"""Probability below which something is not the word: as what is no answer of a recall."""
Features = NDArray[np.float32]


class Look(NamedTuple):
    """What was looked at: its features, float32 [D] of length 1, and where it is in the picture."""

    features: Features
    box: Box | None = None


@dataclass(frozen=True)
class Logistic:
    """The probability of being the word, by the cosine with a prototype of so many examples.

    Attributes:
        slope: of the log odds.
        even: cosine at which both are as probable, with one example.
        growth: by how much it grows when there are e times as many.
    """

    slope: float
    even: float
    growth: float

    def probability(self, cosine: float, examples: int) -> float:
        """In (0, 1)."""
        odds = self.slope * (cosine - self.even - self.growth * math.log(examples))
        return 1.0 / (1.0 + math.exp(-odds))


KINDS = {"picture": Logistic(17.05, 0.331, 0.029), "sound": Logistic(8.15, 0.693, 0.024)}
"""What can show a word. Fitted on classes of even number of photos800 and tiny_imagenet, and on
folds 1 to 3 of ESC-10, with 1, 2, 3 and 5 examples, as if one in a hundred showed the word."""


@dataclass(frozen=True)
class TaughtWord:
    """A word with its examples.

    Attributes:
        word: as people say it, in small letters, single spaces; 1 to 64 characters.
        kind: one of `KINDS`.
        features_by: model and version that made the examples' features.
        examples: 1 to 32.
        looked_at: number of the last experience, from the first on, that was looked at for it.
        taught_ns: when it was taught last, since 1970 [ns].
    """

    word: str
    kind: str
    features_by: str
    examples: tuple[Example, ...]
    looked_at: int = 0
    taught_ns: int = 0

    @cached_property
    def blob(self) -> bytes:
        """The examples as they are kept."""
        return pack_examples(self.examples)

    @cached_property
    def crc32(self) -> int:
        """The checksum that its row must have."""
        head = "\0".join((self.word, self.kind, self.features_by)).encode()
        return zlib.crc32(self.blob, zlib.crc32(head))

    @cached_property
    def model_id(self) -> str:
        """The word as a model, whose version its examples are."""
        return f"{models_of(self.kind)}{self.crc32:08x}"

    @cached_property
    def prototype(self) -> Features:
        """Float32 [D], of length 1."""
        mean = np.mean([example.features for example in self.examples], axis=0)
        return unit_vector("features", mean)

    def probability(self, features: Features) -> float:
        """That something with such features, float32 [D] of length 1, is the word."""
        cosine = float(self.prototype @ features)
        return KINDS[self.kind].probability(cosine, len(self.examples))

    def recognised(self, looks: Sequence[Look]) -> Recognised | None:
        """The word as a label of the look that is most probably it; None: all are rejected."""
        best = max(
            (Label(0, self.probability(look.features), look.box) for look in looks),
            key=lambda label: label.probability,
        )
        if best.probability < REJECTED:
            return None
        return Labels(self.model_id, (best,)), (self.word,)


def models_of(kind: str) -> str:
    """What the ids of models begin with that are taught words of a kind."""
    return f"taught-{kind}@"


def is_taught(model_id: str) -> bool:
    """Whether a model is a taught word."""
    return any(model_id.startswith(models_of(kind)) for kind in KINDS)


def plain_word(word: str) -> str:
    """A word as it is kept: small letters, single spaces.

    Raises:
        InvalidInput: nothing is left, it is too long, or no text that can be shown.
    """
    check_text("word", word)
    plain = " ".join(word.lower().split())
    shown = plain.isprintable() and any(map(str.isalnum, plain))
    if not shown or len(plain) > MOST_CHARACTERS:
        raise InvalidInput("word", word, f"a word or a few, 1 to {MOST_CHARACTERS} characters")
    return plain


def checked(word: TaughtWord) -> TaughtWord:
    """The word itself, proven.

    Raises:
        InvalidInput: names the field, its value, and what was expected.
    """
    if plain_word(word.word) != word.word:
        raise InvalidInput("word", word.word, f"{plain_word(word.word)!r}")
    if word.kind not in KINDS:
        raise InvalidInput("kind", word.kind, f"one of {', '.join(KINDS)}")
    check_text("features_by", word.features_by)
    if not 1 <= len(word.features_by) <= MAX_NAME:
        raise InvalidInput("features_by", word.features_by, f"1 to {MAX_NAME} characters")
    sizes = {example.features.size for example in word.examples}
    if not 1 <= len(word.examples) <= MOST_EXAMPLES or len(sizes) != 1:
        found = f"{len(word.examples)} of {sorted(sizes)} features"
        raise InvalidInput("examples", found, f"1 to {MOST_EXAMPLES} of equally many features")
    if not 0 <= word.looked_at <= MAX_STAMP_NS or not 0 <= word.taught_ns <= MAX_STAMP_NS:
        found = f"{word.looked_at}, {word.taught_ns}"
        raise InvalidInput("looked_at, taught_ns", found, "from 0, and a time from 1970 to 2262")
    return word


def taught_again(known: TaughtWord | None, again: TaughtWord) -> TaughtWord:
    """A word with examples that were added; those of another model's features give way.

    Raises:
        InvalidInput: there are too many, or two are the same.
    """
    former = known.examples if known and known.features_by == again.features_by else ()
    word = checked(replace(again, examples=former + again.examples, looked_at=0))
    twice = len(word.examples) - len({one.features.tobytes() for one in word.examples})
    if twice:
        found = f"{twice} of {len(again.examples)} given twice or known"
        raise InvalidInput("examples", found, "each once: the same shows no more the second time")
    return word


def without_examples_of(word: TaughtWord, ids: Collection[bytes]) -> TaughtWord | None:
    """A word without the examples that are of experiences; None: it has no others."""
    left = tuple(example for example in word.examples if example.experience_id not in ids)
    if len(left) == len(word.examples):
        return word
    return replace(word, examples=left, looked_at=0) if left else None
