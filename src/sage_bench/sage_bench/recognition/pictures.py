"""Labelled pictures, named."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sage_encoders.core.recognition.concepts import Concepts
from sage_encoders.core.recognition.picture_classifier import KEPT, PictureClassifier

PHOTOGRAPHS = Path("images", "photos800_224px.zip")
THUMBNAILS = Path("images", "tiny_imagenet_val5000_64px.zip")
TEST = 1
"""Remainder by 2 of the classes that are for the test."""
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Named:
    """Pictures of the test's classes, and what the classifier took them for.

    Attributes:
        classes: of each picture, int64 [pictures].
        probabilities: float32 [pictures, 1000].
        features: float32 [pictures, 1280].
    """

    classes: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    features: NDArray[np.float32]

    @property
    def kept(self) -> NDArray[np.float32]:
        """The ten largest probabilities of each, as a memory keeps them, the others 0."""
        least = np.sort(self.probabilities, axis=1)[:, -KEPT][:, None]
        return np.where(self.probabilities >= least, self.probabilities, np.float32(0))


def photographs(data: Path, concepts: Concepts) -> Iterator[tuple[int, Pixels]]:
    """Class and picture of photographs of 224 px; the network may have been trained on them."""
    with zipfile.ZipFile(data / PHOTOGRAPHS) as archive:
        for name in sorted(archive.namelist()):
            number = concepts.ids.index(name.partition("_")[0])
            if number % 2 == TEST:
                yield number, _decoded(archive.read(name))


def thumbnails(data: Path, concepts: Concepts, every: int) -> Iterator[tuple[int, Pixels]]:
    """Class and picture of every n-th photograph of 64 px of ImageNet's validation set."""
    with zipfile.ZipFile(data / THUMBNAILS) as archive:
        rows = csv.reader(io.StringIO(archive.read("labels.csv").decode()))
        next(rows)
        for place, (file, wnid, _) in enumerate(rows):
            number = concepts.ids.index(wnid) if wnid in concepts.ids[:1000] else 0
            if number % 2 == TEST and place % every == 0:
                yield number, _decoded(archive.read(file))


def named(classifier: PictureClassifier, pictures: Iterator[tuple[int, Pixels]]) -> Named:
    """What the classifier takes them for."""
    rows = [(number, classifier.name(image)) for number, image in pictures]
    return Named(
        np.array([number for number, _ in rows]),
        np.stack([seen.probabilities for _, seen in rows]),
        np.stack([seen.features for _, seen in rows]),
    )


def _decoded(content: bytes) -> Pixels:
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
