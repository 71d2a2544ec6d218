"""Learned state on disk: whole or absent, never half."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAGIC = b"SAGESTATE1"
DIGEST_BYTES = 32
_EPOCH = (1980, 1, 1, 0, 0, 0)


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
    body = _pack(arrays)
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
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return {
            name.removesuffix(".npy"): _read_array(archive.read(name))
            for name in archive.namelist()
        }


def _pack(arrays: Mapping[str, NDArray[np.generic]]) -> bytes:
    """An npz with fixed dates, so that equal arrays give equal bytes; any name is allowed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            plain = np.asarray(array)
            if plain.dtype.hasobject:
                raise ValueError(f"{name}: expected a plain dtype, got {plain.dtype}")
            item = io.BytesIO()
            np.lib.format.write_array(item, plain, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _EPOCH), item.getvalue())
    return buffer.getvalue()


def _read_array(data: bytes) -> NDArray[np.generic]:
    array: NDArray[np.generic] = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    return array


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
