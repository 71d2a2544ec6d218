"""The log files of the graph's processes, kept small: ROS never removes any."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

MOST_OF_ONE_BYTES = 8 * 2**20
MOST_BYTES = 64 * 2**20
MOST_FILES = 500
OLDER = ".1"
# As rcl's logging names them: program, process, time.
_NAME = re.compile(r".+_(?P<pid>\d+)_\d+\.log(\.1)?")


def keep_small(
    folder: Path,
    most_of_one: int = MOST_OF_ONE_BYTES,
    most_bytes: int = MOST_BYTES,
    most_files: int = MOST_FILES,
) -> None:
    """Bound the log files in a folder: each, and those of ended processes together.

    What a running process made too long goes on empty, and what it held becomes `NAME.log.1` in
    place of the one before; processes append, so that they write on at the new end. Of ended
    processes, the oldest files are removed until all together are within the limits. Other files
    stay as they are.

    Args:
        folder: where they lie; it may be missing.
        most_of_one: limit of one file [bytes].
        most_bytes: limit of all [bytes]; files of processes that run may go beyond it.
        most_files: limit of their number, likewise.

    Raises:
        OSError: the disk is full, or a file is another user's.
    """
    for path in logs_in(folder):
        is_current = not path.name.endswith(OLDER) and _is_running(path)
        if is_current and path.stat().st_size > most_of_one:
            _start_anew(path)
    sizes = {path: path.stat() for path in logs_in(folder)}
    total, count = sum(found.st_size for found in sizes.values()), len(sizes)
    for path in sorted(sizes, key=lambda item: sizes[item].st_mtime_ns):
        if total <= most_bytes and count <= most_files:
            return
        if not _is_running(path):
            path.unlink()
            total, count = total - sizes[path].st_size, count - 1


def logs_in(folder: Path) -> list[Path]:
    """The log files, no links among them."""
    return [
        path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if _NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink()
    ]


def _start_anew(path: Path) -> None:
    older = path.with_name(path.name + OLDER)
    older.unlink(missing_ok=True)
    older.touch(mode=0o600)
    shutil.copyfile(path, older)
    os.truncate(path, 0)


def _is_running(path: Path) -> bool:
    """Whether the process that a file is named after runs."""
    match = _NAME.fullmatch(path.name)
    return match is not None and Path("/proc", match["pid"]).exists()
