"""Names sounds by what the encoder of speech hears in them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_common.core.labels import Label, Labels
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.backends.speech.speech_recogniser import WIDTH
from sage_encoders.core.recognition.sound_names import OTHER_NAMES
from sage_encoders.core.signature import Signature, Tensor
from sage_encoders.core.speech.spectrum import SAMPLE_RATE, log_mel, padded

MODEL = "sound_classifier"
CLASSES = tuple(OTHER_NAMES)
SIGNATURE = Signature(
    inputs={"features": Tensor("float32", ("N", "S", WIDTH))},
    outputs={"probabilities": Tensor("float32", ("N", len(CLASSES)))},
)
WINDOW_S, LEAST_S = 5.0, 1.0
LOOKS_S = (WINDOW_S, 2.0)
"""What is listened to, one after the other: a sound that has just begun is hardly heard in 5 s in
which somebody was speaking before."""
LEAST = 0.05
"""Names that are less probable are none."""
Floats = NDArray[np.float32]


class SoundClassifier:
    """Names what is heard in the last five seconds.

    Args:
        encoder: of speech, with `ENCODER_SIGNATURE`.
        classifier: with SIGNATURE.
    """

    def __init__(self, encoder: OnnxModel, classifier: OnnxModel) -> None:
        self._encoder, self._classifier = encoder, classifier

    @property
    def model_id(self) -> str:
        """Name, version and hash of the classifier."""
        return self._classifier.encoder_id

    def features(self, samples: Floats, seconds: float = WINDOW_S) -> Floats:
        """What the encoder hears, float32 [250, 384].

        Args:
            samples: 16 kHz, float32 [n], full scale 1.
            seconds: of their end that count, at most 5; after less than 5 s there is silence.

        Raises:
            InvalidInput: not one-dimensional, or not finite.
        """
        count = round(WINDOW_S * SAMPLE_RATE)
        last = samples[-round(seconds * SAMPLE_RATE) :]
        window = padded(last, count)
        return np.asarray(self._encoder.run(mel=log_mel(window)[None])["features"][0], np.float32)

    def name(self, samples: Floats, seconds: float = WINDOW_S) -> Labels:
        """Calibrated probabilities of what is heard, the best first; none of a sound that is none
        of the classes.

        Args:
            samples, seconds: as of `features`.

        Raises:
            InvalidInput: as `features`.
        """
        heard = self.features(samples, seconds)[None]
        probabilities = self._classifier.run(features=heard)["probabilities"][0]
        best = np.argsort(-probabilities, kind="stable").tolist()
        found = [Label(n, float(probabilities[n])) for n in best if probabilities[n] >= LEAST]
        return Labels(self.model_id, tuple(found))


def surer(first: Labels | None, second: Labels) -> Labels:
    """Of two looks at a sound the one whose best name is more probable."""
    if first is None or not first.labels:
        return second
    is_surer = second.labels and second.labels[0].probability > first.labels[0].probability
    return second if is_surer else first
