"""Opens the tensors that handles name."""

from __future__ import annotations

import threading
from typing import Any

from sage_common.core.errors import InvalidInput
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.tensors import mailboxes
from sage_common.ros.tensors.handles import compare
from sage_msgs.msg import TensorHandle


class TensorGone(RuntimeError):
    """A tensor that is no longer to be had, or was published before this reader came."""


class MailboxUnreachable(RuntimeError):
    """A mailbox that this process cannot look into; says why."""


class TensorReader:
    """Takes leases on the tensors of one mailbox; attaches to it anew when it was made anew.

    Args:
        mailbox_name: what the mailbox is called. Handles that name another are refused.
    """

    def __init__(self, mailbox_name: str) -> None:
        self._name = mailbox_name
        self._mailbox: Any = None
        self._reader: Any = None
        self._lock = threading.Lock()

    @property
    def backend(self) -> str:
        """Of the mailbox that is attached; empty: none."""
        mailbox = self._mailbox
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
            self._attach_if_new()
            lease = self._take(handle)
        compare(handle, lease, stamp_ns(handle.header.stamp))
        return lease

    def close(self) -> None:
        """Leave the mailbox, so that it keeps nothing for this reader; leases stay."""
        with self._lock:
            self._leave()

    def _take(self, handle: TensorHandle) -> Any:
        library = mailboxes.library
        try:
            return self._reader.open(handle.slot, handle.generation)
        except (library.GenerationMismatch, library.Expired, library.NotLeased) as error:
            raise TensorGone(str(error)) from error
        except library.MailboxError as error:  # no such slot, or a mailbox tampered with
            raise InvalidInput("slot", handle.slot, f"one that can be opened ({error})") from error

    def _attach_if_new(self) -> None:
        if self._mailbox is not None and not self._mailbox.closed:
            return
        library = mailboxes.library
        if library is None:
            raise MailboxUnreachable(mailboxes.MISSING)
        try:
            mailbox = library.TensorMailbox.attach(self._name)
            reader = mailbox.reader()
        except (library.NoSuchMailbox, library.Closed) as error:  # closed as soon as attached
            if self._mailbox is None:
                raise MailboxUnreachable(str(error)) from error
            return  # what was published before it closed is still there
        except library.MailboxError as error:
            raise MailboxUnreachable(str(error)) from error
        self._leave()
        self._mailbox, self._reader = mailbox, reader

    def _leave(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._mailbox = self._reader = None
