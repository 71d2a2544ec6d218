"""Finding faces: the network for pictures of any size, and what is made of what it says."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from sage_common.core.errors import InvalidInput
from sage_encoders.backends.model_registry import REGISTRY
from sage_encoders.backends.onnx_protobuf import Graph, GraphWriter, with_shapes
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.backends.packaged import conversion, face_network
from sage_encoders.core.card import ModelError
from sage_encoders.core.recognition.face_detector import (
    CELL_PX,
    INPUT,
    MIDDLES,
    MODEL,
    OFFSETS,
    SIGNATURE,
    SIZES,
    FaceDetector,
)


@pytest.fixture(scope="module")
def installed() -> Path:
    """The models' folder of this environment, into which the set-up writes the networks."""
    return Path(sys.prefix, "share", "sage_encoders", "models")


@pytest.fixture(scope="module")
def detector(installed: Path) -> Iterator[FaceDetector]:
    with REGISTRY.open(MODEL, installed, "fp32", "cpu", signature=SIGNATURE) as model:
        yield FaceDetector(model, resize)


class SaidModel:
    """Says where faces are, as the network would: of each its cell, its score and its size [px]."""

    encoder_id = "said-1"

    def __init__(self, *faces: tuple[int, int, float, float, float]) -> None:
        self.faces = faces
        self.given: np.ndarray | None = None

    def run(self, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        self.given = inputs[INPUT]
        shape = tuple(side // CELL_PX for side in self.given.shape[2:])
        said = {name: np.zeros((1, n, *shape), np.float32) for name, n in
                ((MIDDLES, 1), (SIZES, 2), (OFFSETS, 2))}  # fmt: skip
        for row, column, score, height, width in self.faces:
            said[MIDDLES][0, 0, row, column] = score
            said[SIZES][0, :, row, column] = np.log([height / CELL_PX, width / CELL_PX])
            said[OFFSETS][0, :, row, column] = (0.5, -0.5)
        return said


def test_a_face_is_where_the_network_says() -> None:
    model = SaidModel((10, 5, 0.9, 24.0, 16.0), (30, 20, 0.15, 24.0, 16.0))
    found = FaceDetector(model, resize).find(np.zeros((128, 160, 3), np.uint8))
    middle_x, middle_y = 5 * CELL_PX, 11 * CELL_PX
    expected = [middle_x - 8, middle_y - 12, middle_x + 8, middle_y + 12]
    assert found.tolist() == [pytest.approx(expected)]
    assert model.given is not None and model.given.shape == (1, 3, 128, 160)


def test_of_boxes_that_overlap_the_surest_counts_and_all_are_in_the_picture() -> None:
    model = SaidModel((10, 10, 0.5, 24.0, 24.0), (10, 11, 0.9, 24.0, 24.0), (0, 0, 0.8, 40.0, 40.0))
    found = FaceDetector(model, resize).find(np.zeros((64, 64, 3), np.uint8))
    assert len(found) == 2
    assert found[0].tolist() == pytest.approx([32.0, 32.0, 56.0, 56.0])
    assert found[1][:2].tolist() == [0.0, 0.0]


def test_edges_are_in_pixels_of_the_picture_whatever_its_size() -> None:
    model = SaidModel((4, 4, 0.9, 16.0, 16.0))
    found = FaceDetector(model, resize).find(np.zeros((48, 16, 3), np.uint8))
    assert model.given is not None and model.given.shape == (1, 3, 64, 32)
    scale = np.array([16 / 32, 48 / 64] * 2)
    assert found[0].tolist() == pytest.approx((np.array([8, 12, 24, 28]) * scale).tolist())


def test_a_picture_without_faces_has_none(detector: FaceDetector) -> None:
    for size in ((1, 1), (40, 900), (240, 320)):
        assert detector.find(np.full((*size, 3), 127, np.uint8)).shape == (0, 4)


@pytest.mark.parametrize("wrong", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32),
                                   np.zeros((0, 4, 3), np.uint8)])  # fmt: skip
def test_what_is_no_picture_is_refused(detector: FaceDetector, wrong: np.ndarray) -> None:
    with pytest.raises(InvalidInput, match="image"):
        detector.find(wrong)


def test_the_network_is_the_package_s_but_for_its_shapes(installed: Path) -> None:
    source = face_network.face_network_file()
    assert source is not None
    written = (installed / f"{MODEL}.onnx").read_bytes()
    assert written == face_network.face_network(source)
    theirs, ours = Graph(source.read_bytes()), Graph(written)
    assert ours.nodes == theirs.nodes
    assert ours.tensors.keys() == theirs.tensors.keys()
    assert all((ours.tensors[name] == theirs.tensors[name]).all() for name in ours.tensors)


def test_shapes_change_and_nothing_else() -> None:
    writer = GraphWriter()
    writer.node("Relu", ["x"], "y")
    fixed = np.dtype(np.float32), (1, 2)
    content = writer.model({"x": fixed, "unused": fixed}, {"y": fixed})
    free = with_shapes(content, {"x": ("N", 2)}, {"y": ("N", 2)})
    session = onnxruntime.InferenceSession(free, providers=["CPUExecutionProvider"])
    assert [(one.name, one.shape) for one in session.get_inputs()] == [("x", ["N", 2])]
    given = np.array([[-1, 2], [3, -4], [5, 6]], np.float32)
    assert session.run(None, {"x": given})[0].tolist() == [[0, 2], [3, 0], [5, 6]]


def test_without_the_package_there_is_no_network_and_a_damaged_one_is_refused(
    tmp_path: Path, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(face_network, "PACKAGE", "no_such_package")
    assert face_network.face_network_file() is None
    target, source = tmp_path / f"{MODEL}.onnx", tmp_path / "centerface.onnx"
    target.with_suffix(".json").write_bytes((installed / f"{MODEL}.json").read_bytes())
    monkeypatch.setattr(conversion, "face_network_file", lambda: source)
    for content in (b"", b"\x3a\xff\xff\xff\xff\x0f", b"not a network"):
        source.write_bytes(content)
        with pytest.raises(ModelError, match=r"centerface\.onnx"):
            conversion._write_face_detector(tmp_path, lambda _: None)
        assert not target.exists()
    with pytest.raises(ModelError, match="no network that finds faces"):
        face_network.face_network(tmp_path / "missing.onnx")


def test_a_missing_or_damaged_network_names_the_command_that_writes_it(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / f"{MODEL}.json").write_bytes((installed / f"{MODEL}.json").read_bytes())
    with pytest.raises(ModelError, match="no such model file: `make demo OPTIONS=1` writes it"):
        REGISTRY.open(MODEL, tmp_path, "auto", signature=SIGNATURE)
    (tmp_path / f"{MODEL}.onnx").write_bytes(b"damaged")
    with pytest.raises(ModelError, match="was replaced; `sage weights` writes it anew"):
        REGISTRY.open(MODEL, tmp_path, "auto", signature=SIGNATURE)
