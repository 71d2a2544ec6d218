"""The models that name kept pictures; they are imported and loaded on first use."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_common.core.labels import Labels
from sage_encoders.backends.model_registry import REGISTRY
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core.recognition import detector, picture_classifier
from sage_encoders.core.recognition.concepts import read_concepts
from sage_encoders.core.recognition.detector import Detector
from sage_encoders.core.recognition.picture_classifier import PictureClassifier
from sage_memory.backends.payload_decoding import picture
from sage_memory.core.store.naming import Namer

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class PictureNamer:
    """A model that names pictures.

    Attributes:
        model_id: of its labels.
        vocabulary: names of its classes, in order.
        see: what a picture shows, uint8 RGB [H, W, 3].
    """

    model_id: str
    vocabulary: tuple[str, ...]
    see: Callable[[Pixels], Labels]

    @property
    def namer(self) -> Namer:
        """What the store needs of it."""
        return Namer(self.model_id, self.vocabulary, lambda payload: self.see(picture(payload)))


class PictureNamers:
    """The picture classifier, and the detector where it is installed: an option of the set-up. They
    are shared with whoever in this process uses them.

    Attributes:
        models: both, or the first.

    Raises:
        ModelError: the classifier is not installed, or one of them is damaged.
    """

    def __init__(self) -> None:
        folder = models_folder()
        concepts = read_concepts(folder)
        with ExitStack() as leases:
            name, signature = picture_classifier.MODEL, picture_classifier.SIGNATURE
            model = leases.enter_context(REGISTRY.open(name, folder, "auto", signature=signature))
            classifier = PictureClassifier(model, resize)
            names = tuple(concepts.class_names)
            named = PictureNamer(
                classifier.model_id,
                names,
                lambda image: classifier.name(image).labels(classifier.model_id),
            )
            self.models = [named]
            if (folder / f"{detector.MODEL}.onnx").is_file():
                name, signature = detector.MODEL, detector.SIGNATURE
                lease = REGISTRY.open(name, folder, "auto", signature=signature)
                finder = Detector(leases.enter_context(lease), resize)
                objects = tuple(concepts.object_names)
                self.models.append(PictureNamer(finder.model_id, objects, finder.find))
            self._leases = leases.pop_all()

    def close(self) -> None:
        """Give the models back."""
        self._leases.close()
