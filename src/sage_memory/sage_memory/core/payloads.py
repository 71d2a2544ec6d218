"""Verbatim sensor data on disk: files named by their content, under a byte cap."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from sage_common.core.clock import NS_PER_S
from sage_common.core.home import make_private, sync_folder
from sage_memory.core.experience import DIGEST, Payload
from sage_memory.core.option_errors import PayloadDamaged
from sage_memory.core.schema import forgettings, payloads

EXTENSIONS = {
    "image/webp": "webp",
    "audio/flac": "flac",
    "text/csv": "csv",
    "application/x-mcap": "mcap",
}
MOST_BETWEEN_LOOKS_S = 60.0
OPEN_COPY = (
    forgettings.c.saved.is_not(None)
    & forgettings.c.undo_until_ns.is_not(None)
    & forgettings.c.undone_ns.is_(None)
)
"""Rows of the list that hold what undoing a sleep needs."""
_EVICTION_STEP = 64
_REMOVED_AT_ONCE = 512


@dataclass(frozen=True)
class Admission:
    """What became of a payload: its hash, or why it was refused."""

    sha256: str = ""
    note: str = ""


class Seal(Protocol):
    """Encrypts the files of payloads, and their names."""

    def file_name(self, sha256: str) -> str:
        """64 hexadecimal digits, which tell nothing about the hash."""

    def seal(self, sha256: str, data: bytes) -> bytes:
        """`data`, encrypted."""

    def unseal(self, sha256: str, sealed: bytes) -> bytes:
        """What was sealed under this hash.

        Raises:
            PayloadDamaged: it was changed.
        """


class PayloadFiles:
    """`folder/ab/<sha256>.<extension>`, mode 0600 in folders of 0700.

    Args:
        folder: they lie in it.
        seal: of an encrypted store: names are its, and every extension is `sealed`.
    """

    def __init__(self, folder: Path, seal: Seal | None = None) -> None:
        self.folder = folder
        self._seal = seal
        self.sealed = seal is not None
        self._durable: set[Path] = set()

    def path(self, sha256: str, media_type: str) -> Path:
        """Where the payload lies, if it is there.

        Raises:
            PayloadDamaged: the hash is none.
        """
        if not (isinstance(sha256, str) and DIGEST.fullmatch(sha256)):
            raise PayloadDamaged(sha256, "expected 64 hexadecimal digits as its hash")
        name = self._name(sha256)
        extension = EXTENSIONS.get(media_type, "bin") if self._seal is None else "sealed"
        return self.folder / name[:2] / f"{name}.{extension}"

    def find(self, sha256: str, media_type: str) -> Path | None:
        """The payload's file; None if it is not there.

        Raises:
            PayloadDamaged: the hash is none, or a link stands in its place.
        """
        path = self.path(sha256, media_type)
        try:
            modes = os.lstat(path.parent).st_mode, os.lstat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not (stat.S_ISDIR(modes[0]) and stat.S_ISREG(modes[1])):
            raise PayloadDamaged(sha256, f"expected a file, not a link: {path}")
        return path

    def read(self, sha256: str, media_type: str) -> bytes:
        """The payload as it was given.

        Raises:
            OSError: it is gone, or the disk cannot read it.
            PayloadDamaged: its hash is none, a link stands in its place, or it is sealed, and was
                changed.
        """
        path = self.find(sha256, media_type) or self.path(sha256, media_type)
        data = path.read_bytes()
        return data if self._seal is None else self._seal.unseal(sha256, data)

    def checked(self, sha256: str, media_type: str) -> tuple[bytes | None, str]:
        """The payload, and what is wrong with it in words; None if it cannot be had."""
        if not sha256:
            return None, "no payload was kept, or it was let go"
        try:
            data = self.read(sha256, media_type)
        except (OSError, PayloadDamaged) as error:
            return None, f"the payload cannot be read: {error}"
        if hashlib.sha256(data).hexdigest() != sha256:
            return None, f"the payload is damaged: {self.path(sha256, media_type)}"
        return data, ""

    def write(self, sha256: str, payload: Payload) -> None:
        """Write, sync and rename, so that a name never stands for half a file.

        Raises:
            OSError: the disk is full or the folder cannot be written.
            PayloadDamaged: the hash is none, or a link stands in the payload's place.
        """
        path = self.path(sha256, payload.media_type)
        if self.find(sha256, payload.media_type) is not None:
            return
        data = payload.data if self._seal is None else self._seal.seal(sha256, payload.data)
        self._make_durable(path.parent)
        if path.parent.is_symlink():
            raise OSError(errno.ELOOP, "a link in the place of a folder", str(path.parent))
        handle, temporary = tempfile.mkstemp(prefix=".", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, path)
            sync_folder(path.parent)
        except OSError:
            for left in (Path(temporary), path):  # whose name may not outlive a power cut
                left.unlink(missing_ok=True)
            raise

    def _make_durable(self, shard: Path) -> None:
        """Make the folders down to a shard, and sync their names once in the life of a process.

        One that is there may be of a process that was killed before it came to sync it.
        """
        for folder in (self.folder, shard):
            if folder not in self._durable or not folder.is_dir():
                make_private(folder)
                sync_folder(folder.parent)
                self._durable.add(folder)

    def delete(self, sha256: str, media_type: str) -> None:
        """Delete the payload's file, if there is one of its own.

        Raises:
            OSError: the folder cannot be written.
            PayloadDamaged: the hash is none, or a link stands in the payload's place.
        """
        path = self.find(sha256, media_type)
        if path is not None:
            path.unlink(missing_ok=True)

    def sweep(self, known: Iterable[str]) -> int:
        """Remove every file that no row of the store names; returns how many."""
        orphans = self.orphans(known)
        for path in orphans:
            path.unlink(missing_ok=True)
        return len(orphans)

    def orphans(self, known: Iterable[str]) -> list[Path]:
        """Every file that is none of the payloads with these hashes."""
        keep = {self._name(sha256) for sha256 in known}
        return [path for path in self._files() if path.name.split(".")[0] not in keep]

    def free_bytes(self) -> int:
        """Bytes left on the disk."""
        folder = self.folder if self.folder.exists() else self.folder.parent
        return shutil.disk_usage(folder).free

    def _name(self, sha256: str) -> str:
        return sha256 if self._seal is None else self._seal.file_name(sha256)

    def _files(self) -> Iterator[Path]:
        for shard in self.folder.glob("[0-9a-f][0-9a-f]"):
            if not shard.is_symlink():  # what it leads to is not the store's
                yield from (path for path in shard.iterdir() if path.is_file())


@dataclass(frozen=True)
class PayloadRules:
    """When payloads go although there is room.

    Attributes:
        ttl_s: those not asked for in this time go; 0: never for age.
        yellow_share, red_share: of the cap that may be used when memory is tight, [0, 1].
    """

    ttl_s: float = 0.0
    yellow_share: float = 0.5
    red_share: float = 0.1


class PayloadCache:
    """Admits payloads under a byte cap, letting go of the least recently used.

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
        pressure: 0 green, 1 yellow, 2 red; any thread may set it.
        copies_bytes: of the copies that undoing a sleep needs; they count under the cap.
    """

    def __init__(
        self,
        files: PayloadFiles,
        cap_bytes: int,
        min_free_bytes: int,
        rules: PayloadRules = PayloadRules(),
    ) -> None:
        self.files = files
        self.cap_bytes = cap_bytes
        self.min_free_bytes = min_free_bytes
        self.rules = rules
        self.pressure = 0
        self._tended_ns = 0
        self.total_bytes = 0
        self.copies_bytes = 0
        self.refused = 0
        self.last_refusal = ""
        self._doomed: dict[str, str] = {}

    def load(self, connection: Connection) -> None:
        """Take the total from the rows; also after a rollback."""
        total = connection.execute(select(func.sum(payloads.c.bytes))).scalar_one()
        self.total_bytes = int(total or 0)
        self.count_copies(connection)
        self._doomed.clear()

    def count_copies(self, connection: Connection) -> None:
        """Take the bytes of the copies for undoing from the rows."""
        size = select(func.sum(func.length(forgettings.c.saved))).where(OPEN_COPY)
        self.copies_bytes = int(connection.execute(size).scalar_one() or 0)

    @property
    def room_bytes(self) -> int:
        """What the payloads may take: copies for undoing have up to half of the cap."""
        return self.cap_now_bytes - min(self.copies_bytes, self.cap_now_bytes // 2)

    @property
    def cap_now_bytes(self) -> int:
        """The cap under the present pressure."""
        share = (1.0, self.rules.yellow_share, self.rules.red_share)[self.pressure]
        return round(share * self.cap_bytes)

    def due(self, now_ns: int) -> bool:
        """Whether `tend` has something to look at."""
        if self.total_bytes > self.room_bytes:
            return True
        every_ns = round(min(self.rules.ttl_s / 10, MOST_BETWEEN_LOOKS_S) * NS_PER_S)
        return every_ns > 0 and not 0 <= now_ns - self._tended_ns < every_ns

    def tend(self, connection: Connection, now_ns: int) -> int:
        """Let go of some payloads that are too old, or above the cap; how many were.

        Few at a time, the least recently used first: call it again while it is `due`.
        """
        oldest = (
            select(payloads.c.sha256, payloads.c.bytes, payloads.c.last_used_ns)
            .where(payloads.c.pinned == 0)
            .order_by(payloads.c.last_used_ns, payloads.c.sha256)
            .limit(_EVICTION_STEP)
        )
        excess = self.total_bytes - self.room_bytes
        limit_ns = now_ns - round(self.rules.ttl_s * NS_PER_S) if self.rules.ttl_s else 0
        gone = []
        for sha256, size, last_used_ns in connection.execute(oldest):
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
            return self._refuse(refusal or f"{self.room_bytes} bytes are taken by pinned payloads")
        try:
            self.files.write(sha256, Payload(payload.data, media_type))
        except OSError as error:
            return self._refuse(f"{error.strerror}: {self.files.folder}")
        except PayloadDamaged as error:
            return self._refuse(str(error))
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
        """Remove payloads within the caller's transaction; call `bury` after it.

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

    def bury(self) -> None:
        """Remove the files whose rows are gone; call after the commit."""
        for sha256, media_type in self._doomed.items():
            with contextlib.suppress(OSError, PayloadDamaged):  # what is left is an orphan, swept
                self.files.delete(sha256, media_type)  # at the next start, or not the store's
        self._doomed.clear()

    def _refusal(self, size: int) -> str:
        if size > self.room_bytes:
            return f"{size} bytes are more than the cap of {self.room_bytes}"
        free = self.files.free_bytes()
        if free - size < self.min_free_bytes:
            return f"{free} bytes free on the disk, {self.min_free_bytes} are kept for experiences"
        return ""

    def _refuse(self, note: str) -> Admission:
        self.refused += 1
        self.last_refusal = f"payload not kept: {note}"
        return Admission(note=self.last_refusal)

    def _make_room(self, connection: Connection, size: int) -> bool:
        oldest = (
            select(payloads.c.sha256, payloads.c.bytes, payloads.c.media_type)
            .where(payloads.c.pinned == 0)
            .order_by(payloads.c.last_used_ns, payloads.c.sha256)
            .limit(_EVICTION_STEP)
        )
        # under new pressure twice the size goes for each that comes, not all at once
        limit = max(self.room_bytes, self.total_bytes - size)
        while self.total_bytes + size > limit:
            rows = connection.execute(oldest).all()
            if not rows:
                return False
            for sha256, length, media_type in rows:
                if self.total_bytes + size <= limit:
                    break
                connection.execute(delete(payloads).where(payloads.c.sha256 == sha256))
                self._doomed[sha256] = media_type
                self.total_bytes -= length
        return True
