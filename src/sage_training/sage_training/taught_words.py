"""Fits what a taught word is told by: the scale of pictures' features, and how far away is too far.

`python -m sage_training.taught_words --data DIR --models DIR` writes the scale with its card into
the folder of the models, and prints the logistics of `sage_memory.core.taught.taught_word`. Classes
of even number and folds 1 to 3 are used; the others are for `sage bench refine`.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from sage_encoders.backends.model_registry import ModelRegistry
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core import audio
from sage_encoders.core.recognition.concepts import CLASSES, read_concepts
from sage_encoders.core.recognition.feature_scale import STEM, FeatureScale, read_feature_scale
from sage_encoders.core.recognition.picture_classifier import MODEL, SIGNATURE, PictureClassifier
from sage_memory.core.taught.taught_word import Logistic
from sage_training import card, data

THUMBNAILS = Path("images", "tiny_imagenet_val5000_64px.zip")
DEVELOPMENT, TEST = 0, 1
"""Remainders by 2 of the numbers of classes."""
TEST_FOLD = 4
EXAMPLES = (1, 2, 3, 5)
PICTURE_REPEATS, SOUND_REPEATS = 3, 10
SHOWN = 0.01
"""Share of what is looked at that shows a word, as the probabilities have it."""
LEAST_DEVIATION = 1e-3
RIDGE, STEPS = 1e-6, 100
Floats = NDArray[np.float32]


class Labelled(NamedTuple):
    """Features, float32 [n, D], and numbers of classes, int64 [n]."""

    features: Floats
    classes: NDArray[np.int64]


class Trial(NamedTuple):
    """A class that was taught with some examples, asked for among all that is left.

    Attributes:
        examples: how many there were.
        cosines: float32 [m], of the others with the prototype.
        right: bool [m], which of them are of the class.
        others: float32 [k], of what is of no class; None: there is none.
    """

    examples: int
    cosines: Floats
    right: NDArray[np.bool_]
    others: Floats | None = None


def pictures(
    data_folder: Path, archive: Path, ids: Sequence[str], classifier: PictureClassifier, half: int
) -> Labelled:
    """Features of the photographs of classes of one half, as the classifier makes them."""
    numbers = {wnid: number for number, wnid in enumerate(ids[:CLASSES])}
    found = [
        (classifier.name(image).features, numbers[wnid])
        for wnid, image in _photographs(data_folder / archive)
        if numbers.get(wnid, 1 - half) % 2 == half
    ]
    return Labelled(np.stack([f for f, _ in found]), np.array([number for _, number in found]))


def heard(data_folder: Path, models: Path, of_test: bool) -> Labelled:
    """Embeddings of the loudest second of each clip of ESC-10, of folds 1 to 3 or of fold 4."""
    found = []
    opened = ModelRegistry().open(audio.MODEL, models, "auto", "cpu", signature=audio.SIGNATURE)
    with closing(opened) as lease:
        encoder = audio.AudioEncoder(lease.model, "clip")
        for name, samples in data.sounds(data_folder / data.ESC10):
            if (data.fold(name) == TEST_FOLD) == of_test:
                vector = encoder.embed(_loudest(samples, data.SAMPLE_RATE), data.SAMPLE_RATE)
                found.append((vector, int(name.split("_")[0])))
    return Labelled(np.stack([v for v, _ in found]), np.array([kind for _, kind in found]))


def fitted_scale(features: Floats) -> Floats:
    """Mean and deviation of each, float32 [2, D]."""
    deviation = np.maximum(features.std(axis=0), LEAST_DEVIATION)
    return np.stack([features.mean(axis=0), deviation]).astype(np.float32)


def on_scale(scale: FeatureScale, found: Labelled) -> Labelled:
    """The same, on one scale."""
    return Labelled(np.stack([scale.scaled(row) for row in found.features]), found.classes)


def trials(
    found: Labelled,
    repeats: int,
    seed: int = 0,
    counts: Sequence[int] = EXAMPLES,
    strangers: Floats | None = None,
) -> Iterator[Trial]:
    """Each class taught so often, with examples drawn at random; features are of length 1.

    Args:
        strangers: features of what is of no class, float32 [k, D].
    """
    random = np.random.default_rng(seed)
    for count in counts:
        for number in np.unique(found.classes):
            members = np.flatnonzero(found.classes == number)
            for _ in range(repeats if len(members) > count else 0):
                shown = random.choice(members, count, replace=False)
                prototype = found.features[shown].mean(axis=0)
                prototype /= np.linalg.norm(prototype)
                others = np.setdiff1d(np.arange(len(found.classes)), shown)
                cosines = found.features[others] @ prototype
                strange = None if strangers is None else strangers @ prototype
                yield Trial(count, cosines, found.classes[others] == number, strange)


def fitted_logistic(tried: Sequence[Trial]) -> Logistic:
    """The logistic of most likelihood, as if a share of `SHOWN` of all were right."""
    cosines = np.concatenate([trial.cosines for trial in tried]).astype(np.float64)
    logs = np.concatenate([np.full(len(t.cosines), np.log(t.examples)) for t in tried])
    right = np.concatenate([trial.right for trial in tried])
    weights = np.where(right, SHOWN / right.mean(), (1.0 - SHOWN) / (1.0 - right.mean()))
    inputs = np.stack([cosines, np.ones_like(cosines), logs], axis=1)
    slope, level, more = _newton(inputs, right, weights)
    return Logistic(round(slope, 2), round(-level / slope, 3), round(-more / slope, 3))


def _newton(
    inputs: NDArray[np.float64], right: NDArray[np.bool_], weights: NDArray[np.float64]
) -> tuple[float, float, float]:
    at = np.zeros(inputs.shape[1])

    def loss(values: NDArray[np.float64]) -> float:
        odds = inputs @ values
        return float(weights @ (np.logaddexp(0.0, odds) - right * odds))

    for _ in range(STEPS):
        odds = 1.0 / (1.0 + np.exp(-(inputs @ at)))
        gradient = inputs.T @ (weights * (right - odds))
        curvature = (inputs * (weights * odds * (1.0 - odds))[:, None]).T @ inputs
        step = np.linalg.solve(curvature + RIDGE * np.eye(len(at)), gradient)
        while loss(at + step) > loss(at) and np.abs(step).max() > RIDGE:
            step /= 2.0
        at = at + step
    return float(at[0]), float(at[1]), float(at[2])


def _photographs(path: Path) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Synset and RGB picture of each photograph of an archive."""
    with zipfile.ZipFile(path) as archive:
        if "labels.csv" in archive.namelist():
            rows = csv.DictReader(io.StringIO(archive.read("labels.csv").decode()))
            named = [(row["wnid"], row["file"]) for row in rows]
        else:
            named = [(name.partition("_")[0], name) for name in sorted(archive.namelist())]
        for wnid, file in named:
            pixels = cv2.imdecode(np.frombuffer(archive.read(file), np.uint8), cv2.IMREAD_COLOR)
            yield wnid, np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def _loudest(samples: Floats, rate_hz: int) -> Floats:
    seconds = [samples[begin : begin + rate_hz] for begin in range(0, len(samples), rate_hz)]
    return max(seconds, key=lambda second: float(np.square(second).sum()))


