"""Names the pictures that are kept, so that words find them though nobody captioned them."""

from __future__ import annotations

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import joined
from sage_common.ros.node import SageNode
from sage_encoders.core.card import ModelError
from sage_memory.backends.payload_decoding import picture
from sage_memory.backends.picture_namers import PictureNamers
from sage_memory.core.experience import Payload
from sage_memory.core.labels.packing import Recognised


class PictureNaming:
    """The picture classifier and the detector at work on what is kept; to be used by one worker.

    Args:
        node: whose log and diagnostics say what is not named, and why.
        wanted: whether pictures are to be named.
    """

    def __init__(self, node: SageNode, wanted: bool) -> None:
        self._node, self._wanted = node, wanted
        self._opened: PictureNamers | None = None

    def added(self, had: list[Recognised], payload: Payload | None) -> list[Recognised]:
        """What was recognised in a moment, with what its picture shows."""
        is_picture = payload is not None and payload.media_type.startswith("image/")
        if not (self._wanted and is_picture and payload is not None):
            return had
        opened = self._open()
        if opened is None:
            return had
        try:
            image = picture(payload.data)
        except InvalidInput as error:
            self._node.log.warning(f"kept without names: {error}", throttle_s=1.0, key="names")
            return had
        named = list(had)
        for model in opened.models:
            shown = model.see(image)
            same = [labels for labels, _ in named if labels.model_id == shown.model_id]
            if all(label.box is not None for label in shown.labels):
                same = []  # the things that were found in a frame near it are the same again
            others = [one for one in named if one[0].model_id != shown.model_id]
            named = [*others, (joined([shown, *same]), model.vocabulary)]
        return named

    def close(self) -> None:
        """Give the models back; the next picture opens them again."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _open(self) -> PictureNamers | None:
        if self._opened is None:
            try:
                self._opened = PictureNamers()
            except ModelError as error:
                self._wanted = False
                self._node.log.warning(f"kept pictures are not named: {error}")
                self._node.diagnose(pictures_named=f"no: {error}")
        return self._opened
