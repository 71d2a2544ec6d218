"""Mailboxes of this process and of others: made or attached when needed, and again when lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sage_common.core.clock import NS_PER_S
from sage_common.ros.host import Logger
from sage_common.ros.tensors import mailboxes

RETRY_NS = NS_PER_S


class MailboxUnreachable(RuntimeError):
    """A mailbox that this process cannot look into; says why."""


class OwnMailbox:
    """A mailbox that this process makes and writes to.

    Args:
        without: what happens as long as there is none, for the log.
        log: of the node.

    Attributes:
        mailbox, writer: of `sage_cuda_mailbox`; None: there is none.
        fault: why the last one could not be made; empty: it could.
    """

    def __init__(self, without: str, log: Logger) -> None:
        self.mailbox: Any = None
        self.writer: Any = None
        self.fault = ""
        self._without, self._log = without, log
        self._next_try_ns = 0

    def make(self, create: Callable[[Any], Any]) -> bool:
        """Make one in place of the one that is there; a failure is not tried again for a second.

        Args:
            create: makes it, given the library.

        Returns:
            False if there is none now.
        """
        now_ns = time.monotonic_ns()
        if now_ns < self._next_try_ns:
            return False
        self._end()
        library = mailboxes.library
        if library is None:
            return self._give_up(mailboxes.MISSING, now_ns)
        try:
            mailbox = create(library)
            writer = mailbox.writer()
        except library.MailboxError as error:
            return self._give_up(str(error), now_ns)
        self.mailbox, self.writer = mailbox, writer
        self.fault = ""
        return True

    def close(self) -> None:
        """Remove it; the next one is made at once."""
        self._end()
        self._next_try_ns = 0

    def _end(self) -> None:
        if self.mailbox is not None:
            self.writer.close()
            self.mailbox.close()
        self.mailbox = self.writer = None

    def _give_up(self, fault: str, now_ns: int) -> bool:
        self._next_try_ns = now_ns + RETRY_NS
        if fault != self.fault:
            self._log.warning(f"{self._without}: {fault}")
        self.fault = fault
        return False


class AttachedMailbox:
    """A mailbox of another node that is read; attached to anew when it was made anew.

    Args:
        kind: its class in `sage_cuda_mailbox`.
        name: what it is called.
        reader_options: of the reader.

    Attributes:
        mailbox, reader: of `sage_cuda_mailbox`; None: not attached.
    """

    def __init__(self, kind: str, name: str, **reader_options: object) -> None:
        self.mailbox: Any = None
        self.reader: Any = None
        self._kind, self._name, self._reader_options = kind, name, reader_options

    def attach(self) -> None:
        """Attach, unless that is done and the mailbox is open.

        One that was closed is kept until there is a new one: what it holds can still be read.

        Raises:
            MailboxUnreachable: none can be attached.
        """
        if self.mailbox is not None and not self.mailbox.closed:
            return
        library = mailboxes.library
        if library is None:
            raise MailboxUnreachable(mailboxes.MISSING)
        try:
            mailbox = getattr(library, self._kind).attach(self._name)
            reader = mailbox.reader(**self._reader_options)
        except library.MailboxError as error:
            is_gone = isinstance(error, (library.NoSuchMailbox, library.Closed))
            if is_gone and self.mailbox is not None:
                return
            raise MailboxUnreachable(str(error)) from error
        self.leave()
        self.mailbox, self.reader = mailbox, reader

    def leave(self) -> None:
        """Have it keep nothing for this reader any more."""
        if self.reader is not None:
            self.reader.close()
        self.mailbox = self.reader = None
