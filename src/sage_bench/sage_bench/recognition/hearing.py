"""What naming sounds is worth: right names, calibration, names of what is none, and time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage_bench.result import Row, row_of_samples
from sage_common.core.labels import Labels
from sage_encoders.backends.model_registry import ModelRegistry
from sage_encoders.backends.speech import sound_classifier, speech_recogniser
from sage_encoders.backends.speech.sound_classifier import (
    CLASSES,
    LOOKS_S,
    SoundClassifier,
    surer,
)
from sage_encoders.core import audio
from sage_encoders.core.audio import AudioEncoder
from sage_plugins.params import HearParameters
from sage_training import data as recorded
from sage_training.nearest_neighbours import accuracy
from sage_training.sounds.examples import Example, examples
from sage_training.sounds.measures import figures

PARAMETERS = HearParameters()
RIGHT_GOAL, CALIBRATION_GOAL = 0.88, 0.05
SECOND = recorded.SAMPLE_RATE
HELD_OUT_FOLD = 4
Floats = NDArray[np.float32]


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
            for label in heard(classifier, one.samples).labels:
                found[number, label.number] = label.probability
            taken_ms.append(1e3 * (time.process_time() - began))
        after_speech = _after_speech(data, classifier, held_out)
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
        after_speech,
        row_of_samples("naming a sound, processor time, one core", taken_ms, "ms"),
    ]  # fmt: skip


def heard(classifier: SoundClassifier, samples: Floats) -> Labels:
    """The names of a sound, as the plugin finds them."""
    named = classifier.name(samples)
    for seconds in LOOKS_S[1:]:
        if not named.labels or named.labels[0].probability < PARAMETERS.least_probability:
            named = surer(named, classifier.name(samples, seconds))
    return named


def _after_speech(data: Path, classifier: SoundClassifier, held_out: Sequence[Example]) -> Row:
    """The first two seconds of each clip after three of speech: named right, and surely."""
    (*_, (_, speech)) = recorded.sounds(data / recorded.SPEECH)
    clips = [one for one in held_out if one.is_clean and one.label < len(CLASSES)]
    right = {"both looks": 0, "five seconds": 0}
    for clip in clips:
        sound = np.concatenate([speech[: 3 * SECOND], 0.5 * clip.samples[: 2 * SECOND]])
        looks = {"both looks": heard(classifier, sound), "five seconds": classifier.name(sound)}
        for name, named in looks.items():
            sure = [n for n in named.labels if n.probability >= PARAMETERS.least_probability]
            right[name] += bool(sure) and sure[0].number == clip.label
    share = {name: count / len(clips) for name, count in right.items()}
    both = share.pop("both looks")
    name = "two seconds of a sound after speech: named, and right"
    return Row(name, both, "", None, "higher", share, len(clips))


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
