"""Reads the labelled photographs that recall is measured on, and splits them by image."""

from __future__ import annotations

import csv
import io
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput

CIFAR_LOSSLESS = Path("images/cifar10_train4000_lossless.npz")
CIFAR_JPEG = Path("images/cifar10_test10000_q75jpeg.tar.xz")
TINY_IMAGENET = Path("images/tiny_imagenet_val5000_64px.zip")
CIFAR_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
QUERY_EVERY = 5
"""Of each class of tiny-imagenet, every fifth image asks and the others answer."""


@dataclass(frozen=True)
class LabelledImages:
    """Images of one size and their classes.

    Attributes:
        pixels: uint8 [N, side, side, 3], RGB.
        labels: int64 [N], from 0.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, chosen: NDArray[np.generic] | slice) -> LabelledImages:
        """The images at these places."""
        return LabelledImages(self.pixels[chosen], self.labels[chosen])


def cifar_lossless(data: Path) -> LabelledImages:
    """The 4,000 lossless CIFAR-10 training images, 32x32: they answer, by their labels."""
    with np.load(data / CIFAR_LOSSLESS, allow_pickle=False) as arrays:
        return LabelledImages(arrays["x"], arrays["y"].astype(np.int64))


def cifar_jpeg(data: Path, per_class: int = 200) -> LabelledImages:
    """CIFAR-10 test images (JPEG of quality 75), 32x32: they ask.

    Args:
        data: folder of the recorded data.
        per_class: this many of each class, evenly spaced in order of name; at most 1,000.

    Raises:
        InvalidInput: `per_class` is out of range.
    """
    files: list[list[bytes]] = [[] for _ in CIFAR_CLASSES]
    with tarfile.open(data / CIFAR_JPEG) as archive:
        members = sorted((m for m in archive if m.name.endswith(".jpg")), key=lambda m: m.name)
        for member in members:
            content = archive.extractfile(member)
            if content is not None:
                files[CIFAR_CLASSES.index(Path(member.name).parent.name)].append(content.read())
    available = min(len(group) for group in files)
    if not 1 <= per_class <= available:
        raise InvalidInput("per_class", per_class, f"1 to {available}")
    chosen = [[group[at * len(group) // per_class] for at in range(per_class)] for group in files]
    pixels = np.stack([_decode(content) for group in chosen for content in group])
    return LabelledImages(pixels, np.repeat(np.arange(len(files)), per_class))


def tiny_imagenet(data: Path) -> tuple[LabelledImages, LabelledImages]:
    """Photographs of 200 classes, 64x64: those that answer and those that ask.

    Of each class, in order of the number in the file's name, every fifth image asks (positions 4,
    9, ...): 918 of the 5,000; a class has 12 to 34 images.
    """
    with zipfile.ZipFile(data / TINY_IMAGENET) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("labels.csv").decode("utf-8"))))
        rows.sort(key=lambda row: int(Path(row["file"]).stem.rpartition("_")[2]))
        pixels = np.stack([_decode(archive.read(row["file"])) for row in rows])
    names = sorted({row["wnid"] for row in rows})
    labels = np.array([names.index(row["wnid"]) for row in rows])
    asks = asking(labels)
    images = LabelledImages(pixels, labels)
    return images[~asks], images[asks]


def asking(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Every fifth of each class, in the order given: bool [N]."""
    place = np.zeros(len(labels), np.int64)
    for label in np.unique(labels):
        members = labels == label
        place[members] = np.arange(members.sum())
    return place % QUERY_EVERY == QUERY_EVERY - 1


def _decode(content: bytes) -> NDArray[np.uint8]:
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise InvalidInput("image", f"{len(content)} bytes", "a JPEG that OpenCV can read")
    return np.ascontiguousarray(pixels[..., ::-1]).astype(np.uint8, copy=False)
