"""Arrays over slots: no copies, no dangling memory, and nobody writes what readers look at."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from sage_cuda_mailbox import (
    Full,
    InvalidArgument,
    NotLeased,
    TensorMailbox,
    TensorReader,
    TensorWriter,
    WrongDtype,
)


class Rig:
    """A mailbox of one slot, with a writer and a reader."""

    def __init__(self, name: str, backend: str) -> None:
        self.mailbox = TensorMailbox.create(name, slot_bytes=4096, slot_count=1, backend=backend)
        self.writer: TensorWriter = self.mailbox.writer()
        self.reader: TensorReader = self.mailbox.reader()

    def publish(self, value: int = 7) -> None:
        with self.writer.acquire() as lease:
            lease.array((4, 5), "float32")[:] = value
            lease.publish()

    def is_free(self) -> bool:
        gc.collect()
        try:
            self.writer.acquire().abandon()
        except Full:
            return False
        return True


@pytest.fixture(params=["host", "shm"])
def rig(request: pytest.FixtureRequest, name: str) -> Iterator[Rig]:
    rig = Rig(name, request.param)
    yield rig
    rig.mailbox.close()


def test_a_tensor_is_written_and_read_in_the_same_memory(rig: Rig) -> None:
    with rig.writer.acquire() as lease:
        written = lease.array((4, 5), "float32")
        written[:] = np.arange(20).reshape(4, 5)
        assert written.flags.writeable
        lease.publish()
    with rig.reader.next() as lease:
        read = lease.numpy()
        assert read.ctypes.data == written.ctypes.data
        assert (read.dtype, read.shape, read.strides) == (np.float32, (4, 5), (20, 4))
        assert (lease.dtype, lease.shape, lease.strides_bytes) == ("float32", (4, 5), (20, 4))
        np.testing.assert_array_equal(read, np.arange(20).reshape(4, 5))


def test_what_is_published_cannot_be_written(rig: Rig) -> None:
    with rig.writer.acquire() as lease:
        written = lease.array((4, 5), "float32")
        lease.publish()
    assert not written.flags.writeable
    with rig.reader.next() as lease:
        view = lease.numpy()
        with pytest.raises(ValueError, match="read-only"):
            view[:] = 1
        with pytest.raises(ValueError, match="WRITEABLE"):
            view.flags.writeable = True


@pytest.mark.parametrize("ends", ["abandon", "exit", "error"])
def test_what_is_not_published_cannot_be_written_later(rig: Rig, ends: str) -> None:
    lease = rig.writer.acquire()
    written = lease.array((4,))
    if ends == "abandon":
        lease.abandon()
    elif ends == "exit":
        with lease:
            pass
    else:
        with pytest.raises(RuntimeError, match="on purpose"), lease:
            raise RuntimeError("on purpose")
    assert not written.flags.writeable
    assert not lease.is_open
    with pytest.raises(NotLeased):
        lease.array((4,))
    with pytest.raises(NotLeased):
        lease.publish()
    assert rig.is_free()


def test_a_view_keeps_its_lease(rig: Rig) -> None:
    rig.publish()
    view = rig.reader.next().numpy()
    assert not rig.is_free()
    part = view[1:, ::2]
    del view
    assert not rig.is_free()
    assert (part == 7).all()
    del part
    assert rig.is_free()


def test_a_view_whose_lease_was_given_back_stays_in_memory(rig: Rig, name: str) -> None:
    rig.publish()
    with rig.reader.next() as lease:
        view = lease.numpy()
    rig.publish(8)
    assert (view == 8).all()  # something newer: the lease is over
    rig.reader.close()
    rig.writer.close()
    rig.mailbox.close()
    del rig.mailbox, rig.reader, rig.writer, lease
    gc.collect()
    rig.mailbox = TensorMailbox.create(f"{name}.other", slot_bytes=4096)
    assert (view == 8).all()


@pytest.mark.parametrize(
    ("strides_bytes", "offset_bytes"), [((64, 4), 0), ((4, 20), 0), ((-20, 4), 60), ((0, 4), 8)]
)
def test_views_with_gaps_and_turned_round(
    rig: Rig, strides_bytes: tuple[int, int], offset_bytes: int
) -> None:
    with rig.writer.acquire() as lease:
        memory = lease.array((1024,), "float32")
        memory[:] = np.arange(1024)
        lease.describe((4, 5), "float32", strides_bytes, offset_bytes)
        lease.publish()
    expected = np.lib.stride_tricks.as_strided(
        np.arange(1024, dtype=np.float32)[offset_bytes // 4 :], (4, 5), strides_bytes
    )
    with rig.reader.next() as lease:
        assert (lease.strides_bytes, lease.offset_bytes) == (strides_bytes, offset_bytes)
        np.testing.assert_array_equal(lease.numpy(), expected)


def test_strides_that_split_elements_are_no_array(rig: Rig) -> None:
    with rig.writer.acquire() as lease:
        lease.describe((3,), "float32", (6,))
        lease.publish()
    with rig.reader.next() as lease:
        for view in (lease.numpy, lease.__dlpack__):
            with pytest.raises(WrongDtype, match=r"^strides_bytes is 6, expected a multiple of"):
                view()


def test_copies_are_counted(rig: Rig) -> None:
    rig.publish()
    rig.reader.next().release()
    with rig.writer.acquire() as lease:
        lease.copy(np.ones((3, 4), np.int16)[:, ::2])
        lease.publish()
    with rig.reader.next() as lease:
        assert (lease.dtype, lease.shape, lease.strides_bytes) == ("int16", (3, 2), (4, 2))
    statistics = rig.mailbox.statistics()
    assert (statistics["written_in_place"], statistics["written_by_copy"]) == (1, 1)
    assert (statistics["published"], statistics["copied"]) == (2, 1)
    assert (statistics["backend"], statistics["device"]) == (rig.mailbox.backend, -1)


def test_numpy_takes_leases_by_dlpack(rig: Rig) -> None:
    rig.publish()
    lease = rig.reader.next()
    assert lease.__dlpack_device__() == (1, 0)
    array = np.from_dlpack(lease)
    assert array.ctypes.data == lease.numpy().ctypes.data
    assert not array.flags.writeable
    for wrong in ({"copy": True}, {"dl_device": (2, 0)}):
        with pytest.raises(BufferError):
            lease.__dlpack__(max_version=(1, 0), **wrong)
    del lease
    assert not rig.is_free()
    assert (array == 7).all()
    del array
    assert rig.is_free()


class TestTorch:
    @pytest.fixture
    def torch(self) -> Any:
        return pytest.importorskip("torch", reason="PyTorch is not installed")

    def test_tensors_are_taken_without_copies(self, rig: Rig, torch: Any) -> None:
        rig.publish()
        lease = rig.reader.next()
        tensor = torch.from_dlpack(lease)
        assert tensor.data_ptr() == lease.numpy().ctypes.data
        assert (tensor.dtype, tuple(tensor.shape)) == (torch.float32, (4, 5))
        del lease
        assert not rig.is_free()
        assert (tensor == 7).all()
        del tensor
        assert rig.is_free()

    def test_tensors_are_written_without_copies(self, rig: Rig, torch: Any) -> None:
        with rig.writer.acquire() as lease:
            lease.describe((2, 3), "int64")
            torch.from_dlpack(lease)[:] = torch.arange(6).reshape(2, 3)
            lease.publish()
        with rig.reader.next() as lease:
            np.testing.assert_array_equal(lease.numpy(), [[0, 1, 2], [3, 4, 5]])

    def test_bfloat16_goes_by_dlpack_only(self, rig: Rig, torch: Any) -> None:
        with rig.writer.acquire() as lease:
            with pytest.raises(WrongDtype, match=r"bfloat16, which numpy lacks"):
                lease.array((3,), "bfloat16")
            lease.describe((3,), "bfloat16")
            torch.from_dlpack(lease)[:] = torch.tensor([1.5, 2.5, -3.0])
            lease.publish()
        with rig.reader.next() as lease:
            assert lease.dtype == "bfloat16"
            with pytest.raises(WrongDtype, match=r"bfloat16, which numpy lacks"):
                lease.numpy()
            tensor = torch.from_dlpack(lease)
            assert tensor.dtype == torch.bfloat16
            assert tensor.tolist() == [1.5, 2.5, -3.0]
            del tensor

    def test_a_lease_that_was_given_back_is_not_taken(self, rig: Rig, torch: Any) -> None:
        rig.publish()
        with rig.reader.next() as lease:
            pass
        with pytest.raises(NotLeased):
            torch.from_dlpack(lease)


def test_nothing_is_published_that_was_not_described(rig: Rig) -> None:
    with rig.writer.acquire() as lease:
        for view in (lease.publish, lease.__dlpack__):
            with pytest.raises(InvalidArgument, match=r"^tensor is not described"):
                view()
