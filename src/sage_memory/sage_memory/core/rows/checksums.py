"""Checksums of the rows of experiences, which tell an altered row from the one that was written.

The checksum of a row is CRC-32 of its content (what a sleep evicts) xor CRC-32 of all else, the
row's number apart. Whoever changes content changes the checksum by the difference between the old
and the new content, so that a row that was damaged before stays one: no change hides damage. CRC-32
finds every burst of up to 32 bits in one column, and misses other accidents once in 2^32; it is no
proof against someone who alters rows on purpose and sets the checksum as well.

Stores and exports hold these values: what a row's checksum is must never change.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

CONTENT = (
    "codes", "sketch", "place_covariance", "text", "reason", "context", "payload_sha256",
    "payload_media_type",
)  # fmt: skip
"""Columns that a sleep evicts."""
COLUMNS = (
    "number", "id", "device_id", "start_ns", "end_ns", "modality", "source", "entity", "codes",
    "sketch", "encoder_id", "surprise", "novelty", "arousal", "reward", "conflict", "total",
    "reason", "context", "text", "place_frame", "place_x", "place_y", "place_z",
    "place_orientation", "place_covariance", "payload_sha256", "payload_media_type", "covers",
    "pinned", "schema_version", "forgotten_ns", "forgotten_reason",
)  # fmt: skip
"""Columns of a row, in the order in which `row_crc32` takes them."""
NUMBERS = struct.Struct("<3q9d3q")
NEVER = -1
NAN = float("nan")
NO_TEXT = "\x01"
"""In place of a text that is null; an empty one is another."""


def row_crc32(values: Sequence[Any]) -> int:
    """Checksum of a row of values in the order of `COLUMNS`."""
    (
        _, identifier, device_id, start_ns, end_ns, modality, source, entity, codes, sketch,
        encoder_id, surprise, novelty, arousal, reward, conflict, total, reason, context, text,
        frame, x, y, z, orientation, covariance, sha256, media_type, covers, pinned, version,
        forgotten_ns, forgotten_reason,
    ) = values  # fmt: skip
    try:
        # 0.0 is added: SQLite keeps -0.0 as 0.0
        fixed = NUMBERS.pack(
            start_ns, end_ns, NEVER if forgotten_ns is None else forgotten_ns,
            surprise + 0.0, novelty + 0.0, arousal + 0.0, reward + 0.0, conflict + 0.0, total + 0.0,
            NAN if x is None else x + 0.0, NAN if y is None else y + 0.0,
            NAN if z is None else z + 0.0, covers, pinned, version,
        )  # fmt: skip
        frame = NO_TEXT if frame is None else frame
        forgotten_reason = NO_TEXT if forgotten_reason is None else forgotten_reason
        names = (
            f"{device_id}\0{modality}\0{source}\0{entity}\0{encoder_id}\0{frame}"
            f"\0{forgotten_reason}"
        )
        fixed += identifier + (orientation or b"") + names.encode()
    except (TypeError, ValueError, OverflowError, struct.error):
        fixed = repr(values).encode("utf-8", "replace")  # no row that was written has such values
    content = (codes, sketch, covariance, text, reason, context, sha256, media_type)
    return zlib.crc32(fixed) ^ _content_crc32(content)


def content_crc32(row: Mapping[str, Any]) -> int:
    """Checksum of the content alone, by column."""
    return _content_crc32(tuple(row[name] for name in CONTENT))


def changed_crc32(row: Mapping[str, Any], values: Mapping[str, Any]) -> int:
    """Checksum of a row after a change of content; of a damaged row one that does not match.

    Args:
        row: as it is, with `crc32` and the columns of `CONTENT`.
        values: what changes, of these columns.
    """
    new = {name: values.get(name, row[name]) for name in CONTENT}
    return int(row["crc32"]) ^ content_crc32(row) ^ content_crc32(new)


def is_whole(row: Sequence[Any]) -> bool:
    """Whether a row of all columns in the order of the table is as it was written."""
    return bool(row_crc32(row[:-1]) == row[-1])


def _content_crc32(content: tuple[Any, ...]) -> int:
    codes, sketch, covariance, text, reason, context, sha256, media_type = content
    try:
        words = "\0".join(
            (text, reason, NO_TEXT if context is None else context, sha256, media_type)
        )
        blobs = (codes, sketch, covariance or b"", words.encode())
        return zlib.crc32(b"\0".join(blobs))
    except (TypeError, ValueError):
        return zlib.crc32(repr(content).encode("utf-8", "replace"))
