"""Which set-up steps are done: a stamp per step, with the digest of all that it depends on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

# Left behind by tools or of no effect on what is installed.
_IGNORED_FOLDERS = frozenset(
    {"__pycache__", "build", "test", ".pytest_cache", ".mypy_cache", ".ruff_cache"}
)
_IGNORED_ENDINGS = (".pyc", ".egg-info")


class Stamps:
    """The stamps in one folder. A step without a stamp, or with another digest, is to be done."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def is_current(self, step: str, digest: str) -> bool:
        return self.digest(step) == digest

    def digest(self, step: str) -> str | None:
        """The digest that `step` was last done for; None if never done, or interrupted."""
        try:
            return (self._folder / step).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def begin(self, step: str) -> None:
        """Forgets `step`, so that it is done again if it gets interrupted."""
        (self._folder / step).unlink(missing_ok=True)

    def finish(self, step: str, digest: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / f"{step}.draft"
        draft.write_text(digest, encoding="utf-8")
        os.replace(draft, self._folder / step)

    def steps(self) -> set[str]:
        """The steps that are done, whatever their digest."""
        if not self._folder.is_dir():
            return set()
        return {path.name for path in self._folder.iterdir() if path.suffix != ".draft"}


def digest_text(*parts: str) -> str:
    """SHA-256, in hex, of the parts; where one ends and the next begins matters."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode()
        total.update(f"{len(data)}:".encode())
        total.update(data)
    return total.hexdigest()


def digest_files(base: Path, paths: Iterable[Path]) -> str:
    """SHA-256, in hex, of names (relative to `base`), executable bits and contents of `paths`."""
    total = hashlib.sha256()
    for path in paths:
        executable = bool(path.stat().st_mode & 0o100)
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(base)}\0{executable}\0{content}\n".encode())
    return total.hexdigest()


def source_files(folder: Path) -> Iterator[Path]:
    """The files below `folder` that matter to its installation, sorted; follows links."""
    for parent, folders, files in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if not _is_ignored(name))
        for name in sorted(files):
            if not _is_ignored(name):
                yield Path(parent, name)


def _is_ignored(name: str) -> bool:
    return name in _IGNORED_FOLDERS or name.endswith(_IGNORED_ENDINGS)
