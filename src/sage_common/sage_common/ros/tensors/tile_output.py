"""Tiles of a camera's frames, published to everybody through a mailbox of records."""

from __future__ import annotations

from sage_common.core.tiles import RECORD_TYPE, TILE_RECORD, TileView
from sage_common.ros.host import Logger
from sage_common.ros.tensors import mailboxes
from sage_common.ros.tensors.connection import OwnMailbox

TILES = "camera/{name}/tiles"
"""Name of the mailbox, relative to the namespace as a topic's is."""
CELL_BYTES = 64
CELLS = 2048
"""So far may a reader lag: 2 s of 84 tiles, ten times a second."""


class TileOutput:
    """Writes one record for each tile. Who reads them, and whether anybody does, is not known.

    Args:
        mailbox_name: what the mailbox is called; empty: this host has none.
        log: of the node.

    Attributes:
        frames: published so far.
        refused: frames that could not be published whole.
    """

    def __init__(self, mailbox_name: str, log: Logger) -> None:
        self.frames = self.refused = 0
        self._name = mailbox_name
        self._own = OwnMailbox("tiles are not published", log)

    def open(self) -> bool:
        """Make the mailbox, unless it is there; False if there is none to write to."""
        if self._own.mailbox is not None:
            return True
        return bool(self._name) and self._own.make(
            lambda library: library.BroadcastMailbox.create(
                self._name, cell_bytes=CELL_BYTES, cell_count=CELLS
            )
        )

    def publish(self, view: TileView) -> None:
        """Publish what was seen of a frame; a no-op without `open`."""
        if self._own.mailbox is None:
            return
        content, size = view.records().tobytes(), TILE_RECORD.itemsize
        try:
            for begin in range(0, len(content), size):
                self._own.writer.push(content[begin : begin + size], RECORD_TYPE, view.stamp_ns)
        except (mailboxes.library.Busy, mailboxes.library.Closed):
            self.refused += 1  # readers throw the part away
            return
        self.frames += 1

    def close(self) -> None:
        """Remove the mailbox."""
        self._own.close()

    def facts(self) -> dict[str, object]:
        """For /diagnostics."""
        mailbox, fault = self._own.mailbox, self._own.fault
        if mailbox is None:
            return {"tiles": f"none: {fault}"} if fault else {}
        return {
            "tiles": f"mailbox {mailbox.backend}",
            "tiles frames": self.frames,
            "tiles refused": self.refused,
        }
