"""How well sounds are named, as ONNX file and as figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_encoders.backends.onnx_protobuf import GraphWriter
from sage_encoders.backends.speech.sound_classifier import CLASSES
from sage_encoders.backends.speech.speech_recogniser import WIDTH
from sage_training.sounds.examples import NONE, Example

NAMED, BINS = 0.5, 10
"""Probability from which on a name counts as one; bins of the calibration error."""

Floats = NDArray[np.float32]


def classifier_file(weight: Floats, bias: Floats) -> bytes:
    """The ONNX file: `features` float32 [N, S, 384] -> `probabilities` float32 [N, 10].

    Args:
        weight: of mean and deviation, float32 [10, 768].
        bias: float32 [10].
    """
    graph = GraphWriter(inline_bytes=None)
    mean = graph.node("ReduceMean", ["features"], "mean", axes=(1,), keepdims=1)
    apart = graph.node("Sub", ["features", mean], "apart")
    squares = graph.node("Mul", [apart, apart], "squares")
    variance = graph.node("ReduceMean", [squares], "variance", axes=(1,), keepdims=1)
    deviation = graph.node("Sqrt", [variance], "deviation")
    both = graph.node("Concat", [mean, deviation], "both", axis=2)
    flat = graph.node("Flatten", [both], "flat", axis=1)
    parts = [graph.constant("weight", weight), graph.constant("bias", bias)]
    logits = graph.node("Gemm", [flat, *parts], "logits", transB=1)
    graph.node("Sigmoid", [logits], "probabilities")
    floats = np.dtype(np.float32)
    return graph.model(
        {"features": (floats, ("N", "S", WIDTH))},
        {"probabilities": (floats, ("N", len(CLASSES)))},
    )


def figures(probabilities: Floats, held_out: Sequence[Example]) -> dict[str, Any]:
    """Of probabilities [N, 10] for examples that were held out."""
    labels = np.array([one.label for one in held_out])
    clean = np.array([one.is_clean for one in held_out])
    best, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    known = labels != NONE
    return {
        "clips": int((known & clean).sum()),
        "right": round(float(right[known & clean].mean()), 4),
        "right_over_noise": round(float(right[known & ~clean].mean()), 4),
        "named": round(float((best[known & clean] >= NAMED).mean()), 4),
        "named_wrong": round(float((~right & (best >= NAMED))[known & clean].mean()), 4),
        "none_of_them": int((~known).sum()),
        "none_named": round(float((best[~known] >= NAMED).mean()), 4),
        "calibration_error": round(calibration_error(best, right), 4),
        "baseline_chance_right": 1.0 / len(CLASSES),
    }


def calibration_error(said: Floats, right: NDArray[np.bool_]) -> float:
    """Mean distance of probability and share of right ones, over ten bins of equal width."""
    place = np.minimum((said * BINS).astype(int), BINS - 1)
    bins = [place == number for number in range(BINS)]
    return float(sum(abs(said[b].mean() - right[b].mean()) * b.mean() for b in bins if b.any()))
