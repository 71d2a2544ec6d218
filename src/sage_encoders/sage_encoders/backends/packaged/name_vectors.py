"""The meaning of each name that pictures can be given, embedded once."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage_encoders.core.card import ModelError
from sage_encoders.core.language import TextEmbedder
from sage_encoders.core.recognition.concepts import FILE, OBJECTS_FILE, Concepts


def vectors_file(folder: Path, encoder_id: str) -> Path:
    """Where the vectors of these names by this encoder lie, whether they are there or not."""
    names = (folder / FILE).read_bytes() + (folder / OBJECTS_FILE).read_bytes()
    version = hashlib.sha256(names + encoder_id.encode()).hexdigest()[:12]
    return folder / f"{Path(FILE).stem}-{version}.npy"


def former_vectors(folder: Path) -> list[Path]:
    """Such files, of whatever names and encoders."""
    return sorted(folder.glob(f"{Path(FILE).stem}-*.npy"))


def embedded_names(concepts: Concepts, embedder: TextEmbedder) -> bytes:
    """The content of that file: float16 [names, D]."""
    vectors = embedder.embed_all([name for names in concepts.names for name in names])
    content = io.BytesIO()
    np.save(content, vectors.astype(np.float16), allow_pickle=False)
    return content.getvalue()


def read_name_vectors(folder: Path, concepts: Concepts, encoder_id: str) -> NDArray[np.float32]:
    """The vectors of all names in their order, float32 [names, D].

    Raises:
        ModelError: they are not there, or damaged.
    """
    path = vectors_file(folder, encoder_id)
    try:
        vectors = np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no names embedded by {encoder_id}: sage weights") from error
    except (OSError, EOFError, ValueError) as error:
        raise ModelError(f"{path}: not the vectors of names: {error}") from error
    count = sum(len(names) for names in concepts.names)
    if vectors.ndim != 2 or len(vectors) != count:
        raise ModelError(f"{path}: {vectors.shape}: expected ({count}, D)")
    return np.asarray(vectors, np.float32)
