"""Pictures of one camera as puzzles."""

from __future__ import annotations

from typing import Any

from sage_common.core.state.fields import Transient
from sage_common.ros.conversions.images import image_to_rgb
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.node import SageNode
from sage_common.ros.tensors.picture import Picture
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core.vision import MODEL, SIGNATURE, VisionEncoder
from sage_encoders.nodes.embedding_answer import fill_embedding
from sage_encoders.nodes.encoder_slot import EncoderSlot
from sage_encoders.nodes.loaded_encoder import LoadedEncoder, load_onnx
from sage_encoders.nodes.peripheral_tier import PeripheralTier
from sage_encoders.nodes.puzzle_message import puzzle_message
from sage_encoders.params import VisionEncoderParameters

# Pictures that may wait: a stall of 0.1 s at 30 pictures/s loses none.
QUEUE_SIZE = 4


class VisionEncoderNode(SageNode):
    """Encodes the newest picture; what waits behind it makes room for newer ones, counted."""

    default_name = "vision_encoder"
    parameters_type = VisionEncoderParameters
    _slot: Transient[EncoderSlot[VisionEncoder]]

    def on_configure(self) -> None:
        self._slot = EncoderSlot(self, self._load)
        self._puzzles = self.publisher("puzzle", modality="vision")
        self._worker = self.worker("encode", QUEUE_SIZE)
        p = self.parameters
        self._periphery = PeripheralTier(self, p)
        self._outdated = 0
        self.subscribe_tensor(
            "camera/tensor", "camera/image_raw", self._on_picture, p.transport, name=p.camera
        )
        self.service("vision/embed", self._on_embed)

    def on_activate(self) -> None:
        self._slot.activate()
        self.diagnose(dropped=0)

    def on_deactivate(self) -> None:
        self._slot.deactivate()
        self._periphery.close()

    def _load(self) -> LoadedEncoder[VisionEncoder]:
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
                self._puzzles.publish(puzzle_message(percept, picture.header, took_ns))
                self._periphery.look(picture)
            else:
                self._outdated += 1
                self.diagnose(outdated=self._outdated)
        self.diagnose(dropped=self._worker.dropped)

    def _on_embed(self, request: Any, response: Any) -> Any:
        image = image_to_rgb(request.image)
        return fill_embedding(
            response, self._slot, self.name, lambda e: e.embed(image), lambda e: e.encoder_id
        )
