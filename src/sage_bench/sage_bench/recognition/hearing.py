"""What naming sounds is worth: right names, calibration, names of what is none, and time."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from sage_bench.result import Row, row_of_samples
from sage_encoders.backends.model_registry import ModelRegistry
from sage_encoders.backends.speech import sound_classifier, speech_recogniser
from sage_encoders.backends.speech.sound_classifier import CLASSES, SoundClassifier
from sage_encoders.core import audio
from sage_encoders.core.audio import AudioEncoder
from sage_training import data as recorded
from sage_training.nearest_neighbours import accuracy
from sage_training.sounds.examples import examples
from sage_training.sounds.measures import figures

RIGHT_GOAL, CALIBRATION_GOAL = 0.88, 0.05
SECOND = recorded.SAMPLE_RATE
HELD_OUT_FOLD = 4


def rows(data: Path, models: Path, quick: bool) -> list[Row]:
    """Fold 4 of ESC-10 as it is and over held-out noise, and what is none of the classes."""
    held_out = [one for one in examples(data, np.random.default_rng(0)) if one.is_held_out]
    held_out = held_out[:: 7 if quick else 1]
    registry = ModelRegistry()
    encoder = registry.open(
        speech_recogniser.ENCODER, models, "int8", "cpu",
        signature=speech_recogniser.ENCODER_SIGNATURE,
    )  # fmt: skip
    name, signature = sound_classifier.MODEL, sound_classifier.SIGNATURE
    with encoder as first, registry.open(name, models, "fp32", "cpu", signature=signature) as head:
        classifier = SoundClassifier(first, head)
        taken_ms, found = [], np.zeros((len(held_out), len(CLASSES)), np.float32)
        for number, one in enumerate(held_out):
            began = time.process_time()
            for label in classifier.name(one.samples).labels:
                found[number, label.number] = label.probability
            taken_ms.append(1e3 * (time.process_time() - began))
    measured = figures(found, held_out)
    chance, none, count = 1.0 / len(CLASSES), measured["none_of_them"], len(held_out)
    neighbours = _neighbours(data, models, registry)
    beside = {"chance": chance, "5 nearest by our audio encoder": neighbours}
    clips = measured["clips"]
    return [
        Row("sounds: right", measured["right"], "", RIGHT_GOAL, "higher", beside, clips),
        Row("sounds over other noise: right", measured["right_over_noise"], "", None, "higher",
            {"chance": chance}, count - clips - none),
        Row("sounds: calibration error", measured["calibration_error"], "", CALIBRATION_GOAL,
            samples=count),
        Row("rooms, streets, speech: named all the same", measured["none_named"], "",
            samples=none),
        row_of_samples("naming a sound, processor time, one core", taken_ms, "ms"),
    ]  # fmt: skip


def _neighbours(data: Path, models: Path, registry: ModelRegistry) -> float:
    """The same clips by the five nearest of folds 1 to 3, each the mean of its seconds."""
    with registry.open(audio.MODEL, models, "auto", "cpu", signature=audio.SIGNATURE) as model:
        encoder = AudioEncoder(model, "clips")
        known: dict[bool, list[tuple[np.ndarray, int]]] = {False: [], True: []}
        for name, samples in recorded.sounds(data / recorded.ESC10):
            pieces = [samples[at : at + SECOND] for at in range(0, len(samples), SECOND)]
            seen = np.mean([encoder.embed(p, SECOND) for p in pieces if len(p)], axis=0)
            known[recorded.fold(name) == HELD_OUT_FOLD].append((seen, int(name[:3]) - 1))
    sides = [
        (np.stack([v for v, _ in known[side]]), np.array([n for _, n in known[side]]))
        for side in (False, True)
    ]
    return accuracy(*sides[0], *sides[1])
