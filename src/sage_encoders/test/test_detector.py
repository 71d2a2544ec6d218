"""Finding objects: the graph of TensorFlow.js, the network that is written, and what it finds."""

from __future__ import annotations

import base64
import json
import math
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import pytest

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import check_labels
from sage_encoders.backends.model_registry import REGISTRY
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.backends.packaged import conversion
from sage_encoders.backends.packaged.nanodet import DEVIATION, MEAN, nanodet
from sage_encoders.backends.packaged.object_detector import FILE, FOLDER, detector_graph
from sage_encoders.backends.packaged.tfjs_graph import read_graph
from sage_encoders.core.card import ModelError
from sage_encoders.core.recognition.concepts import read_concepts
from sage_encoders.core.recognition.detector import (
    ANOTHER,
    BINS,
    CLASSES,
    MODEL,
    SIGNATURE,
    STRIDES_PX,
    Detector,
    overlaps,
)

NAMES = read_concepts(Path(__file__).parents[3] / "models").object_names
CHANNELS = CLASSES + 4 * BINS
INSTALLED = Path("share", "sage_encoders", "models")


class TinyModel:
    """Files of a network with NanoDet-g's heads and nothing before them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.nodes: list[dict[str, Any]] = []
        self.weights: list[dict[str, Any]] = []
        self.numbers = b""
        random = np.random.default_rng(0)
        self.kernels = [random.normal(size=(1, 1, 3, CHANNELS)) for _ in STRIDES_PX]
        self.node("Placeholder", "picture")
        self.constant("turn", np.array([0, 2, 3, 1]), "int32")
        self.constant("bias", np.linspace(-1, 1, CHANNELS), "float32")
        self.node("Transpose", "last", "picture", "turn")
        for stride, kernel in zip(STRIDES_PX, self.kernels, strict=True):
            self.constant(f"kernel{stride}", kernel, "float32")
            valid = base64.b64encode(b"VALID").decode()
            strides = {"list": {"i": ["1", str(stride), str(stride), "1"]}}
            attributes = {"strides": strides, "padding": {"s": valid}}
            self.node("Conv2D", f"conv{stride}", "last", f"kernel{stride}", **attributes)
            self.node("Add", f"head{stride}", f"conv{stride}", "bias")
            self.node("SplitV", f"split{stride}", f"head{stride}")

    def node(self, operator: str, name: str, *inputs: str, **attributes: Any) -> None:
        node = {"op": operator, "name": name, "input": list(inputs), "attr": attributes}
        self.nodes.append(node)

    def constant(self, name: str, values: np.ndarray, dtype: str) -> None:
        about: dict[str, Any] = {"name": name, "shape": list(values.shape), "dtype": dtype}
        if dtype == "float32":
            about["quantization"] = {"dtype": "float16"}
        self.weights.append(about)
        self.numbers += values.astype("<f2" if dtype == "float32" else "<i4").tobytes()

    def written(self, **changes: Any) -> Path:
        described = {
            "format": "graph-model",
            "modelTopology": {"node": self.nodes},
            "weightsManifest": [{"paths": ["tiny.bin"], "weights": self.weights}],
        }
        self.path.write_text(json.dumps({**described, **changes}))
        self.path.with_suffix(".bin").write_bytes(self.numbers)
        return self.path


@pytest.fixture
def tiny(tmp_path: Path) -> TinyModel:
    return TinyModel(tmp_path / "tiny.json")


class TestGraph:
    def test_it_has_the_nodes_in_order_and_the_constants(self, tiny: TinyModel) -> None:
        graph = read_graph(tiny.written())
        assert [node.name for node in graph.nodes[:3]] == ["picture", "last", "conv8"]
        assert graph.nodes[2].numbers("strides") == [1, 8, 8, 1]
        assert graph.nodes[2].text("padding") == "VALID"
        assert graph.constants["turn"].tolist() == [0, 2, 3, 1]
        assert graph.constants["kernel8"].dtype == np.float32
        assert np.allclose(graph.constants["kernel8"], tiny.kernels[0], atol=2e-3)

    def test_files_that_are_none_are_refused(self, tiny: TinyModel) -> None:
        with pytest.raises(ModelError, match=r"tiny\.json: weights that cannot be read"):
            read_graph(tiny.path)
        with pytest.raises(ModelError, match="its format is 'layers-model'"):
            read_graph(tiny.written(format="layers-model"))
        tiny.written()
        tiny.path.write_text("[1, 2")
        with pytest.raises(ModelError, match=r"tiny\.json: not a model of TensorFlow"):
            read_graph(tiny.path)

    def test_numbers_that_are_cut_off_or_too_many_are_refused(self, tiny: TinyModel) -> None:
        path = tiny.written()
        path.with_suffix(".bin").write_bytes(tiny.numbers[:-1])
        with pytest.raises(ModelError, match="kernel32 ends at byte"):
            read_graph(path)
        path.with_suffix(".bin").write_bytes(tiny.numbers + b"1")
        with pytest.raises(ModelError, match="in a file of"):
            read_graph(path)

    @pytest.mark.parametrize(("dtype", "shape"), [("float64", [1]), ("float32", [-1])])
    def test_constants_that_are_none_are_refused(
        self, tiny: TinyModel, dtype: str, shape: list[int]
    ) -> None:
        tiny.weights[0] = {"name": "odd", "dtype": dtype, "shape": shape}
        with pytest.raises(ModelError, match="odd"):
            read_graph(tiny.written())

    def test_what_a_node_takes_has_to_come_before_it(self, tiny: TinyModel) -> None:
        tiny.nodes.reverse()
        with pytest.raises(ModelError, match="split32 takes"):
            read_graph(tiny.written())


class TestNetwork:
    def test_it_computes_what_the_graph_says(self, tiny: TinyModel) -> None:
        network = nanodet(read_graph(tiny.written()), None)
        image = np.random.default_rng(1).integers(0, 256, (1, 64, 96, 3), np.uint8)
        scores, distances = onnxruntime.InferenceSession(network).run(None, {"image": image})
        values = (image[0, :, :, ::-1] - np.array(MEAN)) / np.array(DEVIATION)
        heads = [
            (values[::stride, ::stride] @ kernel[0, 0].astype(np.float16)).reshape(-1, CHANNELS)
            for stride, kernel in zip(STRIDES_PX, tiny.kernels, strict=True)
        ]
        cells = np.concatenate(heads) + np.linspace(-1, 1, CHANNELS)
        assert np.allclose(scores[0], 1 / (1 + np.exp(-cells[:, :CLASSES])), atol=1e-2)
        powers = np.exp(cells[:, CLASSES:].reshape(-1, 4, BINS))
        expected = (powers * np.arange(BINS)).sum(axis=2) / powers.sum(axis=2)
        assert np.allclose(distances[0], expected, atol=5e-2)

    def test_another_graph_is_refused(self, tiny: TinyModel) -> None:
        tiny.node("Softmax", "more", "last")
        with pytest.raises(ValueError, match="more: Softmax"):
            nanodet(read_graph(tiny.written()), None)
        del tiny.nodes[-3:]
        with pytest.raises(ValueError, match="2 heads: expected 3"):
            nanodet(read_graph(tiny.written()), None)


class Cells:
    """A network that sees given objects: class, score, cell of 8 px, and the distances."""

    encoder_id = "cells-1@0"

    def __init__(self, *objects: tuple[int, float, int, tuple[float, float, float, float]]) -> None:
        self.objects = objects
        self.shape: tuple[int, ...] = ()

    def run(self, **inputs: Any) -> dict[str, np.ndarray]:
        self.shape = inputs["image"].shape
        _, height, width, _ = self.shape
        cells = sum((height // stride) * (width // stride) for stride in STRIDES_PX)
        scores = np.zeros((1, cells, CLASSES), np.float32)
        distances = np.zeros((1, cells, 4), np.float32)
        for number, score, cell, reach in self.objects:
            scores[0, cell, number] = score
            distances[0, cell] = reach
        return {"scores": scores, "distances": distances}


SQUARE = np.zeros((416, 416, 3), np.uint8)


class TestDetector:
    def test_a_box_goes_from_the_middle_of_its_cell(self) -> None:
        found = Detector(Cells((2, 0.6, 52 + 1, (1, 0.5, 2, 3))), resize).find(SQUARE)
        (label,) = found.labels
        assert found.model_id == "cells-1@0"
        assert NAMES[label.number] == "car"
        assert 0.6 < label.probability < 0.7
        assert np.allclose(np.array(label.box) * 416, (4, 8, 24, 28))

    def test_of_objects_that_overlap_the_best_of_a_class_stays(self) -> None:
        box = (1.0, 1.0, 1.0, 1.0)
        objects = [(2, 0.5, 60, box), (2, 0.8, 60 + 52, (1, 2, 1, 0)), (3, 0.4, 60, box)]
        found = Detector(Cells(*objects), resize).find(SQUARE)
        assert [(NAMES[label.number], label.probability > 0.7) for label in found.labels] == [
            ("car", True),
            ("motorcycle", False),
        ]

    def test_a_class_counts_again_only_where_it_is_probable(self) -> None:
        box = (1.0, 1.0, 1.0, 1.0)
        objects = [(2, score, 20 * place, box) for place, score in enumerate((0.2, 0.1, 0.6, 0.5))]
        found = Detector(Cells(*objects), resize).find(SQUARE)
        assert len(found.labels) == 2
        assert min(label.probability for label in found.labels) >= ANOTHER

    def test_32_labels_at_most_and_none_is_fine(self) -> None:
        many = [(number % 80, 0.9, 4 * number, (1.0, 1.0, 1.0, 1.0)) for number in range(100)]
        assert len(Detector(Cells(*many), resize).find(SQUARE).labels) == 32
        assert Detector(Cells(), resize).find(SQUARE).labels == ()

    @pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 2), (4320, 7680), (480, 848)])
    def test_pictures_of_any_shape_are_as_large_for_the_network(
        self, shape: tuple[int, int]
    ) -> None:
        network = Cells((0, 1.0, 0, (9, 9, 9, 9)))
        found = Detector(network, resize).find(np.zeros((*shape, 3), np.uint8))
        check_labels(found, CLASSES)
        _, height, width, _ = network.shape
        assert height % 32 == width % 32 == 0
        assert height * width <= (math.sqrt(416 * 416) + 64) ** 2

    @pytest.mark.parametrize(
        "image",
        [
            np.zeros((4, 4), np.uint8),
            np.zeros((4, 4, 3), np.float32),
            np.zeros((0, 4, 3), np.uint8),
        ],
    )
    def test_no_picture_is_refused(self, image: np.ndarray) -> None:
        with pytest.raises(InvalidInput, match="image"):
            Detector(Cells(), resize).find(image)


def test_without_its_files_there_is_no_detector_and_damaged_ones_are_refused(
    models: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    assert detector_graph(folder) is None
    model = TinyModel(tmp_path / FOLDER / FILE)
    model.path.parent.mkdir()
    model.written()
    for card in (f"{MODEL}.json", "picture_classifier.json", "picture_classifier_int8.json"):
        (folder / card).write_bytes((models / card).read_bytes())
    for network in ("picture_classifier.onnx", "picture_classifier_int8.onnx"):
        (folder / network).write_bytes(Path(sys.prefix, INSTALLED, network).read_bytes())
    with pytest.raises(ModelError, match=r"human-models: makes a network with SHA-256 .* expected"):
        conversion.convert(folder, lambda _: None)


@pytest.fixture(scope="module")
def detector() -> Iterator[Detector]:
    folder = Path(sys.prefix, INSTALLED)
    if not (folder / f"{MODEL}_int8.onnx").is_file():
        pytest.skip("the detector is not installed: make demo OPTIONS=1, where npm is there")
    with REGISTRY.open(MODEL, folder, "auto", "cpu", signature=SIGNATURE) as model:
        assert model.precision == "int8"
        yield Detector(model, resize)


class TestInstalled:
    """The network itself, where the set-up found npm."""

    def test_objects_are_found_where_they_are(self, detector: Detector, data: Path) -> None:
        with zipfile.ZipFile(data / "images" / "tiny_coco100.zip") as archive:
            content = np.frombuffer(archive.read("000000483108.jpg"), np.uint8)
        image = np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR)[:, :, ::-1], np.uint8)
        best = detector.find(image).labels[0]
        height, width = image.shape[:2]
        left, top, across, down = np.array(best.box) * (width, height, width, height)
        drawn = np.array([[0.0, 140.2, 320.0, 392.0]])  # by people, left to lower edge
        assert NAMES[best.number] == "train" and best.probability > 0.5
        assert overlaps(np.array([left, top, left + across, top + down]), drawn) > 0.7

    def test_noise_and_nothing_show_nothing_probable(self, detector: Detector) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
        for image in (noise, SQUARE):
            assert all(label.probability < 0.5 for label in detector.find(image).labels)
