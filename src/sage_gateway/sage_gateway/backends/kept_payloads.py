"""Payloads of the memory, by their hash."""

from __future__ import annotations

import os
from pathlib import Path

from sage_common.core.errors import InvalidInput
from sage_gateway.core.ports import Refusal
from sage_memory.backends.payload_pictures import as_webp, picture_of
from sage_memory.core.engine.errors import PayloadDamaged
from sage_memory.core.errors import MemoryFailure, StoreMissing
from sage_memory.core.experience import DIGEST
from sage_memory.core.opening import find_store
from sage_memory.core.payloads import EXTENSIONS, PayloadFiles
from sage_memory.core.store.storage import open_storage

LONGEST_PX = 320


class KeptPayloads:
    """Reads them without the memory node; what it has deleted is gone here, too.

    Args:
        home: SAGE's home folder.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._files: PayloadFiles | None = None

    def read(self, sha256: str) -> tuple[str, bytes] | None:
        """Media type and content of a payload; None: there is none of this hash.

        Raises:
            Refusal: the store is sealed, and the key is missing or wrong.
        """
        if not DIGEST.fullmatch(sha256):
            return None
        try:
            files = self._opened()
        except StoreMissing:
            return None
        except (MemoryFailure, OSError) as error:
            raise Refusal("unavailable", f"payloads cannot be read: {error}") from error
        for media_type in EXTENSIONS:
            try:
                if files.find(sha256, media_type) is not None:
                    data = files.read(sha256, media_type)
                    return (_sniffed(data) if files.sealed else media_type), data
            except (OSError, PayloadDamaged):
                continue  # deleted meanwhile, or none of the store's
        return None

    def picture(self, sha256: str) -> bytes | None:
        """A picture of a payload, WebP, at most 320 px; None: there is none.

        Raises:
            Refusal: as `read`.
        """
        found = self.read(sha256)
        if found is None:
            return None
        try:
            picture = picture_of(*found, LONGEST_PX)
        except InvalidInput:
            return None  # damaged
        return None if picture is None else as_webp(picture)

    def _opened(self) -> PayloadFiles:
        if self._files is None:
            found = find_store(self._home, os.environ)
            storage = open_storage(self._home, found.url, found.key, "")
            storage.check()
            self._files = PayloadFiles(self._home / "payloads", storage.seal)
        return self._files


def _sniffed(data: bytes) -> str:
    """Media type of what came out of a sealed file, whose name does not say it."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[:4] == b"fLaC":
        return "audio/flac"
    return "application/octet-stream"
