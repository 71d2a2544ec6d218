"""Payloads as files, named by their content: durable when written, and never half of one."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from sage_common.core.home import make_private, replace_file, sync_folder
from sage_memory.core.engine.errors import PayloadDamaged
from sage_memory.core.experience import DIGEST, Payload

EXTENSIONS = {
    "image/webp": "webp",
    "audio/flac": "flac",
    "text/csv": "csv",
    "application/x-mcap": "mcap",
}


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
            return None, "no payload was kept, or it was evicted"
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
        try:
            replace_file(path, data)
        except OSError:
            path.unlink(missing_ok=True)  # its name may not outlive a power cut
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
