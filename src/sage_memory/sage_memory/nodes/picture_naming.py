"""Names the pictures that are kept, so that words find them though nobody captioned them."""

from __future__ import annotations

from collections.abc import Callable

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import joined
from sage_common.ros.node import SageNode
from sage_encoders.core.card import ModelError
from sage_memory.backends.payload_decoding import picture
from sage_memory.backends.picture_looks import PictureLooks, Pixels
from sage_memory.backends.picture_namers import PictureNamers
from sage_memory.core.experience import Experience, Payload
from sage_memory.core.labels.packing import Recognised
from sage_memory.core.memory import Memory
from sage_memory.core.store.taught_naming import boxes_of
from sage_memory.nodes.taught_words import TaughtWords, recognised


class PictureNaming:
    """The picture classifier and the detector at work on what is kept; to be used by one worker.

    Args:
        node: whose log and diagnostics say what is not named, and why.
        opened: gives the open memory, or raises MemoryFailure.
        wanted: whether pictures are to be named.

    Attributes:
        taught: words that were taught, which sounds may be, too.
    """

    def __init__(self, node: SageNode, opened: Callable[[], Memory], wanted: bool) -> None:
        self._node, self._wanted = node, wanted
        self.taught = TaughtWords(node, opened)
        self._opened: PictureNamers | None = None
        self._looks: PictureLooks | None = None

    def added(
        self, had: list[Recognised], experience: Experience, payload: Payload | None
    ) -> list[Recognised]:
        """What was recognised in a moment, with what its picture or its sound shows."""
        had = [*had, *self.taught.heard(experience)]
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
        return [*named, *self._taught_in(image, named)]

    def close(self) -> None:
        """Give the models back; the next picture opens them again."""
        self.taught.close()
        if self._looks is not None:
            self._looks.close()
            self._looks = None
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _taught_in(self, image: Pixels, named: list[Recognised]) -> list[Recognised]:
        """Words that were taught of what is in a picture, or in a box of what was found in it."""
        if not self.taught.any_of("picture"):
            return []
        try:
            self._looks = self._looks or PictureLooks()
        except ModelError as error:
            why = f"kept without words that were taught: {error}"
            self._node.log.warning(why, throttle_s=60.0, key="taught")
            return []
        words = self.taught.told_by(self._looks.model_id)
        if not words:
            why = "words were taught with another model of pictures: teach them again"
            self._node.log.warning(why, throttle_s=3600.0, key="taught")
            return []
        boxes = boxes_of(label for labels, _ in named for label in labels.labels)
        return recognised(words, self._looks.looks(image, boxes))

    def _open(self) -> PictureNamers | None:
        if self._opened is None:
            try:
                self._opened = PictureNamers()
            except ModelError as error:
                self._wanted = False
                self._node.log.warning(f"kept pictures are not named: {error}")
                self._node.diagnose(pictures_named=f"no: {error}")
        return self._opened
