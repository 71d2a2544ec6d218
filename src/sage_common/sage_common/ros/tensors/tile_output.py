"""Tiles of a camera's frames, told to everybody through a mailbox of records."""

from __future__ import annotations

import time
from typing import Any

from sage_common.core.clock import NS_PER_S
from sage_common.core.tiles import RECORD_TYPE, TILE_RECORD, TileView
from sage_common.ros.host import Logger
from sage_common.ros.tensors import mailboxes

TILES = "camera/{name}/tiles"
"""Name of the mailbox, relative to the namespace as a topic's is."""
CELL_BYTES = 64
CELLS = 2048
"""So far may a reader lag: 2 s of 84 tiles, ten times a second."""
RETRY_NS = NS_PER_S


class TileOutput:
    """Writes one record for each tile. Who reads them, and whether anybody does, is not known.

    Args:
        mailbox_name: what the mailbox is called; empty: this host has none.
        log: of the node.

    Attributes:
        frames: told so far.
        refused: frames that could not be told whole.
    """

    def __init__(self, mailbox_name: str, log: Logger) -> None:
        self.frames = self.refused = 0
        self._name = mailbox_name
        self._log = log
        self._mailbox: Any = None
        self._writer: Any = None
        self._fault = ""
        self._next_try_ns = 0

    def open(self) -> bool:
        """Make the mailbox, unless it is there; False if there is none to write to."""
        if self._mailbox is not None:
            return True
        now_ns = time.monotonic_ns()
        if not self._name or now_ns < self._next_try_ns:
            return False
        if mailboxes.library is None:
            return self._give_up(mailboxes.MISSING, now_ns)
        try:
            self._mailbox = mailboxes.library.BroadcastMailbox.create(
                self._name, cell_bytes=CELL_BYTES, cell_count=CELLS
            )
        except mailboxes.library.MailboxError as error:
            return self._give_up(str(error), now_ns)
        self._writer = self._mailbox.writer()
        self._fault = ""
        return True

    def publish(self, view: TileView) -> None:
        """Tell what was seen of a frame; a no-op without `open`."""
        if self._mailbox is None:
            return
        content, size = view.records().tobytes(), TILE_RECORD.itemsize
        try:
            for begin in range(0, len(content), size):
                self._writer.push(content[begin : begin + size], RECORD_TYPE, view.stamp_ns)
        except (mailboxes.library.Busy, mailboxes.library.Closed):
            self.refused += 1  # readers throw the part away
            return
        self.frames += 1

    def close(self) -> None:
        """Remove the mailbox."""
        if self._mailbox is not None:
            self._writer.close()
            self._mailbox.close()
        self._mailbox = self._writer = None
        self._next_try_ns = 0

    def facts(self) -> dict[str, object]:
        """For /diagnostics."""
        if self._mailbox is None:
            return {"tiles": f"none: {self._fault}"} if self._fault else {}
        return {
            "tiles": f"mailbox {self._mailbox.backend}",
            "tiles frames": self.frames,
            "tiles refused": self.refused,
        }

    def _give_up(self, fault: str, now_ns: int) -> bool:
        self._next_try_ns = now_ns + RETRY_NS
        if fault != self._fault:
            self._log.warning(f"tiles are not told: {fault}")
        self._fault = fault
        return False
