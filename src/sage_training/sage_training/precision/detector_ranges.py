"""Ranges of the layers of NanoDet-g, by which `sage weights` writes it in int8.

    python -m sage_training.precision.detector_ranges ../shared/data models

The pictures are photographs of ImageNet's classes of even number, single and four in one: means of
the least and of the greatest value that each layer has in them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from sage_common.core.home import replace_file
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.backends.packaged.nanodet import RANGES_FILE, SIDE_PX, nanodet
from sage_encoders.backends.packaged.object_detector import detector_graph
from sage_encoders.core.recognition.concepts import read_concepts
from sage_training.data import PHOTOGRAPHS, photographs

PICTURES = 24
"""Of each kind."""
LAYERS = ("Conv", "Add")
"""Operators whose ranges do not follow from those of what they take."""


def main(data: Path, models: Path) -> None:
    """Write the file of ranges beside the cards in `models`."""
    graph = detector_graph(models_folder())
    if graph is None:
        raise SystemExit("no detector: make demo OPTIONS=1")
    network = onnx.load_from_string(nanodet(graph, None))
    names = [node.output[0] for node in network.graph.node if node.op_type in LAYERS]
    floats = onnx.TensorProto.FLOAT
    network.graph.output.extend(onnx.helper.make_tensor_value_info(n, floats, None) for n in names)
    session = onnxruntime.InferenceSession(network.SerializeToString())
    found = np.array(
        [
            [(values.min(), values.max()) for values in session.run(names, {"image": image[None]})]
            for image in pictures(data, models)
        ]
    )
    ranges = found.mean(axis=0)
    lines = [f"{n}\t{low:.4f}\t{high:.4f}\n" for n, (low, high) in zip(names, ranges, strict=True)]
    replace_file(models / RANGES_FILE, "".join(lines).encode())


def pictures(data: Path, models: Path) -> Iterator[NDArray[np.uint8]]:
    """Photographs of development as the network takes them, uint8 [416, 416, 3]."""
    ids = read_concepts(models).ids
    names, images = photographs(data / PHOTOGRAPHS)
    numbers = [ids.index(name.partition("_")[0]) for name in names]
    even = [image for number, image in zip(numbers, images, strict=True) if number % 2 == 0]
    for image in even[:PICTURES]:
        yield resize(image, SIDE_PX, SIDE_PX)
    for place in range(PICTURES, 5 * PICTURES, 4):
        left, right, *below = even[place : place + 4]
        four = np.vstack([np.hstack([left, right]), np.hstack(below)])
        yield resize(four, SIDE_PX, SIDE_PX)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
