"""State files are whole or absent."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sage_common.core import home
from sage_common.core.state import file as state_file
from sage_common.core.state.file import StateFileError, check_identity, load, save

ARRAYS = {
    "weights": np.arange(12, dtype=np.float32).reshape(3, 4),
    "file": np.array([np.nan, -0.0, np.inf]),
    "a/b c": np.array(7, np.uint8),
    "names": np.array(["ä", "long name"]),
    "empty": np.zeros((0, 5), np.int64),
    "by columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
}
WHO = {"node": "x", "version": "1"}


def test_what_was_saved_is_loaded_bit_for_bit(tmp_path):
    path = tmp_path / "deep" / "x.state"
    save(path, ARRAYS, WHO)
    identity, got = load(path)
    assert identity == WHO
    assert got.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert got[name].dtype == array.dtype and got[name].shape == array.shape
        assert got[name].tobytes() == array.tobytes()
        # The order in memory decides the order of sums, and so the last bit.
        assert got[name].flags.f_contiguous == array.flags.f_contiguous
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(path.parent) == ["x.state"], "no temporary file stays"


def test_equal_arrays_make_equal_files(tmp_path):
    save(tmp_path / "a", ARRAYS, WHO)
    save(tmp_path / "b", ARRAYS, WHO)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@settings(max_examples=60, deadline=None)
@given(position=st.integers(0, 10**9), bit=st.integers(0, 7))
def test_any_flipped_bit_is_noticed(tmp_path_factory, position, bit):
    path = tmp_path_factory.mktemp("bits") / "x.state"
    save(path, {"a": np.arange(5)}, WHO)
    content = bytearray(path.read_bytes())
    content[position % len(content)] ^= 1 << bit
    path.write_bytes(content)
    with pytest.raises(StateFileError, match=r"expected a state file|checksum|format"):
        load(path)


@settings(max_examples=40, deadline=None)
@given(share=st.floats(0.0, 1.0, exclude_max=True))
def test_any_truncation_is_noticed(tmp_path_factory, share):
    path = tmp_path_factory.mktemp("cut") / "x.state"
    save(path, {"a": np.arange(50)}, WHO)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(StateFileError):
        load(path)


def test_objects_are_refused_and_the_old_file_stays(tmp_path):
    path = tmp_path / "x.state"
    save(path, {"a": np.arange(3)}, WHO)
    with pytest.raises(ValueError, match="a: expected a plain dtype, got object"):
        save(path, {"a": np.array([{}, None], dtype=object)}, WHO)
    assert load(path).arrays["a"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("where", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch, where):
    path = tmp_path / "x.state"
    save(path, {"a": np.arange(3)}, WHO)

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if where == "write":

        class FullStream:
            def __init__(self, handle: int) -> None:
                self._handle = handle

            def __enter__(self) -> FullStream:
                return self

            def __exit__(self, *_error: object) -> None:
                os.close(self._handle)

            write = staticmethod(full)

        monkeypatch.setattr(home.os, "fdopen", lambda handle, _mode: FullStream(handle))
    else:
        monkeypatch.setattr(home.os, where, full)
    with pytest.raises(OSError, match="No space left"):
        save(path, {"a": np.arange(9)}, WHO)
    monkeypatch.undo()
    assert load(path).arrays["a"].tolist() == [0, 1, 2]
    assert os.listdir(tmp_path) == ["x.state"]


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(Path(tmp_path, "nothing"))


def test_another_format_is_named(tmp_path):
    path = tmp_path / "x.state"
    save(path, ARRAYS, WHO)
    path.write_bytes(path.read_bytes().replace(b"SAGESTATE2", b"SAGESTATE1", 1))
    with pytest.raises(StateFileError, match="format = 1: expected 2"):
        load(path)


def test_every_difference_of_identity_is_named(tmp_path):
    check_identity(tmp_path, WHO, dict(WHO))
    with pytest.raises(StateFileError, match="node = x: expected y; size = not given: expected 3"):
        check_identity(tmp_path, WHO, {"node": "y", "version": "1", "size": "3"})


@pytest.mark.parametrize("step", ["write", "fsync", "rename"])
def test_a_writer_that_is_killed_leaves_the_old_file(tmp_path, step):
    """A process dies before the bytes are whole, before they are synced, before the renaming."""
    path = tmp_path / "x.state"
    save(path, {"a": np.arange(3)}, WHO)
    before = path.read_bytes()
    child = os.fork()
    if child == 0:
        if step == "write":
            state_file._pack = lambda *_arguments: b"half of a bo"  # type: ignore[assignment]
        os.fsync = os.replace = lambda *_arguments: os._exit(9)  # type: ignore[assignment]
        if step == "rename":
            os.fsync = lambda _descriptor: None  # type: ignore[assignment]
        save(path, {"a": np.arange(9)}, WHO)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert path.read_bytes() == before
    assert len(os.listdir(tmp_path)) == 2, "what was being written lies beside it"
    assert state_file.discard_unfinished(path) == 1
    assert os.listdir(tmp_path) == ["x.state"]
