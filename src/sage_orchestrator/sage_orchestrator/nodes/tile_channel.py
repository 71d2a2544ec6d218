"""The way of tiles to the focus encoder: through slots of a tensor mailbox, where there is one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sage_common.ros.host import Logger
from sage_common.ros.tensors import mailboxes
from sage_common.ros.tensors.connection import OwnMailbox
from sage_encoders.core.framing import SIDE_PX

TILE_CHANNEL = "focus/tiles"
"""Of the mailbox, relative to the namespace as a topic's is."""
SHAPE = (SIDE_PX, SIDE_PX, 3)
SLOTS = 8
TTL_MS = 1000
T = TypeVar("T")


class TileChannel:
    """Draws each tile into a slot, and has it looked at there; both by leases.

    Its own reader is the focus encoder. Others may read beside it: they get every tile, too, and
    one that holds all slots has the tiles go by arrays. Safe to use from several threads.

    Args:
        mailbox_name: what the mailbox is called; empty: this host has none.
        log: of the node.

    Attributes:
        in_slots, in_arrays: tiles that went so.
    """

    def __init__(self, mailbox_name: str, log: Logger) -> None:
        self.in_slots = self.in_arrays = 0
        self._name = mailbox_name
        self._lock = threading.Lock()
        self._own = OwnMailbox("tiles go to the focus encoder as arrays", log)
        self._reader: Any = None

    def pass_on(
        self,
        draw: Callable[[NDArray[np.uint8]], None],
        stamp_ns: int,
        look: Callable[[NDArray[np.uint8]], T],
    ) -> T:
        """See `capabilities.Tiles`."""
        with self._lock:
            lease = self._drawn(draw, stamp_ns)
        if lease is None:
            self.in_arrays += 1
            tile = np.empty(SHAPE, np.uint8)
            draw(tile)
            return look(tile)
        try:
            with lease:
                found = look(lease.numpy())
        except mailboxes.library.MailboxError as error:
            raise RuntimeError(f"a tile was taken back while it was looked at: {error}") from error
        self.in_slots += 1
        return found

    def close(self) -> None:
        """Remove the mailbox; the next tile makes a new one."""
        with self._lock:
            if self._reader is not None:
                self._reader.close()
                self._reader = None
            self._own.close()

    def facts(self) -> dict[str, object]:
        """For /diagnostics."""
        if not self._name:
            return {}
        way = f"arrays ({self._own.fault or 'no tile yet'})"
        if self._own.mailbox is not None:
            way = f"mailbox {self._own.mailbox.backend}"
        return {
            "focus tiles": way,
            "focus tiles in slots": self.in_slots,
            "focus tiles in arrays": self.in_arrays,
        }

    def _drawn(self, draw: Callable[[NDArray[np.uint8]], None], stamp_ns: int) -> Any:
        """The encoder's lease on a tile that was drawn into a slot; None: no slot to be had."""
        if self._own.mailbox is None and not self._make_mailbox():
            return None
        library = mailboxes.library
        try:
            with self._own.writer.acquire("overwrite") as slot:
                draw(slot.array(SHAPE, "uint8"))
                slot.publish(stamp_ns=stamp_ns)
                return self._reader.open(slot.slot, slot.generation)
        except (library.Full, library.Busy):
            return None

    def _make_mailbox(self) -> bool:
        def create(library: Any) -> Any:
            return library.TensorMailbox.create(
                self._name, slot_bytes=int(np.prod(SHAPE)), slot_count=SLOTS, ttl_ms=TTL_MS
            )

        if not self._name or not self._own.make(create):
            return False
        self._reader = self._own.mailbox.reader()
        return True
