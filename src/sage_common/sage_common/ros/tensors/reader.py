"""Opens the tensors that handles name."""

from __future__ import annotations

import threading
from typing import Any

from sage_common.core.errors import InvalidInput
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.tensors import mailboxes
from sage_common.ros.tensors.connection import AttachedMailbox
from sage_common.ros.tensors.handles import compare
from sage_msgs.msg import TensorHandle


class TensorGone(RuntimeError):
    """A tensor that is no longer to be had, or was published before this reader came."""


class TensorReader:
    """Takes leases on the tensors of one mailbox; attaches to it anew when it was made anew.

    Args:
        mailbox_name: what the mailbox is called. Handles that name another are refused.
    """

    def __init__(self, mailbox_name: str) -> None:
        self._name = mailbox_name
        self._attached = AttachedMailbox("TensorMailbox", mailbox_name)
        self._lock = threading.Lock()

    @property
    def backend(self) -> str:
        """Of the mailbox that is attached; empty: none."""
        mailbox = self._attached.mailbox
        return "" if mailbox is None else str(mailbox.backend)

    def open(self, handle: TensorHandle) -> Any:
        """A `sage_cuda_mailbox.ReadLease` on the tensor; given back when nothing refers to it.

        Raises:
            InvalidInput: the handle names another mailbox, or not what its slot holds.
            MailboxUnreachable: the mailbox cannot be attached.
            TensorGone: the tensor is no longer there.
        """
        if handle.mailbox != self._name:
            raise InvalidInput("mailbox", handle.mailbox, f"{self._name!r} on this topic")
        with self._lock:
            self._attached.attach()
            lease = self._take(handle)
        compare(handle, lease, stamp_ns(handle.header.stamp))
        return lease

    def close(self) -> None:
        """Leave the mailbox, so that it keeps nothing for this reader; leases stay."""
        with self._lock:
            self._attached.leave()

    def _take(self, handle: TensorHandle) -> Any:
        library = mailboxes.library
        try:
            return self._attached.reader.open(handle.slot, handle.generation)
        except (library.GenerationMismatch, library.Expired, library.NotLeased) as error:
            raise TensorGone(str(error)) from error
        except library.MailboxError as error:  # no such slot, or a mailbox tampered with
            raise InvalidInput("slot", handle.slot, f"one that can be opened ({error})") from error
