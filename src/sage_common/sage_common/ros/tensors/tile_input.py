"""Tiles of a camera's frames, out of its mailbox of records."""

from __future__ import annotations

from collections import deque

import numpy as np

from sage_common.core.errors import InvalidInput
from sage_common.core.tiles import RECORD_TYPE, TILE_RECORD, TileView, view_of
from sage_common.ros.tensors import mailboxes
from sage_common.ros.tensors.connection import AttachedMailbox, MailboxUnreachable

KEPT = 8
MOST_RECORDS = 4096


class TileInput:
    """Keeps the newest views of one camera. Used by one thread.

    Args:
        mailbox_name: what the mailbox is called; empty: this host has none.
        source: the camera.

    Attributes:
        lost: records that were overwritten before they were read, of this mailbox.
        refused: frames whose records were not as they should be.
        fault: why there was no view the last time; empty: there was.
    """

    def __init__(self, mailbox_name: str, source: str) -> None:
        self.lost = self.refused = 0
        self.fault = ""
        self._name = mailbox_name
        self._source = source
        self._attached = AttachedMailbox("BroadcastMailbox", mailbox_name, oldest=True)
        self._views: deque[TileView] = deque(maxlen=KEPT)
        self._part = np.zeros(0, TILE_RECORD)
        self._part_stamp_ns = 0

    def nearest(self, stamp_ns: int, within_ns: int) -> TileView | None:
        """The view nearest to a time, if it is within `within_ns` [ns]; else None, see `fault`."""
        self._read()
        view = min(self._views, key=lambda seen: abs(seen.stamp_ns - stamp_ns), default=None)
        if view is None or abs(view.stamp_ns - stamp_ns) > within_ns:
            self.fault = self.fault or "no tiles near that time"
            return None
        self.fault = ""
        return view

    def close(self) -> None:
        """Leave the mailbox."""
        self._attached.leave()
        self._forget()

    def _read(self) -> None:
        self._attach()
        reader = self._attached.reader
        if reader is None:
            return
        try:
            read = reader.pop_many(MOST_RECORDS)
        except mailboxes.library.Closed:
            return
        self.lost = reader.lost
        is_ours = (read["type"] == RECORD_TYPE) & (read["length"] == TILE_RECORD.itemsize)
        ours = read[is_ours]
        tiles = np.ascontiguousarray(ours["payload"]).view(TILE_RECORD).reshape(-1)
        begins = np.flatnonzero(np.diff(ours["stamp_ns"], prepend=self._part_stamp_ns))
        parts = np.split(tiles, begins)
        self._part = np.concatenate([self._part, parts[0]])
        self._keep_if_whole()
        for begin, part in zip(begins, parts[1:], strict=True):
            self._part, self._part_stamp_ns = part, int(ours["stamp_ns"][begin])
            self._keep_if_whole()

    def _keep_if_whole(self) -> None:
        """A frame may be read in parts, while it is written."""
        part = self._part
        if not len(part) or len(part) < int(part[0]["rows"]) * int(part[0]["columns"]):
            return
        try:
            self._views.append(view_of(part, self._part_stamp_ns, self._source))
        except InvalidInput:
            self.refused += 1
        self._part = part[:0]

    def _attach(self) -> None:
        if not self._name:
            self.fault = "this host has no mailboxes"
            return
        before = self._attached.mailbox
        try:
            self._attached.attach()
        except MailboxUnreachable as error:
            self.fault = str(error)
            return
        if self._attached.mailbox is not before:
            self._forget()
            self.fault = ""

    def _forget(self) -> None:
        self._views.clear()
        self._part = self._part[:0]
