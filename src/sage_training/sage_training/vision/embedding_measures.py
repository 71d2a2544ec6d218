"""Measures how well the vision embedding finds images of the same class, beside baselines."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage_encoders.backends.opencv_resize import resize
from sage_training.image_sets import (
    LabelledImages,
    cifar_jpeg,
    cifar_lossless,
    tiny_imagenet,
)
from sage_training.nearest_neighbours import Floats, accuracy
from sage_training.vision.embedding_teacher import features as teacher_features
from sage_training.vision.measures import session
from sage_training.vision.network import SIDE

K = 10
THUMBNAIL = 16
LEVELS = 6

Embed = Callable[[NDArray[np.uint8]], Floats]
"""Vectors float32 [N, D] of images uint8 [N, side, side, 3]."""


def splits(data: Path) -> dict[str, tuple[LabelledImages, LabelledImages]]:
    """By name of the set: the labelled images that answer and those that ask."""
    return {
        "cifar10": (cifar_lossless(data), cifar_jpeg(data)),
        "tiny_imagenet": tiny_imagenet(data),
    }


def class_accuracy(encoder_file: Path, data: Path) -> dict[str, float]:
    """10-NN accuracy by cosine of the exported encoder's embedding, and of two that need none."""
    encoder = session(encoder_file)

    def embed(images: NDArray[np.uint8]) -> Floats:
        return np.concatenate(
            [
                encoder.run(["embedding"], {"image": resize(image, SIDE, SIDE)[None]})[0]
                for image in images
            ]
        )

    figures = {}
    for name, (known, asked) in splits(data).items():
        figures[f"{name}_accuracy_10nn"] = scored(embed, known, asked, centred=False)
        figures[f"baseline_{name}_accuracy_raw_pixels"] = scored(raw_pixels, known, asked)
        figures[f"baseline_{name}_accuracy_colours"] = scored(colour_histogram, known, asked)
        figures[f"baseline_{name}_accuracy_chance"] = round(1 / (int(known.labels.max()) + 1), 4)
    return figures


@cache
def ceiling(data: Path) -> dict[str, float]:
    """The same of EfficientNet-Lite0's features, which were trained with ImageNet's labels.

    Kept for the life of the process: three minutes of a core, whatever model is measured.
    """

    def embed(images: NDArray[np.uint8]) -> Floats:
        return teacher_features(resize(image, SIDE, SIDE) for image in images)

    return {
        f"ceiling_{name}_accuracy_efficientnet_lite0": scored(embed, known, asked)
        for name, (known, asked) in splits(data).items()
    }


def scored(
    embed: Embed, known: LabelledImages, asked: LabelledImages, *, centred: bool = True
) -> float:
    """Accuracy, to three digits.

    Args:
        centred: take the mean of the known vectors from all. It helps the baselines; ours is
            measured as recall uses it, without.
    """
    left, right = embed(known.pixels), embed(asked.pixels)
    centre = left.mean(0) if centred else np.float32(0)
    return round(accuracy(left - centre, known.labels, right - centre, asked.labels, K), 3)


def raw_pixels(images: NDArray[np.uint8]) -> Floats:
    """Pixels of 16x16 thumbnails: [N, 768]."""
    small = [resize(image, THUMBNAIL, THUMBNAIL) for image in images]
    return np.stack(small).reshape(len(images), -1).astype(np.float32)


def colour_histogram(images: NDArray[np.uint8]) -> Floats:
    """Square roots of how often each of 6x6x6 colours occurs: [N, 216]."""
    level = images.astype(np.int64) * LEVELS // 256
    colour = (level[..., 0] * LEVELS + level[..., 1]) * LEVELS + level[..., 2]
    counts = [np.bincount(one.ravel(), minlength=LEVELS**3) for one in colour]
    return np.sqrt(np.stack(counts)).astype(np.float32)
