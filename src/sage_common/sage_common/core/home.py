"""Where SAGE keeps what must outlive a process: the folder, and files that are whole."""

from __future__ import annotations

import hashlib
import os
import pwd
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sage_common.core.errors import InvalidInput


def sage_home(parameter: str = "", environment: Mapping[str, str] | None = None) -> Path:
    """The SAGE home folder, not created.

    In this order: the `parameter` if not empty, `$SAGE_HOME`, `$XDG_DATA_HOME/sage`,
    `~/.local/share/sage` (XDG Base Directory Specification).

    Raises:
        InvalidInput: a file is in its place.
    """
    env = os.environ if environment is None else environment
    if parameter:
        return no_file("home", Path(parameter).expanduser().absolute())
    if env.get("SAGE_HOME"):
        return no_file("SAGE_HOME", Path(env["SAGE_HOME"]).expanduser().absolute())
    if env.get("XDG_DATA_HOME"):
        return Path(env["XDG_DATA_HOME"]).absolute() / "sage"
    home = env.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir
    return Path(home).absolute() / ".local" / "share" / "sage"


def no_file(field: str, folder: Path) -> Path:
    """`folder`, which need not exist yet.

    Raises:
        InvalidInput: it is a file.
    """
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise InvalidInput(field, str(folder), "a folder, but it is a file")
    return folder


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for their owner alone (mode 0700).

    What a robot sees and hears is nobody else's business. Folders that are there keep their modes.
    What is made outlives a power cut: its name is synced in the folder above.

    Raises:
        OSError: the disk is full, a file is in the way, or a folder above cannot be written.
    """
    if not folder.parent.exists():
        make_private(folder.parent)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not folder.is_dir():
            raise
        return
    sync_folder(folder.parent)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file, of mode 0600, so that a crash leaves the one that was there or the new one.

    It is written beside `path`, synced, renamed over it, and the folder is synced.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    handle, fresh = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(fresh, path)
    except OSError:
        Path(fresh).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: those of new files and folders, and of renamed ones.

    POSIX promises that of no name without it, whatever was synced inside.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, 64 hex digits.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
