"""What an answer carries, as it was kept."""

from __future__ import annotations

from pathlib import Path

from sage.recall.question import Remembered
from sage_common.core.errors import InvalidInput


def payload_of(answer: Remembered, home: Path) -> bytes | None:
    """The payload of an answer as it was kept; None if there is none.

    Raises:
        InvalidInput: the answer names a file that is not in the payload folder of `home`.
        OSError: it was there when the answer was given, and is gone.
        MemoryFailure: it is sealed, and the key is missing or wrong.
    """
    if not answer.payload:
        return None
    path, folder = Path(answer.payload), home / "payloads"
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InvalidInput("payload", answer.payload, f"a file in {folder}")
    if path.suffix != ".sealed":
        return path.read_bytes()
    from sage.memory.opening import open_payloads

    return open_payloads(home).read(answer.sha256, answer.media_type)
