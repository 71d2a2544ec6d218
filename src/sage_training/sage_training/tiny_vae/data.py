"""The 32x32 pictures that the tiny VAE trains on, and those that it is measured on."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_training.image_sets import CIFAR_LOSSLESS, TINY_IMAGENET, cifar_lossless

SIDE = 32
HOLD_OUT_EVERY = 10
SOURCES = f"{CIFAR_LOSSLESS} (CIFAR-10) and {TINY_IMAGENET} (ImageNet, non-commercial research)"
SPLIT = (
    "by image: every tenth CIFAR-10 image of each class is held out; the others and the "
    "tiny-imagenet files with an even number, scaled to 32x32, train"
)


def held_out(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Every tenth image of each class, in the order given: bool [N]."""
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        chosen[np.flatnonzero(labels == label)[HOLD_OUT_EVERY - 1 :: HOLD_OUT_EVERY]] = True
    return chosen


def pictures(data: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pictures to train on and held-out ones, uint8 [N, 32, 32, 3], RGB; see `SPLIT`."""
    cifar = cifar_lossless(data)
    kept = held_out(cifar.labels)
    return np.concatenate((cifar.pixels[~kept], _tiny_imagenet(data))), cifar.pixels[kept]


def _tiny_imagenet(data: Path) -> NDArray[np.uint8]:
    """Files with an even number, in order of it: recall is measured on some of the others."""
    with zipfile.ZipFile(data / TINY_IMAGENET) as archive:
        names = {Path(name).stem.rpartition("_")[2]: name for name in archive.namelist()}
        numbers = sorted(int(number) for number in names if number.isdigit())
        small = [_small(archive.read(names[str(n)])) for n in numbers if n % 2 == 0]
    return np.ascontiguousarray(np.stack(small)[..., ::-1])


def _small(content: bytes) -> NDArray[np.uint8]:
    """A JPEG file's picture at 32x32, in OpenCV's order of colours."""
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise InvalidInput("image", f"{len(content)} bytes", "a JPEG that OpenCV can read")
    return np.asarray(cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
