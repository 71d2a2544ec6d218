"""The text embedder: time, and how near int8 is to sentence-transformers."""

from __future__ import annotations

import numpy as np

from sage_bench.encoders.section import Figures, Setting
from sage_bench.encoders.timing import Variant, alternating_ms, row_of_variants
from sage_bench.result import Row
from sage_encoders.backends import sentence_transformer
from sage_encoders.backends.minilm import CARD_FILE, OpenTextEmbedder
from sage_encoders.core.language import TextEmbedder
from sage_training.language.measures import PAIRS, measure, sentence_pairs

GOAL_COSINE = 0.999
SENTENCES = 200
EVERY_PAIR_QUICK = 15
FP32 = "sentence-transformers, fp32"
INT8 = "ONNX Runtime, int8"


def rows(setting: Setting) -> Figures:
    """Time of a sentence, cosine to the FP32 network, rank correlation with people's scores."""
    setting.model(CARD_FILE)
    pairs = sentence_pairs(setting.file(PAIRS))
    embedders = {INT8: OpenTextEmbedder(setting.models, "cpu").embedder}
    missing = sentence_transformer.missing_packages()
    if not missing:
        model = sentence_transformer.SentenceTransformerModel("cpu", "fp32", 1)
        embedders[FP32] = TextEmbedder(model, model.tokenize)
    sentences = [pair[0] for pair in pairs[:: len(pairs) // SENTENCES]]
    found = [_time_row(embedders, sentences, setting)]
    if not missing:
        found.append(_cosine_row(embedders, sentences[::8] if setting.quick else sentences))
    if setting.quick:
        pairs, embedders = pairs[::EVERY_PAIR_QUICK], {INT8: embedders[INT8]}
    found.append(_spearman_row(embedders, pairs))
    if not missing:
        return Figures(tuple(found))
    note = f"{', '.join(missing)} not installed (requirements/thor.in): no cosine to {FP32}"
    return Figures(tuple(found), (note,))


def _time_row(embedders: dict[str, TextEmbedder], sentences: list[str], setting: Setting) -> Row:
    def embedding(embedder: TextEmbedder) -> Variant:
        return Variant(lambda number: embedder.embed(sentences[number % len(sentences)]))

    variants = {name: embedding(embedder) for name, embedder in embedders.items()}
    taken_ms = alternating_ms(variants, setting.runs, setting.limit_s)
    return row_of_variants("language embed a sentence, one core, p50", taken_ms)


def _cosine_row(embedders: dict[str, TextEmbedder], sentences: list[str]) -> Row:
    cosines = [
        float(embedders[INT8].embed(text) @ embedders[FP32].embed(text)) for text in sentences
    ]
    return Row(
        f"language cosine of int8 to {FP32}, lowest", min(cosines), "", GOAL_COSINE,
        "higher", {"mean": float(np.mean(cosines))}, len(cosines),
    )  # fmt: skip


def _spearman_row(embedders: dict[str, TextEmbedder], pairs: list[tuple[str, str, float]]) -> Row:
    measured = {name: measure(embedder, pairs) for name, embedder in embedders.items()}
    baselines = {FP32: measured[FP32]["spearman"]} if FP32 in measured else {}
    baselines["shared words"] = measured[INT8]["baseline_spearman_shared_words"]
    return Row(
        "language Spearman on STS-B dev", measured[INT8]["spearman"], "",
        better="higher", baselines=baselines, samples=len(pairs),
    )  # fmt: skip
