"""Mailboxes in shared memory: small records by broadcast, and tensors that are not copied.

    with TensorMailbox.create("camera", slot_bytes=1080 * 1920 * 3) as mailbox:
        writer = mailbox.writer()
        with writer.acquire() as lease:
            lease.array((1080, 1920, 3), "uint8")[:] = frame
            lease.publish(tag=number, stamp_ns=stamp_ns)

    reader = TensorMailbox.attach("camera").reader()
    while reader.wait():
        while (lease := reader.next()) is not None:
            with lease:
                look_at(lease.numpy())

What the protocols promise is in docs/mailbox.md.
"""

from __future__ import annotations

from ._native import (
    BroadcastMailbox,
    BroadcastReader,
    BroadcastWriter,
    Busy,
    Closed,
    CorruptMailbox,
    DamagedHeader,
    Expired,
    Full,
    GenerationMismatch,
    Inherited,
    InUse,
    InvalidArgument,
    MailboxError,
    NameTaken,
    NoFreePlace,
    NoSuchMailbox,
    NotAMailbox,
    NotLeased,
    OpenError,
    OutOfMemory,
    ReadLease,
    ReceiveError,
    Record,
    SendError,
    SystemCallError,
    TensorMailbox,
    TensorReader,
    TensorWriter,
    WriteLease,
    WrongBackend,
    WrongDtype,
    WrongKind,
    WrongOwner,
    WrongSize,
    WrongVersion,
    list_mailboxes,
    sweep_stale,
)

__all__ = [
    "BroadcastMailbox",
    "BroadcastReader",
    "BroadcastWriter",
    "Busy",
    "Closed",
    "CorruptMailbox",
    "DamagedHeader",
    "Expired",
    "Full",
    "GenerationMismatch",
    "InUse",
    "Inherited",
    "InvalidArgument",
    "MailboxError",
    "NameTaken",
    "NoFreePlace",
    "NoSuchMailbox",
    "NotAMailbox",
    "NotLeased",
    "OpenError",
    "OutOfMemory",
    "ReadLease",
    "ReceiveError",
    "Record",
    "SendError",
    "SystemCallError",
    "TensorMailbox",
    "TensorReader",
    "TensorWriter",
    "WriteLease",
    "WrongBackend",
    "WrongDtype",
    "WrongKind",
    "WrongOwner",
    "WrongSize",
    "WrongVersion",
    "list_mailboxes",
    "sweep_stale",
]
