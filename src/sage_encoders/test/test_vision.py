import itertools
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core.vision import VisionEncoder

Pixels = NDArray[np.uint8]
WEIGHTS = np.array([0.2126, 0.7152, 0.0722])


@pytest.fixture
def encoder(vision_model: OnnxModel) -> VisionEncoder:
    return VisionEncoder(vision_model, resize)


@pytest.mark.parametrize("shape", [(224, 224), (480, 848), (60, 33), (1, 1)])
def test_any_size_gives_a_percept(encoder: VisionEncoder, shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    percept = encoder.encode(image, 7, "front")
    assert percept.codes.shape == (30, 30) and percept.codes.dtype == np.uint8
    assert int(percept.codes.max()) <= 9
    assert percept.embedding.shape == (128,) and percept.embedding.dtype == np.float32
    assert np.linalg.norm(percept.embedding) == pytest.approx(1.0, abs=1e-4)
    assert (percept.stamp_ns, percept.modality, percept.source) == (7, "vision", "front")
    assert percept.encoder_id.startswith("sage-vision-2@")


def test_two_sessions_agree_to_the_bit(models: Path, scenes: Pixels) -> None:
    runs = [
        VisionEncoder(OnnxModel(models / "vision_encoder.onnx"), resize).encode(scenes[0], 0, "a")
        for _ in range(2)
    ]
    assert np.array_equal(runs[0].codes, runs[1].codes)
    assert np.array_equal(runs[0].embedding, runs[1].embedding)


def test_batch_equals_one_by_one(vision_model: OnnxModel, scenes: Pixels) -> None:
    together = vision_model.run(image=scenes)
    alone = np.concatenate([vision_model.run(image=image[None])["codes"] for image in scenes])
    assert np.mean(together["codes"] == alone) > 0.999


def test_brighter_pictures_have_higher_codes(encoder: VisionEncoder) -> None:
    means = [
        encoder.encode(np.full((224, 224, 3), level, np.uint8), 0, "a").codes.mean()
        for level in range(0, 256, 32)
    ]
    assert all(low <= high + 0.05 for low, high in itertools.pairwise(means))
    assert means[-1] - means[0] > 6


def test_a_bright_picture_without_dark_pixels_has_bright_codes(
    encoder: VisionEncoder, scenes: Pixels
) -> None:
    """Pixels mean what they say: nothing is stretched to the range that the picture has."""
    bright = (200 + scenes.astype(np.uint16) * 55 // 255).astype(np.uint8)
    for scene, brighter in zip(scenes, bright, strict=True):
        assert brighter.min() >= 200
        codes = encoder.encode(brighter, 0, "a").codes
        assert codes.mean() > 6 and np.median(codes) >= 6
        assert codes.mean() > encoder.encode(scene, 0, "a").codes.mean() + 1
    ones = encoder.encode(np.ones((224, 224, 3), np.uint8), 0, "a").codes
    black = encoder.encode(np.zeros((224, 224, 3), np.uint8), 0, "a").codes
    assert np.mean(ones == black) > 0.9, "a picture of ones is black, and not taken for 0..1"


def test_codes_are_ordered_by_decoded_luminance(models: Path) -> None:
    decoder = OnnxModel(models / "vision_decoder.onnx")
    grids = np.repeat(np.arange(10, dtype=np.uint8), 900).reshape(10, 30, 30)
    luminance = decoder.run(codes=grids)["image"].mean(axis=(1, 2)) @ WEIGHTS / 255
    assert (np.diff(luminance) > 0).all()
    assert luminance.tolist() == pytest.approx(decoder.card.body["code_values"], abs=0.005)


def test_codes_say_where(encoder: VisionEncoder) -> None:
    image = np.zeros((224, 224, 3), np.uint8)
    image[:, 112:] = 255
    codes = encoder.encode(image, 0, "a").codes.astype(int)
    assert codes[:, 17:].mean() > codes[:, :13].mean() + 5


def test_embedding_separates_scenes_and_joins_views(encoder: VisionEncoder, scenes: Pixels) -> None:
    def embed(image: Pixels) -> NDArray[np.float32]:
        return encoder.encode(image, 0, "a").embedding

    whole = np.stack([embed(scene) for scene in scenes])
    views = np.stack([embed(scene[8:-8, 8:-8]) for scene in scenes])
    constant = embed(np.full((224, 224, 3), 128, np.uint8))
    own = (whole * views).sum(1)
    others = whole @ whole.T
    assert own.min() > others[~np.eye(len(scenes), dtype=bool)].mean() + 0.2
    assert (np.argmax(whole @ views.T, axis=1) == np.arange(len(scenes))).mean() >= 0.75
    assert (whole @ constant).max() < own.mean()


def test_letterbox_has_black_bars(vision_model: OnnxModel) -> None:
    encoder = VisionEncoder(vision_model, resize, "letterbox")
    square = encoder.square(np.full((100, 200, 3), 200, np.uint8))
    assert (square[:56] == 0).all() and (square[-56:] == 0).all()
    assert (square[60:160] == 200).all()


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((224, 224), np.uint8),
        np.zeros((224, 224, 4), np.uint8),
        np.zeros((224, 224, 3), np.float32),
        np.full((224, 224, 3), 0.5, np.float64),
        np.zeros((224, 224, 3), np.int16),
        np.zeros((0, 224, 3), np.uint8),
        np.zeros((1, 224, 224, 3), np.uint8),
    ],
)
def test_refuses_what_is_no_picture(encoder: VisionEncoder, image: Pixels) -> None:
    with pytest.raises(InvalidInput, match="image"):
        encoder.encode(image, 0, "a")
