"""Features of pictures and of boxes in them, by which taught words are told; the model is imported
and loaded on first use.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sage_common.core.labels import Box
from sage_encoders.backends.model_registry import REGISTRY
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core.recognition.concepts import read_concepts
from sage_encoders.core.recognition.feature_scale import read_feature_scale
from sage_encoders.core.recognition.picture_classifier import MODEL, SIGNATURE, PictureClassifier
from sage_memory.backends.payload_decoding import picture
from sage_memory.core.store.taught_naming import PictureFeatures
from sage_memory.core.taught.taught_word import Look

LEAST_SIDE_PX = 32
"""Of a square that is looked at; there is too little to see in smaller ones."""
Pixels = NDArray[np.uint8]
Features = NDArray[np.float32]


class PictureLooks:
    """The picture classifier, shared with whoever in this process uses it.

    Raises:
        ModelError: the network or the scale of its features is not installed.
    """

    def __init__(self) -> None:
        folder = models_folder()
        self._scale = read_feature_scale(folder)
        self._lease = REGISTRY.open(MODEL, folder, "auto", signature=SIGNATURE)
        self._classifier = PictureClassifier(self._lease.model, resize)

    @property
    def model_id(self) -> str:
        """Of the features."""
        return self._scale.model_id(self._classifier.model_id)

    @property
    def names(self) -> list[str]:
        """Of what pictures are told to show untaught."""
        concepts = read_concepts(models_folder())
        return [*concepts.class_names, *concepts.object_names]

    @property
    def features(self) -> PictureFeatures:
        """What the store needs of it."""
        return PictureFeatures(
            self.model_id, lambda payload, boxes: self.looks(picture(payload), boxes)
        )

    def features_of(self, image: Pixels) -> Features:
        """Float32 [1280] of length 1 of a picture, uint8 RGB [h, w, 3]."""
        return self._scale.scaled(self._classifier.name(image).features)

    def looks(self, image: Pixels, boxes: Sequence[Box] = ()) -> list[Look]:
        """Looks at a picture and at those boxes in it, as shares of it, that are large enough."""
        parts = ((_square(image, box), box) for box in boxes)
        large = [(part, box) for part, box in parts if len(part) >= LEAST_SIDE_PX]
        whole = Look(self.features_of(image))
        return [whole, *(Look(self.features_of(part), box) for part, box in large)]

    def close(self) -> None:
        """Give the model back."""
        self._lease.close()


def _square(image: Pixels, box: Box) -> Pixels:
    """The square around a box, as far as it lies in the picture."""
    height, width = image.shape[:2]
    side = min(round(max(box[2] * width, box[3] * height)), height, width)
    left = round((box[0] + box[2] / 2.0) * width - side / 2.0)
    top = round((box[1] + box[3] / 2.0) * height - side / 2.0)
    left, top = min(max(left, 0), width - side), min(max(top, 0), height - side)
    return image[top : top + side, left : left + side]
