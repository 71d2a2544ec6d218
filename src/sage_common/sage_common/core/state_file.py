"""Learned state on disk: whole or absent, never half."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAGIC = b"SAGESTATE1"
DIGEST_BYTES = 32


class StateFileError(ValueError):
    """A state file that cannot be trusted: wrong magic, checksum or content."""


def save(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Write arrays so that a crash leaves either the old file or the new one.

    The file is `MAGIC`, the SHA-256 of the rest, and an uncompressed npz; it is written beside
    `path`, synced, renamed over it, and the folder is synced. Mode 0600.

    Raises:
        ValueError: an array holds Python objects (they would need pickle).
        OSError: the disk is full or the folder cannot be written.
    """
    for name, array in arrays.items():
        if np.asarray(array).dtype.hasobject:
            raise ValueError(f"{name}: expected a plain dtype, got object")
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)  # type: ignore[arg-type]
    body = buffer.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(MAGIC + hashlib.sha256(body).digest() + body)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def load(path: Path) -> dict[str, NDArray[np.generic]]:
    """Read what `save` wrote.

    Raises:
        FileNotFoundError: there is no such file.
        StateFileError: the file is not a state file, or its checksum does not match.
    """
    content = path.read_bytes()
    head = len(MAGIC) + DIGEST_BYTES
    if content[: len(MAGIC)] != MAGIC:
        raise StateFileError(f"{path}: expected a state file that starts with {MAGIC!r}")
    body = content[head:]
    if hashlib.sha256(body).digest() != content[len(MAGIC) : head]:
        raise StateFileError(f"{path}: checksum does not match its {len(body)} bytes")
    with np.load(io.BytesIO(body), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
