"""Errors that are an OSError of Python's have its number, as callers of `open` expect."""

from __future__ import annotations

import errno
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sage_cuda_mailbox import (
    Expired,
    Full,
    NameTaken,
    NoSuchMailbox,
    SystemCallError,
    TensorMailbox,
    WrongOwner,
)


def test_errors_that_are_os_errors_have_their_number(name: str) -> None:
    def number(kind: type[OSError], action: Callable[[], object]) -> int | None:
        with pytest.raises(kind) as caught:
            action()
        assert issubclass(kind, OSError) and "Errno" not in str(caught.value)
        return caught.value.errno

    assert number(NoSuchMailbox, lambda: TensorMailbox.attach(name)) == errno.ENOENT
    with TensorMailbox.create(name, slot_bytes=64, slot_count=2, ttl_ms=1) as mailbox:
        assert number(NameTaken, lambda: TensorMailbox.create(name, slot_bytes=64)) == errno.EEXIST
        reader, writer = mailbox.reader(), mailbox.writer()
        kept = [writer.acquire(), writer.acquire()]
        assert number(Full, writer.acquire) == errno.EAGAIN
        with kept.pop() as filling:
            filling.array((4,), "uint8")
            filling.publish()
        lease = reader.next()
        time.sleep(0.01)
        kept.append(writer.acquire())  # takes the slot back: the lease's time is over
        assert number(Expired, lease.check) == errno.ETIMEDOUT
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
        try:
            assert number(SystemCallError, mailbox.reader) == errno.EMFILE
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        file = Path(f"/dev/shm/sage-mailbox.{os.geteuid()}.{name}")
        file.chmod(0o640)
        assert number(WrongOwner, lambda: TensorMailbox.attach(name)) == errno.EACCES
        file.chmod(0o600)  # or it could not be closed
