"""Reading: where text is, what it says, and what is said of pictures without any."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from reading_pictures import written

from sage_common.core.errors import InvalidInput
from sage_encoders.backends.model_registry import REGISTRY
from sage_encoders.backends.packaged import conversion, reading_networks
from sage_encoders.backends.reading import text_detector, text_recogniser
from sage_encoders.backends.reading.text_detector import ENLARGED, TextDetector
from sage_encoders.backends.reading.text_recogniser import TextRecogniser
from sage_encoders.core.card import ModelError
from sage_encoders.core.recognition.ctc import best_path

MOST_PX = 640


@pytest.fixture(scope="module")
def installed() -> Path:
    """The models' folder of this environment, into which the set-up writes the networks."""
    return Path(sys.prefix, "share", "sage_encoders", "models")


@pytest.fixture(scope="module")
def detector(installed: Path) -> Iterator[TextDetector]:
    signature = text_detector.SIGNATURE
    with REGISTRY.open(text_detector.MODEL, installed, "fp32", "cpu", signature=signature) as model:
        yield TextDetector(model, MOST_PX)


@pytest.fixture(scope="module")
def recogniser(installed: Path) -> Iterator[TextRecogniser]:
    name, signature = text_recogniser.MODEL, text_recogniser.SIGNATURE
    with REGISTRY.open(name, installed, "fp32", "cpu", signature=signature) as model:
        yield TextRecogniser(model)


def read(detector: TextDetector, recogniser: TextRecogniser, image: np.ndarray) -> dict[str, float]:
    """What each line says, from the top, and how probably that is right."""
    lines = sorted(detector.find(image), key=lambda line: line.corners[0, 1])
    readings = [recogniser.read(image, line.corners) for line in lines]
    return {reading.text: reading.probability for reading in readings}


def test_lines_are_found_and_read(detector: TextDetector, recogniser: TextRecogniser) -> None:
    said = read(detector, recogniser, written("EXIT 12", "Platform 7"))
    assert list(said) == ["EXIT 12", "Platform 7"]
    assert min(said.values()) > 0.9


def test_a_line_is_where_it_was_drawn(detector: TextDetector) -> None:
    image = written("EXIT 12")
    (line,) = detector.find(image)
    down, across = np.nonzero(image.min(axis=2) < 120)
    drawn = np.array([across.min(), down.min(), across.max(), down.max()])
    found = np.concatenate([line.corners.min(axis=0), line.corners.max(axis=0)])
    assert np.abs(found - drawn).max() <= 6, "px"
    assert 0.5 <= line.probability <= 1.0


@pytest.mark.parametrize("degrees", [-20, 15, 90, -90])
def test_a_line_that_leans_is_read(
    detector: TextDetector, recogniser: TextRecogniser, degrees: int
) -> None:
    drawn = written("KEEP CLEAR", width=320, height=320)
    turn = cv2.getRotationMatrix2D((160, 160), degrees, 1.0)
    image = cv2.warpAffine(drawn, turn, (320, 320), borderValue=(225, 225, 225))
    assert list(read(detector, recogniser, image)) == ["KEEP CLEAR"]


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 2), (4320, 7680), (200, 300)])
def test_pictures_of_any_size_without_text_have_none(
    detector: TextDetector, shape: tuple[int, int]
) -> None:
    assert detector.find(np.full((*shape, 3), 90, np.uint8)) == ()


def test_large_text_of_a_large_picture_is_read(
    detector: TextDetector, recogniser: TextRecogniser
) -> None:
    image = np.full((4320, 7680, 3), 200, np.uint8)
    cv2.putText(image, "STOP", (2500, 2400), cv2.FONT_HERSHEY_DUPLEX, 40, (20, 20, 20), 90)
    assert list(read(detector, recogniser, image)) == ["STOP"]


