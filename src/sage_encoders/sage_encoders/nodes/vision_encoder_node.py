"""Pictures of one camera as puzzles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_common.ros.conversions.images import image_to_rgb
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.tensors.picture import Picture
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core.vision import MODEL, SIGNATURE, VisionEncoder
from sage_encoders.modalities import VISION
from sage_encoders.nodes.loaded_encoder import LoadedEncoder, load_onnx
from sage_encoders.nodes.model_encoder_node import ModelEncoderNode
from sage_encoders.nodes.peripheral_tier import PeripheralTier
from sage_encoders.params import VisionEncoderParameters


class VisionEncoderNode(ModelEncoderNode):
    """Encodes the newest picture; what waits behind it makes room for newer ones, counted."""

    default_name = "vision_encoder"
    parameters_type = VisionEncoderParameters
    spec = VISION
    waiting = 4  # a stall of 0.1 s at 30 pictures/s loses none while memory is not tight

    def on_configure(self) -> None:
        super().on_configure()
        p = self.parameters
        self._periphery = PeripheralTier(self, p)
        self._outdated = 0
        self.subscribe_tensor(
            "camera/tensor", "camera/image_raw", self._on_picture, p.transport, name=p.camera
        )

    def on_deactivate(self) -> None:
        super().on_deactivate()
        self._periphery.close()

    def load(self) -> LoadedEncoder[VisionEncoder]:
        fit = self.parameters.fit
        return load_onnx(
            MODEL, self.parameters, SIGNATURE, lambda model: VisionEncoder(model, resize, fit)
        )

    def _on_picture(self, picture: Picture) -> None:
        self._worker.submit(self._encode, picture)

    def _encode(self, picture: Picture) -> None:
        stamp = stamp_ns(picture.header.stamp)
        with picture, self._slot.encoder() as encoder:
            if encoder is None:
                return
            began_ns = self.stopwatch_ns()
            percept = encoder.encode(picture.pixels, stamp, self.parameters.camera)
            took_ns = self.stopwatch_ns() - began_ns
            if picture.is_whole():
                self._puzzles.publish(percept, picture.header, took_ns)
                self._periphery.look(picture)
            else:
                self._outdated += 1
                self.diagnose(outdated=self._outdated)
        self.diagnose(dropped=self._worker.dropped)

    def decode(self, request: Any) -> NDArray[np.uint8]:
        return image_to_rgb(request.image)

    def embed(self, encoder: VisionEncoder, sample: NDArray[np.uint8]) -> NDArray[np.float32]:
        return encoder.embed(sample)
