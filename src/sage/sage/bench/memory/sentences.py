"""Real sentences, and what the text embedder makes of them."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage.bench.encoders.section import Setting
from sage.bench.salience.percepts import cache_folder, fingerprint, write_arrays
from sage_encoders.backends.minilm import CARD_FILE, OpenTextEmbedder
from sage_encoders.core import language

PAIRS = (Path("text", "stsb-en-train.csv"), Path("text", "stsb-en-dev.csv"))
QUESTIONS = Path("text", "NQ-open.dev.jsonl")
SAME_MEANING = 4.0
"""Pairs that people judged at least so similar, of 5, say the same in other words."""
SEED = 5


@dataclass(frozen=True)
class Sentences:
    """Sentences as the graph's text embedder sees them.

    Attributes:
        texts: all different, in an order without meaning.
        embeddings: float32 [n, D], unit length.
        codes: puzzles, uint8 [n, 30, 30].
        encoder_id: of the embedder.
        paraphrases: pairs (i, j) of sentences that say the same in other words.
    """

    texts: tuple[str, ...]
    embeddings: NDArray[np.float32]
    codes: NDArray[np.uint8]
    encoder_id: str
    paraphrases: tuple[tuple[int, int], ...]

    @property
    def digest(self) -> str:
        """SHA-256 of all texts and embeddings, hex."""
        digest = hashlib.sha256("\n".join(self.texts).encode())
        digest.update(self.embeddings.tobytes())
        return digest.hexdigest()


@lru_cache(maxsize=1)
def sentences(setting: Setting, most: int) -> Sentences:
    """Up to `most` sentences, embedded, or taken from the cache.

    Raises:
        FileNotFoundError: a text file is missing.
        ModelError: the embedder is missing.
    """
    texts, paraphrases = read_texts(setting, most)
    setting.model(CARD_FILE)
    embedder = OpenTextEmbedder(setting.models, "cpu").embedder
    cache = cache_folder()
    words = ("sentences 1", embedder.encoder_id, *texts)
    path = None if cache is None else cache / f"sentences-{fingerprint(words, (language,))}.npz"
    if path is None or not path.is_file():
        percepts = [embedder.percept(text, 0, "bench") for text in texts]
        arrays: dict[str, NDArray[np.generic]] = {
            "embeddings": np.stack([percept.embedding for percept in percepts]),
            "codes": np.stack([percept.codes for percept in percepts]),
        }
        if path is None:
            return _sentences(texts, arrays, embedder.encoder_id, paraphrases)
        write_arrays(path, arrays)
    with np.load(path, allow_pickle=False) as kept:
        return _sentences(texts, dict(kept), embedder.encoder_id, paraphrases)


def read_texts(setting: Setting, most: int) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...]]:
    """Different sentences in random order, and which of them say the same."""
    pairs = []
    for path in PAIRS:
        with setting.file(path).open(newline="") as stream:
            pairs += [(a.strip(), b.strip(), float(score)) for a, b, score in csv.reader(stream)]
    lines = setting.file(QUESTIONS).read_text().splitlines()
    found = [text for a, b, _ in pairs for text in (a, b)]
    found += [json.loads(line)["question"] for line in lines]
    different = sorted(dict.fromkeys(found))
    order = np.random.default_rng(SEED).permutation(len(different))[:most]
    texts = tuple(different[index] for index in order.tolist())
    place = {text: index for index, text in enumerate(texts)}
    same = {
        (place[a], place[b])
        for a, b, score in pairs
        if score >= SAME_MEANING and a != b and a in place and b in place
    }
    return texts, tuple(sorted(same))


def _sentences(
    texts: tuple[str, ...],
    arrays: dict[str, NDArray[np.generic]],
    encoder_id: str,
    paraphrases: tuple[tuple[int, int], ...],
) -> Sentences:
    embeddings = arrays["embeddings"].astype(np.float32)
    return Sentences(texts, embeddings, arrays["codes"].astype(np.uint8), encoder_id, paraphrases)
