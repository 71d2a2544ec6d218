"""What other processes do in tests; each says on its pipe how far it is."""

from __future__ import annotations

import time
import zlib
from multiprocessing.connection import Connection

from sage_cuda_mailbox import BroadcastMailbox, Closed, TensorMailbox

PATIENCE_S = 60


def read_tensors(name: str, pipe: Connection) -> None:
    """Reads until the mailbox is closed; sends tag, shape and checksum of each tensor."""
    reader = TensorMailbox.attach(name).reader()
    pipe.send("ready")
    seen = []
    try:
        while reader.wait(PATIENCE_S):
            while (lease := reader.next()) is not None:
                with lease:
                    array = lease.numpy()
                    seen.append((lease.tag, array.shape, zlib.crc32(array)))
    except Closed:
        pipe.send(seen)


def hold_tensor(name: str, pipe: Connection) -> None:
    """Takes a lease, and keeps it until it is killed."""
    reader = TensorMailbox.attach(name).reader()
    pipe.send("ready")
    assert reader.wait(PATIENCE_S)
    lease = reader.next()
    assert lease is not None
    pipe.send((lease.slot, lease.generation))
    time.sleep(PATIENCE_S)


def hold_slot(name: str, pipe: Connection) -> None:
    """Takes a slot to fill, and keeps it until it is killed."""
    lease = TensorMailbox.attach(name).writer().acquire()
    lease.array((4096,))[:] = 1
    pipe.send((lease.slot, lease.generation))
    time.sleep(PATIENCE_S)


def own_mailbox(name: str, pipe: Connection) -> None:
    """Creates a mailbox, and keeps it until it is killed."""
    mailbox = BroadcastMailbox.create(name)
    mailbox.writer().push(b"last words")
    pipe.send("ready")
    time.sleep(PATIENCE_S)


def push_records(name: str, count: int, pipe: Connection) -> None:
    """Pushes `count` numbers when it is told to."""
    writer = BroadcastMailbox.attach(name).writer()
    pipe.send(writer.producer)
    pipe.recv()
    for number in range(count):
        writer.push(number.to_bytes(8, "little"))
    pipe.send("done")
