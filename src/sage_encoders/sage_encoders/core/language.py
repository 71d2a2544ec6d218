"""Words as an embedding of their meaning and a puzzle of how their tokens relate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import CODES, GRID, Percept
from sage_common.core.state.stateful import Stateful
from sage_encoders.core.model import Model
from sage_encoders.core.signature import Signature, Tensor

Floats = NDArray[np.float32]
Tokenize = Callable[[str], list[int]]
"""Token ids of a text, with the two special tokens at its ends."""

LONGEST_TEXT = 4096
BATCH = 64

_TOKENS = Tensor("int64", ("N", "tokens"))
SIGNATURE = Signature(
    inputs={"input_ids": _TOKENS, "attention_mask": _TOKENS, "token_type_ids": _TOKENS},
    outputs={"last_hidden_state": Tensor("float32", ("N", "tokens", "D"))},
)


class TextEmbedder(Stateful):
    """Embeds texts with a sentence transformer (Reimers and Gurevych 2019); needs no ROS.

    Args:
        model: inputs `input_ids`, `attention_mask`, `token_type_ids`, int64 [1, n]; output
            `last_hidden_state` float32 [1, n, D].
        tokenize: text to token ids.
    """

    def __init__(self, model: Model, tokenize: Tokenize) -> None:
        self._model, self._tokenize = model, tokenize

    @property
    def encoder_id(self) -> str:
        """Of the model."""
        return self._model.encoder_id

    def embed(self, text: str) -> Floats:
        """Meaning of a text: float32 [D], unit length.

        Raises:
            InvalidInput: empty, blank, or longer than 4,096 characters.
        """
        return mean_pooled(self._hidden(text))

    def embed_all(self, texts: Sequence[str]) -> Floats:
        """Meanings of many texts: float32 [texts, D], unit length; those of one length at once.

        Raises:
            InvalidInput: as `embed`.
        """
        found = self._embedded(dict(enumerate(map(self._tokens, texts))))
        return np.stack([found[place] for place in range(len(texts))])

    def embed_each(self, texts: Sequence[str]) -> list[Floats | InvalidInput]:
        """As `embed_all`, but what is wrong with a text takes the place of its meaning."""
        tokens: dict[int, NDArray[np.int64]] = {}
        refused: dict[int, InvalidInput] = {}
        for place, text in enumerate(texts):
            try:
                tokens[place] = self._tokens(text)
            except InvalidInput as error:
                refused[place] = error
        found: dict[int, Floats | InvalidInput] = {**self._embedded(tokens), **refused}
        return [found[place] for place in range(len(texts))]

    def _embedded(self, tokens: Mapping[int, NDArray[np.int64]]) -> dict[int, Floats]:
        by_length: dict[int, list[int]] = {}
        for place, ids in tokens.items():
            by_length.setdefault(ids.shape[1], []).append(place)
        found: dict[int, Floats] = {}
        for places in by_length.values():
            for first in range(0, len(places), BATCH):
                some = places[first : first + BATCH]
                hidden = self._run(np.concatenate([tokens[place] for place in some]))
                found.update(zip(some, map(mean_pooled, hidden), strict=True))
        return found

    def percept(self, text: str, stamp_ns: int, source: str) -> Percept:
        """Encode an utterance.

        Args:
            text: the words.
            stamp_ns: when they were said.
            source: who said them.

        Raises:
            InvalidInput: as `embed`.
        """
        hidden = self._hidden(text)
        return Percept(
            stamp_ns=stamp_ns,
            modality="language",
            source=source,
            codes=similarity_puzzle(hidden[1:-1]),
            embedding=mean_pooled(hidden),
            encoder_id=self._model.encoder_id,
            text=text,
        )

    def _hidden(self, text: str) -> Floats:
        hidden: Floats = self._run(self._tokens(text))[0]
        return hidden

    def _tokens(self, text: str) -> NDArray[np.int64]:
        ids = np.array([self._tokenize(checked_text(text))], np.int64)
        if ids.shape[1] < 3:
            # Nothing but control characters, which the tokeniser drops.
            raise InvalidInput("text", text, "words")
        return ids

    def _run(self, ids: NDArray[np.int64]) -> Floats:
        outputs = self._model.run(
            input_ids=ids, attention_mask=np.ones_like(ids), token_type_ids=np.zeros_like(ids)
        )
        hidden: Floats = outputs["last_hidden_state"]
        return hidden


def checked_text(text: str) -> str:
    """The text, if it has words and is not too long.

    Raises:
        InvalidInput: empty, blank, or longer than 4,096 characters.
    """
    if not text.strip():
        raise InvalidInput("text", text, "words")
    if len(text) > LONGEST_TEXT:
        raise InvalidInput("text", f"{len(text)} characters", f"at most {LONGEST_TEXT}")
    return text


def mean_pooled(hidden: Floats) -> Floats:
    """Mean of token vectors [n, D], scaled to unit length: [D]."""
    mean = hidden.mean(axis=0, dtype=np.float64)
    unit: Floats = (mean / max(float(np.linalg.norm(mean)), 1e-12)).astype(np.float32)
    return unit


def similarity_puzzle(tokens: Floats) -> NDArray[np.uint8]:
    """How much each token of a text has to do with each other one.

    The cosine of every pair of contextual token vectors is averaged onto a 30x30 grid over which
    the tokens are spread evenly, in reading order from the upper left, each cell weighted by its
    overlap with the pair. Code c means a mean cosine from c/10 to (c+1)/10; below 0 counts as 0.

    Args:
        tokens: vectors of the tokens without the special ones, [n, D], n >= 1.
    """
    unit = tokens / np.maximum(np.linalg.norm(tokens, axis=1, keepdims=True), 1e-12)
    spread = _overlaps(len(tokens))
    similarity = spread @ (unit @ unit.T).astype(np.float64) @ spread.T
    # A millionth guards the edges of the steps against rounding.
    steps = np.floor(np.clip(similarity, 0.0, 1.0) * CODES + 1e-6)
    codes: NDArray[np.uint8] = np.minimum(steps, CODES - 1).astype(np.uint8)
    return codes


def _overlaps(count: int) -> NDArray[np.float64]:
    """Share of each of 30 cells that each of `count` tokens covers: [30, count], rows sum to 1."""
    edges = np.arange(GRID + 1)[:, None] * (count / GRID)
    tokens = np.arange(count)
    overlap = np.minimum(edges[1:], tokens + 1) - np.maximum(edges[:-1], tokens)
    shares: NDArray[np.float64] = np.clip(overlap, 0.0, None) * (GRID / count)
    return shares
