"""Objects of the contract as JSON, and as server-sent events."""

from __future__ import annotations

import json
from typing import Any

KEEP_ALIVE = b": here\n\n"
RETRY = b"retry: 2000\n\n"


def as_json(value: Any) -> bytes:
    """Compact JSON of a dataclass.

    Raises:
        ValueError: a number in it is not finite, which JSON does not know.
    """
    text = json.dumps(
        value, default=vars, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    return text.encode(errors="replace")


def as_event(name: str, value: Any) -> bytes:
    """One server-sent event.

    Raises:
        ValueError: as `as_json`.
    """
    return b"event: " + name.encode() + b"\ndata: " + as_json(value) + b"\n\n"
