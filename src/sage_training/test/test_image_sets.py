from pathlib import Path

import numpy as np
import pytest

from sage_common.core.errors import InvalidInput
from sage_training import image_sets


def test_every_fifth_of_a_class_asks() -> None:
    labels = np.array([0] * 11 + [1] * 4 + [0] * 4)
    asks = image_sets.asking(labels)
    assert np.flatnonzero(asks).tolist() == [4, 9, 18]


def test_tiny_imagenet_is_split_by_image(data: Path) -> None:
    known, asked = image_sets.tiny_imagenet(data)
    assert known.pixels.shape == (4082, 64, 64, 3) and asked.pixels.shape == (918, 64, 64, 3)
    assert known.pixels.dtype == np.uint8
    assert set(asked.labels) == set(known.labels) == set(range(200))
    both = np.concatenate((known.pixels, asked.pixels)).reshape(5000, -1)
    assert len(np.unique(both, axis=0)) == 5000


def test_cifar_is_read_by_class(data: Path) -> None:
    known, asked = image_sets.cifar_lossless(data), image_sets.cifar_jpeg(data, per_class=3)
    assert known.pixels.shape == (4000, 32, 32, 3) and set(known.labels) == set(range(10))
    assert asked.pixels.shape == (30, 32, 32, 3)
    assert asked.labels.tolist() == [label for label in range(10) for _ in range(3)]
    assert not {image.tobytes() for image in known.pixels} & {i.tobytes() for i in asked.pixels}


def test_more_than_there_is_is_refused(data: Path) -> None:
    with pytest.raises(InvalidInput, match="per_class = 1001: expected 1 to 1000"):
        image_sets.cifar_jpeg(data, per_class=1001)
