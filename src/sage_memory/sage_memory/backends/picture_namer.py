"""Names kept pictures by the picture classifier; the model is imported and loaded on first use."""

from __future__ import annotations

from sage_common.core.labels import Labels
from sage_encoders.backends.model_registry import REGISTRY
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core.recognition.concepts import read_concepts
from sage_encoders.core.recognition.picture_classifier import MODEL, SIGNATURE, PictureClassifier
from sage_memory.backends.payload_decoding import picture
from sage_memory.core.store.naming import Namer


class PictureNamer:
    """The classifier, shared with whoever in this process uses it, and the names of its classes.

    Raises:
        ModelError: the network or the names of its classes are not installed.
    """

    def __init__(self) -> None:
        folder = models_folder()
        self._vocabulary = tuple(read_concepts(folder).class_names)
        self._lease = REGISTRY.open(MODEL, folder, "auto", signature=SIGNATURE)
        self._classifier = PictureClassifier(self._lease.model, resize)

    @property
    def namer(self) -> Namer:
        """What the store needs of it."""
        return Namer(self._classifier.model_id, self._vocabulary, self.name)

    def name(self, payload: bytes) -> Labels:
        """The ten most probable classes of a kept picture.

        Raises:
            InvalidInput: it is no picture.
        """
        return self._classifier.name(picture(payload)).labels(self._classifier.model_id)

    def close(self) -> None:
        """Give the model back."""
        self._lease.close()
