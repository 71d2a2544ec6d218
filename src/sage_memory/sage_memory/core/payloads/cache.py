"""The payloads that are kept: admitted under the cap, the least recently used evicted."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from sage_common.core.clock import NS_PER_S
from sage_memory.core.engine.errors import PayloadDamaged
from sage_memory.core.engine.schema import payloads
from sage_memory.core.experience import Payload
from sage_memory.core.payloads.cap import ByteCap, PayloadRules
from sage_memory.core.payloads.files import PayloadFiles

MOST_BETWEEN_LOOKS_S = 60.0
_EVICTION_STEP = 64
_REMOVED_AT_ONCE = 512
_OLDEST = (
    select(payloads.c.sha256, payloads.c.bytes, payloads.c.media_type, payloads.c.last_used_ns)
    .where(payloads.c.pinned == 0)
    .order_by(payloads.c.last_used_ns, payloads.c.sha256)
    .limit(_EVICTION_STEP)
)
"""Some that may go, the least recently used first."""


@dataclass(frozen=True)
class Admission:
    """What became of a payload: its hash, or why it was refused."""

    sha256: str = ""
    note: str = ""


class PayloadCache:
    """Admits payloads under a byte cap, evicting the least recently used.

    Only the writer's thread calls it. Files appear before their row is committed and vanish
    after it is gone, so that a crash leaves orphans (swept at the next start), never a row
    that promises a file which was not written.

    Args:
        files: where they lie.
        cap_bytes: most bytes of all payloads together.
        min_free_bytes: refuse payloads when the disk would have less left than this: the
            space belongs to the experiences.
        rules: when payloads go although there is room.

    Attributes:
        cap: what of `cap_bytes` may be used now.
        total_bytes: of all payloads.
        refused: payloads, since the start.
        last_refusal: why the newest payload was, in words; empty: it was kept.
    """

    def __init__(
        self,
        files: PayloadFiles,
        cap_bytes: int,
        min_free_bytes: int,
        rules: PayloadRules,
    ) -> None:
        self.files = files
        self.cap = ByteCap(cap_bytes, rules)
        self.total_bytes = 0
        self.refused = 0
        self.last_refusal = ""
        self._min_free_bytes = min_free_bytes
        self._ttl_s = rules.ttl_s
        self._tended_ns = 0
        self._doomed: dict[str, str] = {}

    def load(self, connection: Connection) -> None:
        """Take the total from the rows; also after a rollback."""
        total = connection.execute(select(func.sum(payloads.c.bytes))).scalar_one()
        self.total_bytes = int(total or 0)
        self.cap.count_copies(connection)
        self._doomed.clear()

    def due(self, now_ns: int) -> bool:
        """Whether `tend` has something to look at."""
        if self.total_bytes > self.cap.room_bytes:
            return True
        every_ns = round(min(self._ttl_s / 10, MOST_BETWEEN_LOOKS_S) * NS_PER_S)
        return every_ns > 0 and not 0 <= now_ns - self._tended_ns < every_ns

    def evict(self, connection: Connection, now_ns: int) -> int:
        """Evict some payloads that are too old, or above the cap; how many were.

        Few at a time, the least recently used first: call it again while it is `due`.
        """
        excess = self.total_bytes - self.cap.room_bytes
        limit_ns = now_ns - round(self._ttl_s * NS_PER_S) if self._ttl_s else 0
        gone = []
        for sha256, size, _, last_used_ns in connection.execute(_OLDEST):
            if excess <= 0 and not 0 < last_used_ns < limit_ns:
                break
            gone.append(sha256)
            excess -= size
        self.remove(connection, gone)
        if len(gone) < _EVICTION_STEP:
            self._tended_ns = now_ns
        return len(gone)

    def admit(
        self, connection: Connection, payload: Payload, now_ns: int, pinned: bool = False
    ) -> Admission:
        """Write the file and its row, making room first, within the caller's transaction."""
        sha256 = hashlib.sha256(payload.data).hexdigest()
        size = len(payload.data)
        same = payloads.c.sha256 == sha256
        known = connection.execute(select(payloads.c.media_type).where(same)).scalar_one_or_none()
        media_type = payload.media_type if known is None else known
        refusal = "" if known is not None else self._refusal(size)
        if refusal or (known is None and not self._make_room(connection, size)):
            pinned_only = f"{self.cap.room_bytes} bytes are taken by pinned payloads"
            return self._refuse(refusal or pinned_only)
        try:
            self.files.write(sha256, Payload(payload.data, media_type))
        except OSError as error:
            return self._refuse(f"{error.strerror}: {self.files.folder}")
        except PayloadDamaged as error:
            return self._refuse(str(error))
        self.last_refusal = ""
        self._doomed.pop(sha256, None)
        if known is not None:
            used = {"last_used_ns": now_ns} | ({"pinned": 1} if pinned else {})
            connection.execute(update(payloads).where(same).values(**used))
        else:
            row = {"sha256": sha256, "bytes": size, "media_type": media_type, "pinned": int(pinned)}
            times = {"created_ns": now_ns, "last_used_ns": now_ns}
            connection.execute(insert(payloads), [row | times])
            self.total_bytes += size
        return Admission(sha256)

    def touch(self, connection: Connection, used: Mapping[str, int]) -> None:
        """Note when payloads were last asked for: hash -> stamp [ns]."""
        for sha256, stamp in used.items():
            row = payloads.c.sha256 == sha256
            connection.execute(update(payloads).where(row).values(last_used_ns=stamp))

    def remove(
        self, connection: Connection, hashes: Iterable[str], last_used_ns: int | None = None
    ) -> int:
        """Remove payloads within the caller's transaction; call `delete_removed` after it.

        Args:
            last_used_ns: only those last used just then; None: all of them.

        Returns:
            bytes freed.
        """
        wanted, freed = sorted(hashes), 0
        for first in range(0, len(wanted), _REMOVED_AT_ONCE):
            chosen: ColumnElement[bool] = payloads.c.sha256.in_(
                wanted[first : first + _REMOVED_AT_ONCE]
            )
            if last_used_ns is not None:
                chosen &= payloads.c.last_used_ns == last_used_ns
            rows = connection.execute(
                select(payloads.c.sha256, payloads.c.media_type, payloads.c.bytes).where(chosen)
            ).all()
            connection.execute(delete(payloads).where(chosen))
            self._doomed.update((sha256, media_type) for sha256, media_type, _ in rows)
            freed += sum(size for *_, size in rows)
        self.total_bytes -= freed
        return freed

    def delete_removed(self) -> None:
        """Remove the files whose rows are gone; call after the commit."""
        for sha256, media_type in self._doomed.items():
            with contextlib.suppress(OSError, PayloadDamaged):  # what is left is an orphan, swept
                self.files.delete(sha256, media_type)  # at the next start, or not the store's
        self._doomed.clear()

    def _refusal(self, size: int) -> str:
        if size > self.cap.room_bytes:
            return f"{size} bytes are more than the cap of {self.cap.room_bytes}"
        free = self.files.free_bytes()
        if free - size < self._min_free_bytes:
            return f"{free} bytes free on the disk, {self._min_free_bytes} are kept for experiences"
        return ""

    def _refuse(self, note: str) -> Admission:
        self.refused += 1
        self.last_refusal = f"payload not kept: {note}"
        return Admission(note=self.last_refusal)

    def _make_room(self, connection: Connection, size: int) -> bool:
        # under new pressure twice the size goes for each that comes, not all at once
        limit = max(self.cap.room_bytes, self.total_bytes - size)
        while self.total_bytes + size > limit:
            rows = connection.execute(_OLDEST).all()
            if not rows:
                return False
            for sha256, length, media_type, _ in rows:
                if self.total_bytes + size <= limit:
                    break
                connection.execute(delete(payloads).where(payloads.c.sha256 == sha256))
                self._doomed[sha256] = media_type
                self.total_bytes -= length
        return True