def test_most_pixels_are_noise_and_nothing_is_said(
    detector: TextDetector, recogniser: TextRecogniser
) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (256, 256, 3), np.uint8)
    assert not [p for p in read(detector, recogniser, noise).values() if p >= 0.9]


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
    ],
)
def test_no_picture_is_refused(
    detector: TextDetector, recogniser: TextRecogniser, image: np.ndarray
) -> None:
    with pytest.raises(InvalidInput, match="image"):
        detector.find(image)
    with pytest.raises(InvalidInput, match="image"):
        recogniser.read(image, np.zeros((4, 2), np.float32))


def test_a_point_has_no_text(recogniser: TextRecogniser) -> None:
    reading = recogniser.read(written("EXIT 12"), np.full((4, 2), 3.0, np.float32))
    assert (reading.text, reading.probability) == ("", 0.0)


def steps(*numbers: int, space: float = 0.0) -> np.ndarray:
    """A step for each number: of a b c and the space, the blank first."""
    rows = np.full((len(numbers), 5), 0.02, np.float32)
    rows[np.arange(len(numbers)), list(numbers)] = 0.9
    rows[:, 4] = np.maximum(rows[:, 4] * (np.array(numbers) == 4), space)
    return rows


@pytest.mark.parametrize(
    ("path", "space", "text"),
    [
        ((), 0.0, ""),
        ((0, 0), 0.5, ""),
        ((1, 1, 0, 1, 2), 0.0, "aab"),
        ((1, 4, 2), 0.0, "a b"),
        ((4, 1, 4, 4, 0, 2, 4), 0.0, "a b"),
        ((1, 0, 2), 0.04, "a b"),
        ((1, 0, 2), 0.02, "ab"),
    ],
)
def test_the_best_path(path: tuple[int, ...], space: float, text: str) -> None:
    found, each = best_path(steps(*path, space=space), ("a", "b", "c", " "))
    assert found == text
    assert each == pytest.approx([0.9] * len(text.replace(" ", "")))


def test_other_characters_than_the_network_gives_are_refused() -> None:
    with pytest.raises(ValueError, match="5"):
        best_path(np.zeros((3, 4), np.float32), ("a", "b", "c", " "))


def test_small_pictures_are_enlarged_no_more_than_they_may(detector: TextDetector) -> None:
    class Network:
        encoder_id = "a-1@0"

        def run(self, **inputs: np.ndarray) -> dict[str, np.ndarray]:
            self.shape = inputs[text_detector.INPUT].shape
            return {text_detector.OUTPUT: np.zeros((1, 1, *self.shape[2:]), np.float32)}

    network = Network()
    for side, wanted in ((64, 64 * ENLARGED), (600, MOST_PX), (7680, MOST_PX), (1, 32)):
        TextDetector(network, MOST_PX).find(np.zeros((side, side, 3), np.uint8))
        assert network.shape == (1, 3, wanted, wanted)


def cards(models: Path, folder: Path) -> None:
    for name in reading_networks.FILES:
        (folder / f"{name}.json").write_bytes((models / f"{name}.json").read_bytes())


def test_the_networks_are_those_of_the_package(models: Path, installed: Path) -> None:
    for name, path in reading_networks.reading_networks(models).items():
        assert (installed / f"{name}.onnx").read_bytes() == path.read_bytes()


def test_without_the_package_there_are_no_networks_and_all_else_is_written(
    models: Path, installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_networks, "PACKAGE", "no_such_package")
    assert reading_networks.reading_networks(models) == {}
    for path in installed.iterdir():
        if path.is_file() and path.stem not in reading_networks.FILES:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    conversion.convert(tmp_path, lambda _: None)
    assert not (tmp_path / "text_detector.onnx").exists()


def test_other_weights_than_were_measured_are_refused(models: Path, tmp_path: Path) -> None:
    cards(models, tmp_path)
    card = tmp_path / "text_detector.json"
    card.write_text(card.read_text().replace("d2a7720d", "00000000"))
    with pytest.raises(ModelError, match=r"det_infer\.onnx: SHA-256 d2a7720d.*expected 00000000"):
        reading_networks.reading_networks(tmp_path)
