"""Learned state on disk: whole or absent, never half."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_common.core.home import make_private, replace_file

FORMAT = 2
"""1 had no identity."""
_KIND = b"SAGESTATE"
MAGIC = _KIND + str(FORMAT).encode()
DIGEST_BYTES = 32
_IDENTITY = "identity.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)


class StateFileError(ValueError):
    """A state file that cannot be used: its bytes are not what was written, or not ours."""


class StateFile(NamedTuple):
    """What a state file holds.

    Attributes:
        identity: whose state it is, and what its arrays depend on, in words.
        arrays: the state.
    """

    identity: dict[str, str]
    arrays: dict[str, NDArray[Any]]


def save(
    path: Path, arrays: Mapping[str, NDArray[np.generic]], identity: Mapping[str, str]
) -> None:
    """Write a state so that a crash leaves either the old file or the new one.

    The file is `MAGIC` with the number of the format, the SHA-256 of the rest, and an uncompressed
    npz with the identity as JSON beside the arrays.

    Raises:
        ValueError: an array holds Python objects (they would need pickle).
        OSError: the disk is full or the folder cannot be written.
    """
    body = _pack(arrays, identity)
    make_private(path.parent)
    replace_file(path, MAGIC + hashlib.sha256(body).digest() + body)


def load(path: Path) -> StateFile:
    """Read what `save` wrote.

    Raises:
        FileNotFoundError: there is no such file.
        StateFileError: it is no state file, of another format, truncated or changed.
    """
    content = path.read_bytes()
    head = len(MAGIC) + DIGEST_BYTES
    if content[: len(_KIND)] != _KIND:
        raise StateFileError(f"{path}: expected a state file that starts with {MAGIC!r}")
    if len(content) < head:
        raise StateFileError(f"{path}: {len(content)} bytes: expected a whole state file")
    if content[: len(MAGIC)] != MAGIC:
        found = content[len(_KIND) : len(MAGIC)].decode(errors="replace")
        raise StateFileError(f"{path}: format = {found}: expected {FORMAT}")
    body = content[head:]
    if hashlib.sha256(body).digest() != content[len(MAGIC) : head]:
        raise StateFileError(f"{path}: checksum does not match its {len(body)} bytes")
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        identity = json.loads(archive.read(_IDENTITY))
        arrays = {
            name.removesuffix(".npy"): _read_array(archive.read(name))
            for name in archive.namelist()
            if name != _IDENTITY
        }
    return StateFile(identity, arrays)


def check_identity(path: Path, found: Mapping[str, str], expected: Mapping[str, str]) -> None:
    """Check that a state is of the node, and of the version, that wants to take it up.

    Raises:
        StateFileError: it is of another; every difference is named.
    """
    differences = [
        f"{key} = {found.get(key, 'not given')}: expected {expected.get(key, 'none')}"
        for key in sorted({*found, *expected})
        if found.get(key) != expected.get(key)
    ]
    if differences:
        raise StateFileError(f"{path}: {'; '.join(differences)}")


def discard_unfinished(path: Path) -> int:
    """Remove what writers of `path` that were killed have left beside it; how many files."""
    left = list(path.parent.glob(f".{path.name}.*")) if path.parent.is_dir() else []
    for file in left:
        file.unlink(missing_ok=True)
    return len(left)


def _pack(arrays: Mapping[str, NDArray[np.generic]], identity: Mapping[str, str]) -> bytes:
    """An npz with fixed dates, so that equal states give equal bytes; any name is allowed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        text = json.dumps(dict(identity), sort_keys=True)
        archive.writestr(zipfile.ZipInfo(_IDENTITY, _EPOCH), text)
        for name, array in arrays.items():
            plain = np.asarray(array)
            if plain.dtype.hasobject:
                raise ValueError(f"{name}: expected a plain dtype, got {plain.dtype}")
            item = io.BytesIO()
            np.lib.format.write_array(item, plain, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _EPOCH), item.getvalue())
    return buffer.getvalue()


def _read_array(data: bytes) -> NDArray[Any]:
    array: NDArray[Any] = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    return array
