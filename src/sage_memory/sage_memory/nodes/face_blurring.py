"""Faces in pictures that are kept are made unrecognisable, or the pictures are not kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.ros.node import SageNode
from sage_encoders.core.card import ModelError
from sage_memory.backends.face_blur import FaceBlur


class FaceBlurring:
    """The network that finds faces at work on what is kept; to be used by one worker.

    Args:
        node: whose log and diagnostics say that pictures are not kept, and why.
        wanted: whether faces are to be blurred.
    """

    def __init__(self, node: SageNode, wanted: bool) -> None:
        self._wanted = wanted
        self._opened: FaceBlur | None = None
        if not wanted:
            return
        try:
            self._open()
            node.diagnose(faces_blurred="yes")
        except InvalidInput as error:
            node.log.warning(f"pictures are not kept: {error}")
            node.diagnose(faces_blurred=f"no, so pictures are not kept: {error}")
        self.close()

    def blurred(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A picture, uint8 RGB [h, w, 3], without faces that are found, if that is wanted.

        Raises:
            InvalidInput: it is wanted, and the network that finds them is missing.
        """
        return self._open().blurred(image) if self._wanted else image

    def close(self) -> None:
        """Give the network back; the next picture opens it again."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _open(self) -> FaceBlur:
        if self._opened is None:
            try:
                self._opened = FaceBlur()
            except ModelError as error:
                expected = f"the network that finds faces ({error})"
                raise InvalidInput("blur_faces", True, expected) from None
        return self._opened
