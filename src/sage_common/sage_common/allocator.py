"""Memory that is not in use goes back to the system: of glibc's allocator, and shared memory."""

from __future__ import annotations

import ctypes
import mmap
import os
from typing import Any

from numpy.typing import NDArray

MADV_POPULATE_WRITE = 23
"""Of `linux/mman.h`; `mmap` does not name it."""


def return_freed_memory() -> None:
    """Give back what loading or unloading left in glibc's allocator: 60 MB for words."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def remove_shared_pages(array: NDArray[Any]) -> None:
    """Give back the whole pages behind an array in shared memory; it holds zeros afterwards.

    Raises:
        OSError: it is no shared memory that can be written.
    """
    _advise(array, mmap.MADV_REMOVE)


def take_shared_pages(array: NDArray[Any]) -> None:
    """Take the whole pages behind an array in shared memory, so that writing needs none.

    Raises:
        OSError: there are none to be had, or the kernel cannot (before Linux 5.14).
    """
    _advise(array, MADV_POPULATE_WRITE)


def _advise(array: NDArray[Any], advice: int) -> None:
    begin = -(-array.ctypes.data // mmap.PAGESIZE) * mmap.PAGESIZE
    end = (array.ctypes.data + array.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
    library = ctypes.CDLL(None, use_errno=True)
    address, length = ctypes.c_void_p(begin), ctypes.c_size_t(max(end - begin, 0))
    if library.madvise(address, length, advice):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
