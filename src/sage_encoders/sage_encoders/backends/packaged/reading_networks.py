"""The networks that read text, as the package carries them: copied, nothing of it is run."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from sage_encoders.backends.reading import text_detector, text_recogniser
from sage_encoders.core.card import ModelError, model_sha256, read_card

PACKAGE = "rapidocr_onnxruntime"
FILES = {
    text_detector.MODEL: "models/ch_PP-OCRv4_det_infer.onnx",
    text_recogniser.MODEL: "models/ch_PP-OCRv4_rec_infer.onnx",
}
"""In the package, by the name of the model."""


def reading_networks(folder: Path) -> dict[str, Path]:
    """Files of the package by the name of the model; none where it is not installed: an option.

    Args:
        folder: of the models, with the cards.

    Raises:
        ModelError: a file is missing, or is not the one that its card describes.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return {}
    found = {name: Path(spec.origin).parent / file for name, file in FILES.items()}
    for name, path in found.items():
        card = read_card(folder / f"{name}.json")
        sha256 = model_sha256(path)
        if sha256 != card.sha256:
            raise ModelError(
                f"{path}: SHA-256 {sha256[:12]}: expected {card.sha256[:12]}, which "
                f"{name}.json describes"
            )
    return found
