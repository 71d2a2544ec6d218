"""The newest warnings and errors of the log files, without what may have been said."""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path

from sage.doctor.redaction import Redaction
from sage.run.log_files import logs_in

MOST_FILES = 20
MOST_OF_ONE_BYTES = 100_000
READ_BYTES = 2 * 2**20
"""So much of the end of a file is read for them."""
# As rcl writes them: [WARN] [1763754062.123456789] [sage.memory]: text; other lines continue one.
_BEGIN = re.compile(r"\[(DEBUG|INFO|WARN|ERROR|FATAL)\] ")
_KEPT = ("WARN", "ERROR", "FATAL")


def recent_logs(folder: Path, redaction: Redaction) -> dict[str, str]:
    """Warnings and errors of the newest files, by file name.

    Args:
        folder: where the log files lie; it may be missing.
        redaction: takes out what is private.

    Raises:
        OSError: a file cannot be read.
    """
    newest = sorted(logs_in(folder), key=lambda path: path.stat().st_mtime_ns)[-MOST_FILES:]
    found = {path.name: _faults(_end_of(path), redaction) for path in newest}
    return {name: text for name, text in found.items() if text}


def _faults(text: str, redaction: Redaction) -> str:
    lines: deque[str] = deque()
    size, is_kept = 0, False
    for line in text.splitlines():
        begin = _BEGIN.match(line)
        if begin is not None:
            is_kept = begin[1] in _KEPT
        if is_kept:
            lines.append(redaction.message(line))
            size += len(lines[-1]) + 1
        while size > MOST_OF_ONE_BYTES:
            size -= len(lines.popleft()) + 1
    return "".join(f"{line}\n" for line in lines)


def _end_of(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - READ_BYTES))
        return file.read(READ_BYTES).decode("utf-8", "replace")
