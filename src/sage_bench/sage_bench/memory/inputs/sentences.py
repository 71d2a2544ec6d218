"""Real sentences, and what the text embedder makes of them."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_bench.encoders.section import Setting
from sage_bench.memory.inputs.embedded import Embedded
from sage_bench.salience.streams.percepts import cache_folder, fingerprint, write_arrays
from sage_encoders.backends.minilm import CARD_FILE, OpenTextEmbedder
from sage_encoders.core import language
from sage_encoders.core.language import TextEmbedder

PAIRS = (Path("text", "stsb-en-train.csv"), Path("text", "stsb-en-dev.csv"))
QUESTIONS = Path("text", "NQ-open.dev.jsonl")
SAME_MEANING = 4.0
"""Pairs that people judged at least so similar, of 5, say the same in other words."""
SEED = 5
BLOCK = 500
ARRAYS = ("embeddings", "codes")


@dataclass(frozen=True)
class Sentences(Embedded):
    """Sentences as the graph's text embedder sees them.

    Attributes:
        paraphrases: pairs (i, j) of sentences that say the same in other words.
    """

    paraphrases: tuple[tuple[int, int], ...]


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
    blocks = [texts[begin : begin + BLOCK] for begin in range(0, len(texts), BLOCK)]
    found = [_embedded(block, embedder) for block in blocks]
    embeddings, codes = (np.concatenate([part[name] for part in found]) for name in ARRAYS)
    return Sentences(texts, embeddings, codes, embedder.encoder_id, paraphrases)


def _embedded(texts: tuple[str, ...], embedder: TextEmbedder) -> dict[str, NDArray[Any]]:
    """What the embedder makes of some texts, or what the cache has of them."""
    cache = cache_folder()
    words = ("sentences 1", embedder.encoder_id, *texts)
    path = None if cache is None else cache / f"sentences-{fingerprint(words, (language,))}.npz"
    if path is not None and path.is_file():
        with np.load(path, allow_pickle=False) as kept:
            return dict(kept)
    percepts = [embedder.percept(text, 0, "bench") for text in texts]
    arrays = {
        "embeddings": np.stack([percept.embedding for percept in percepts]),
        "codes": np.stack([percept.codes for percept in percepts]),
    }
    if path is not None:
        write_arrays(path, arrays)
    return arrays


def read_texts(setting: Setting, most: int) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...]]:
    """Different sentences in random order, and which of them say the same."""
    pairs = []
    for path in PAIRS:
        with setting.file(path).open(newline="") as stream:
            pairs += [(a.strip(), b.strip(), float(score)) for a, b, score in csv.reader(stream)]
    lines = setting.file(QUESTIONS).read_text().splitlines()
    alike = [text for a, b, score in pairs if score >= SAME_MEANING and a != b for text in (a, b)]
    others = [text for a, b, _ in pairs for text in (a, b)]
    others += [json.loads(line)["question"] for line in lines]
    generator = np.random.default_rng(SEED)
    # Half of a choice are sentences of which another one says the same, if there are so many.
    first = list(dict.fromkeys(alike))[: most // 2]
    rest = sorted(set(others) - set(first))
    rest = [rest[index] for index in generator.permutation(len(rest))[: most - len(first)]]
    chosen = first + rest
    texts = tuple(chosen[index] for index in generator.permutation(len(chosen)).tolist())
    place = {text: index for index, text in enumerate(texts)}
    same = {
        (place[a], place[b])
        for a, b, score in pairs
        if score >= SAME_MEANING and a != b and a in place and b in place
    }
    return texts, tuple(sorted(same))
