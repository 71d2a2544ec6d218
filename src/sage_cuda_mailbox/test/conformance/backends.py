"""Where a mailbox can lie, and the twin, behind the few calls that differ between them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import twin

from sage_cuda_mailbox import BroadcastMailbox, InvalidArgument, MailboxError, TensorMailbox

RECORDS = ("twin", "host", "shm")
TENSORS = (*RECORDS, "cuda_vmm", "cuda_ipc", "pinned")
DEVICE_FILES = ("/dev/nvidia0", "/dev/nvhost-gpu", "/dev/nvgpu")


class Backend:
    """Makes mailboxes of one backend, and closes them."""

    def __init__(self, name: str, new_name: Callable[[], str]) -> None:
        self.name = name
        self._new_name = new_name
        self._made: list[Any] = []

    def records(self, cell_count: int = 16, place_count: int = 8) -> Any:
        if self.name == "twin":
            return twin.BroadcastMailbox(cell_count, place_count)
        return self._keep(
            BroadcastMailbox.create(
                self._new_name(), cell_count=cell_count, place_count=place_count, backend=self.name
            )
        )

    def tensors(self, slot_count: int = 4, place_count: int = 8, ttl_ms: float = 0) -> Any:
        if self.name == "twin":
            clock = itertools.count()
            return twin.TensorMailbox(slot_count, lambda: next(clock), place_count, ttl_ms)
        try:
            mailbox = TensorMailbox.create(
                self._new_name(),
                slot_bytes=1 << 16,
                slot_count=slot_count,
                place_count=place_count,
                ttl_ms=ttl_ms,
                backend=self.name,
            )
        except (InvalidArgument, MailboxError) as error:
            if self.name in RECORDS:
                raise
            pytest.skip(f"no {self.name} here: {error}")
        return self._keep(mailbox)

    def _keep(self, mailbox: Any) -> Any:
        self._made.append(mailbox)
        return mailbox

    def close(self) -> None:
        for mailbox in self._made:
            mailbox.close()


def has_gpu() -> bool:
    return any(Path(file).exists() for file in DEVICE_FILES)


def fill(lease: Any, array: np.ndarray) -> None:
    """Puts `array` into the slot of a lease, wherever that is."""
    if hasattr(lease, "__dlpack_device__") and lease.__dlpack_device__()[0] == 2:
        torch = pytest.importorskip("torch")
        lease.describe(array.shape, array.dtype)
        torch.from_dlpack(lease).copy_(torch.from_numpy(array))
        torch.cuda.synchronize()
    else:
        lease.copy(array)


def content(lease: Any) -> np.ndarray:
    """The tensor of a lease, in host memory."""
    if hasattr(lease, "__dlpack_device__") and lease.__dlpack_device__()[0] == 2:
        torch = pytest.importorskip("torch")
        return torch.from_dlpack(lease).cpu().numpy()
    return lease.numpy()