def main() -> None:
    """Write the scale and its card, print the logistics."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--models", default="", metavar="DIR")
    options = parser.parse_args()
    folder = models_folder(options.models)
    registry, ids = ModelRegistry(), read_concepts(folder).ids
    with closing(registry.open(MODEL, folder, "auto", "cpu", signature=SIGNATURE)) as lease:
        classifier = PictureClassifier(lease.model, resize)
        small, large = (
            pictures(options.data, archive, ids, classifier, DEVELOPMENT)
            for archive in (THUMBNAILS, data.PHOTOGRAPHS)
        )
        _write(folder, fitted_scale(np.concatenate([small.features, large.features])), classifier)
    scale = read_feature_scale(folder)
    shown = fitted_logistic([*trials(on_scale(scale, small), PICTURE_REPEATS)])
    sounded = fitted_logistic([*trials(heard(options.data, folder, of_test=False), SOUND_REPEATS)])
    print(json.dumps({"picture": vars(shown), "sound": vars(sounded)}))


def _write(folder: Path, values: Floats, classifier: PictureClassifier) -> None:
    path = folder / f"{STEM}.npy"
    np.save(path, values, allow_pickle=False)
    body = {
        "name": "picture-features",
        "version": "1",
        "output": "mean and deviation of the picture classifier's features: float32 [2, 1280]",
        "features_of": classifier.model_id,
        "data": f"{THUMBNAILS}, {data.PHOTOGRAPHS} (ImageNet terms, non-commercial research)",
        "split": "by class: those of even number; odd ones are held out",
        "rebuild": "python -m sage_training.taught_words --data DIR --models DIR",
        "measured_by": "sage bench refine",
    }
    card.write(path, body)


if __name__ == "__main__":
    main()
