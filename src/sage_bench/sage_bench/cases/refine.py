"""Refinement plugins: what their steps are worth, on held-out data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from sage_bench.encoders.timing import Variant, alternating_ms, row_of_variants
from sage_bench.recognition import (
    answers,
    faces,
    found_objects,
    hearing,
    listening,
    met,
    pasted,
    reading,
    scenes,
    taught,
    words,
)
from sage_bench.recognition.pictures import Named, named, photographs, thumbnails
from sage_bench.result import Result, Row
from sage_common.core.home import sha256_of
from sage_encoders.backends.class_judge import ClassJudge
from sage_encoders.backends.minilm import OpenTextEmbedder
from sage_encoders.backends.model_registry import ModelRegistry
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.backends.reading import text_detector, text_recogniser
from sage_encoders.backends.speech import sound_classifier, speech_recogniser, voice_activity
from sage_encoders.core.card import ModelError
from sage_encoders.core.recognition.concepts import Concepts, read_concepts
from sage_encoders.core.recognition.detector import MODEL as DETECTOR
from sage_encoders.core.recognition.face_detector import MODEL as FACES
from sage_encoders.core.recognition.picture_classifier import MODEL, SIGNATURE, PictureClassifier
from sage_sensors.backends.recording import data_folder

PRECISIONS = ("int8", "fp32")
CALIBRATION_GOAL, STEP_GOAL_MS = 0.05, 5.0
BINS = 10


def measure(quick: bool) -> Result:
    """All rows."""
    data, models = data_folder(), models_folder()
    concepts = read_concepts(models)
    every = 5 if quick else 1
    found: list[Row] = []
    with _classifiers(models) as classifiers:
        sets = {
            "photographs": lambda: photographs(data, concepts),
            "thumbnails": lambda: thumbnails(data, concepts, every),
        }
        seen = {
            (name, precision): named(classifier, pictures())
            for name, pictures in sets.items()
            for precision, classifier in classifiers.items()
        }
        embedder = OpenTextEmbedder(models).embedder
        judge = ClassJudge(lambda text: (embedder.embed(text), embedder.encoder_id), _fail)
        fits = _fits(concepts, judge)
        for name in sets:
            by_precision = {precision: seen[name, precision] for precision in PRECISIONS}
            found += _quality(name, by_precision)
            found += words.rows(name, by_precision["int8"], concepts, fits)
        names, test = tuple(concepts.class_names), seen["photographs", "int8"]
        found += answers.rows(data, test, names, fits, embedder)
        int8 = classifiers["int8"]
        found += scenes.rows("scenes", scenes.things(data, concepts), int8)
        put = pasted.things(data, concepts, 1 if quick else 3)
        found += scenes.rows("photographs in frames", put, int8)
        found += found_objects.rows(data, models, concepts, int8, judge)
        found.append(_time(classifiers, 60 if quick else 300))
    small = seen["thumbnails", "int8"]
    found += taught.rows(data, models, concepts, small, test, every)
    found += met.rows(data, concepts, every)
    found += reading.rows(data, models, concepts, quick)
    found += faces.rows(data, models)
    found += listening.rows(data, models, quick)
    found += hearing.rows(data, models, quick)
    reads = text_detector.MODEL, text_recogniser.MODEL
    hears = voice_activity.MODEL, speech_recogniser.ENCODER, speech_recogniser.DECODER
    networks = (f"{MODEL}_int8", *reads, FACES, *hears, sound_classifier.MODEL)
    files = [models / f"{name}.onnx" for name in (*networks, f"{DETECTOR}_int8")]
    inputs = {path.name: sha256_of(path) for path in files if path.is_file()}
    return Result("refine", quick, inputs, tuple(found))


@contextmanager
def _classifiers(models: Path) -> Iterator[dict[str, PictureClassifier]]:
    registry = ModelRegistry()
    leases = {p: registry.open(MODEL, models, p, "cpu", signature=SIGNATURE) for p in PRECISIONS}
    try:
        yield {p: PictureClassifier(lease.model, resize) for p, lease in leases.items()}
    finally:
        for lease in leases.values():
            lease.close()


def _fits(concepts: Concepts, judge: ClassJudge) -> words.Fits:
    """As a recall judges classes."""
    vocabularies = {MODEL: tuple(concepts.class_names)}
    return lambda text: judge(text, vocabularies)[MODEL]


def _fail(fault: str) -> None:
    raise ModelError(fault)


def _quality(name: str, seen: dict[str, Named]) -> list[Row]:
    right = {
        p: float((n.probabilities.argmax(axis=1) == n.classes).mean()) for p, n in seen.items()
    }
    error = {p: calibration_error(n) for p, n in seen.items()}
    count = len(seen["int8"].classes)
    return [
        Row(
            f"{name}: right, int8", right["int8"], "", right["fp32"] - 0.01, "higher",
            {"fp32": right["fp32"], "chance": 0.001}, count,
        ),
        Row(
            f"{name}: calibration error, int8", error["int8"], "", CALIBRATION_GOAL, "lower",
            {"fp32": error["fp32"]}, count,
        ),
    ]  # fmt: skip


def calibration_error(seen: Named) -> float:
    """Mean distance of confidence and share of right answers, over ten bins of confidence."""
    sure = seen.probabilities.max(axis=1)
    right = seen.probabilities.argmax(axis=1) == seen.classes
    bins = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    apart = [
        float(abs(sure[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean())
        for b in np.unique(bins)
    ]
    return sum(apart)


def _time(classifiers: dict[str, PictureClassifier], runs: int) -> Row:
    frame = np.random.default_rng(0).integers(0, 256, (480, 848, 3), np.uint8)
    taken = alternating_ms(
        {p: Variant(lambda _, c=c: c.name(frame)) for p, c in classifiers.items()}, runs
    )
    ours = {"ours": taken["int8"], "fp32": taken["fp32"]}
    return row_of_variants("a look, 848x480, one core, p50", ours, STEP_GOAL_MS)
