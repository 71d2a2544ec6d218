"""What sizes change hands in the mailboxes' bench, and how often."""

from __future__ import annotations

KIB, MIB = 1 << 10, 1 << 20
SIZES = (64, 4 * KIB, 64 * KIB, MIB, 8 * MIB)
FRAME_BYTES = 1920 * 1080 * 3
PERIOD_US = 2000
"""As long as filling 8 MB takes, with room to spare: the colder the caches, the slower everything
is, and so all sizes are handed over equally often."""
FLAT_GOAL = 1.5


def text_of(payload_bytes: int) -> str:
    """Such as 64 kB."""
    for unit, size in (("MB", MIB), ("kB", KIB)):
        if payload_bytes >= size:
            return f"{payload_bytes // size} {unit}"
    return f"{payload_bytes} B"
