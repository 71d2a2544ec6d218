"""Tensors of PyTorch's files, read without running them."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sage_encoders.backends.packaged.torch_tensors import MAGIC_NUMBER, PROTOCOL, read_tensors
from sage_encoders.core.card import ModelError

ABOUT = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {"int": 4}}


class Command:
    """Unpickled by Python, it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def saved(path: Path, *described: Any, rest: bytes = b"") -> Path:
    """A file with the head of the format and these pickles behind it."""
    head = (MAGIC_NUMBER, PROTOCOL, ABOUT)
    pickles = [pickle.dumps(part, protocol=2) for part in (*head, *described)]
    path.write_bytes(b"".join(pickles) + rest)
    return path


def tensor(key: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> bytes:
    """The instructions that describe a float tensor, as PyTorch writes them."""
    parts = [b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n"]
    parts.append(b"X" + len(key).to_bytes(4, "little") + key.encode())
    parts.append(b"X\x03\x00\x00\x00cpuK\x06NtQ")
    parts.append(b"K" + bytes([offset]))
    for row in (shape, strides):
        parts.append(b"(" + b"".join(b"K" + bytes([n]) for n in row) + b"t")
    parts.append(b"\x89ccollections\nOrderedDict\n)RtR")
    return b"".join(parts)


def with_tensor(path: Path, described: bytes, numbers: np.ndarray) -> Path:
    """A file with one tensor `weight`, whose storage `7` has these numbers."""
    saved(path)
    state = b"\x80\x02ccollections\nOrderedDict\n)R(X\x06\x00\x00\x00weight" + described + b"u."
    keys = pickle.dumps(["7"], protocol=2)
    storage = len(numbers).to_bytes(8, "little") + numbers.astype("<f4").tobytes()
    with path.open("ab") as file:
        file.write(state + keys + storage)
    return path


def test_a_tensor_is_read_by_its_strides(tmp_path: Path) -> None:
    file = with_tensor(tmp_path / "a.pth", tensor("7", 1, (2, 2), (1, 2)), np.arange(6.0))
    assert read_tensors(file)["weight"].tolist() == [[1.0, 3.0], [2.0, 4.0]]


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    file = saved(tmp_path / "a.pth", {"weight": Command(folder)}, [])
    with pytest.raises(ModelError, match=r"a\.pth.*mkdir"):
        read_tensors(file)
    assert not folder.exists()


def test_a_tensor_outside_of_its_storage_is_refused(tmp_path: Path) -> None:
    for described in (tensor("7", 5, (2,), (1,)), tensor("7", 0, (2, 4), (4, 1))):
        file = with_tensor(tmp_path / "a.pth", described, np.arange(6.0))
        with pytest.raises(ModelError, match="outside of its storage"):
            read_tensors(file)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x02N.", b"no pickle", b"\x00" * 64])
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.pth"
    file.write_bytes(content)
    with pytest.raises(ModelError, match=r"a\.pth"):
        read_tensors(file)


def test_a_file_that_ends_early_is_refused(tmp_path: Path) -> None:
    whole = with_tensor(tmp_path / "a.pth", tensor("7", 0, (6,), (1,)), np.arange(6.0)).read_bytes()
    cut = tmp_path / "b.pth"
    for size in range(0, len(whole), 7):
        cut.write_bytes(whole[:size])
        with pytest.raises(ModelError):
            read_tensors(cut)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.pth.*No such file"):
        read_tensors(tmp_path / "none.pth")
