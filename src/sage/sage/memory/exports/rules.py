"""What every column of an export may hold: the bounds that the store itself keeps to.

A value within them can be stored, indexed, recalled, slept on and exported again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from sage.memory.exports.tables import ID_BYTES, Row
from sage_common.core.errors import InvalidInput
from sage_memory.core.engine import schema
from sage_memory.core.experience import (
    DIGEST,
    DIMENSIONS,
    MAX_COVERS,
    MAX_DEVICE,
    MAX_EMBEDDING,
    MAX_NAME,
    MAX_STAMP_NS,
    MAX_TEXT,
    MEDIA_TYPE,
    check_text,
)
from sage_memory.core.index.index import ROLES
from sage_memory.core.places.named_place import FURTHEST_M, MAX_PLACE_NAME
from sage_memory.core.rows.rows import COVARIANCE, ORIENTATION, SKETCH_SIDE
from sage_memory.core.store.entities import KINDS
from sage_memory.core.taught.taught_word import KINDS as TAUGHT_KINDS
from sage_memory.core.taught.taught_word import MOST_CHARACTERS

MAX_NUMBER = 2**40
"""Of a row: at a thousand a second they last for 34 years."""
MAX_CLOCK = 2**62 - 1
"""Of a logical clock: as many stamps are left to the importing store."""
MAX_PAYLOAD_BYTES = 2**40
MAX_ID_MS = 2**47
MAX_JSON = 2**26
UUID_VERSION, UUID_VARIANT = 7, 0b10


@dataclass(frozen=True)
class Rule:
    """What a value must be, in words, and whether it is."""

    expected: str
    holds: Callable[[Any], bool]


def whole(least: int, most: int) -> Rule:
    """An integer within bounds."""
    return Rule(
        f"an integer from {least} to {most}",
        lambda v: type(v) is int and least <= v <= most,
    )


def number(least: float, most: float) -> Rule:
    """A number within bounds; NaN is in none."""
    return Rule(
        f"a number from {least:g} to {most:g}",
        lambda v: type(v) in (int, float) and least <= v <= most,
    )


def words(least: int, most: int) -> Rule:
    """A text of so many characters that can be stored."""
    return Rule(
        f"a text of {least} to {most} characters, valid UTF-8",
        lambda v: type(v) is str and least <= len(v) <= most and _is_text(v),
    )


def one_of(*names: str) -> Rule:
    """One of some words."""
    return Rule(f"one of {', '.join(names)}", lambda v: type(v) is str and v in names)


def digits(*, or_empty: bool) -> Rule:
    """A SHA-256: a file is named after it."""
    return Rule(
        "64 hexadecimal digits" + " or nothing" * or_empty,
        lambda v: type(v) is str and bool(DIGEST.fullmatch(v) or (or_empty and v == "")),
    )


def blob(*sizes: int) -> Rule:
    """Bytes, of one of these sizes; of any without them."""
    named = " or ".join(map(str, sizes)) or "any number of"
    return Rule(f"{named} bytes", lambda v: type(v) is bytes and (not sizes or len(v) in sizes))


def floats(layout: Any, *sizes: int) -> Rule:
    """Packed float64, all finite; or as many bytes as `sizes` say."""
    return Rule(
        f"{layout.size // 8} finite float64",
        lambda v: (
            type(v) is bytes
            and (len(v) in sizes or (len(v) == layout.size and _all_finite(layout.unpack(v))))
        ),
    )


def _all_finite(values: tuple[float, ...]) -> bool:
    return all(map(math.isfinite, values))


def _is_text(value: str) -> bool:
    try:
        check_text("", value)
    except InvalidInput:
        return False
    return True


def _is_context(value: Any) -> bool:
    """JSON: modality -> five dimensions."""
    try:
        parsed = json.loads(value) if type(value) is str and len(value) <= MAX_JSON else None
    except (ValueError, RecursionError):
        return False
    rows = parsed.values() if isinstance(parsed, dict) else [None]
    return all(
        isinstance(row, list) and len(row) == len(DIMENSIONS) and all(map(SHARE.holds, row))
        for row in rows
    )


def _is_uuid7(value: Any) -> bool:
    if type(value) is not bytes or len(value) != ID_BYTES:
        return False
    versions = value[6] >> 4, value[8] >> 6
    return versions == (UUID_VERSION, UUID_VARIANT) and int.from_bytes(value[:6], "big") < MAX_ID_MS


SHARE = number(0.0, 1.0)
FLAG = whole(0, 1)
STAMP_NS = whole(0, MAX_STAMP_NS)
CLOCK = whole(0, MAX_CLOCK)
NUMBER = whole(1, MAX_NUMBER)
CRC32 = whole(0, 2**32 - 1)
NAME = words(1, MAX_NAME)
TEXT = words(0, MAX_TEXT)
DEVICE = words(1, MAX_DEVICE)
KEY = blob(ID_BYTES)
UUID7 = Rule("a UUIDv7 of 16 bytes, of before the year 6000", _is_uuid7)
COORDINATE = Rule("a finite number", lambda v: type(v) in (int, float) and math.isfinite(v))
MEDIA = Rule(
    "type/subtype, for instance image/webp",
    lambda v: type(v) is str and len(v) <= MAX_NAME and bool(MEDIA_TYPE.fullmatch(v)),
)
CONTEXT = Rule("JSON: modality -> five numbers from 0 to 1", _is_context)

RULES: dict[str, dict[str, Rule]] = {
    "payloads": {
        "sha256": digits(or_empty=False),
        "bytes": whole(0, MAX_PAYLOAD_BYTES),
        "media_type": MEDIA,
        "created_ns": STAMP_NS,
        "last_used_ns": STAMP_NS,
        "pinned": FLAG,
    },
    "experiences": {
        "number": NUMBER,
        "id": UUID7,
        "device_id": DEVICE,
        "start_ns": STAMP_NS,
        "end_ns": STAMP_NS,
        "modality": NAME,
        "source": NAME,
        "entity": words(0, MAX_NAME),
        "codes": blob(),
        "sketch": blob(0, SKETCH_SIDE**2),
        "encoder_id": NAME,
        **dict.fromkeys((*DIMENSIONS, "total"), SHARE),
        "reason": TEXT,
        "context": CONTEXT,
        "text": TEXT,
        "place_frame": NAME,
        **dict.fromkeys(("place_x", "place_y", "place_z"), COORDINATE),
        "place_orientation": floats(ORIENTATION),
        "place_covariance": floats(COVARIANCE, 0),
        "payload_sha256": digits(or_empty=True),
        "payload_media_type": Rule(
            f"{MEDIA.expected}, or nothing", lambda v: v == "" or MEDIA.holds(v)
        ),
        "covers": whole(0, MAX_COVERS),
        "pinned": FLAG,
        "schema_version": whole(1, schema.SCHEMA_VERSION),
        "forgotten_ns": STAMP_NS,
        "forgotten_reason": TEXT,
        "crc32": CRC32,
    },
    "vectors": {
        "number": NUMBER,
        "experience_id": KEY,
        "encoder_id": NAME,
        "role": one_of(*ROLES),
        "dim": whole(1, MAX_EMBEDDING),
        "encoding": one_of(schema.ENCODING_FLOAT32, schema.ENCODING_INT8),
        "crc32": CRC32,
        "vector": blob(),
    },
    "vocabularies": {"number": NUMBER, "model_id": NAME, "names": blob(), "crc32": CRC32},
    "labels": {
        "number": NUMBER,
        "experience_id": KEY,
        "vocabulary": NUMBER,
        "crc32": CRC32,
        "labels": blob(),
    },
    "clocks": {
        "experience_id": KEY,
        "field": one_of(schema.WHOLE, *schema.MUTABLE_FIELDS),
        "stamp": CLOCK,
        "device_id": DEVICE,
    },
    "summary_members": {"summary_id": KEY, "member_id": KEY},
    "consolidation_runs": {
        "id": UUID7,
        "started_ns": STAMP_NS,
        "finished_ns": STAMP_NS,
        "state": one_of(*schema.RUN_STATES),
        "cause": TEXT,
        "recall_before": SHARE,
        "recall_after": SHARE,
        "report": words(0, MAX_JSON),
    },
    "forgettings": {
        "number": NUMBER,
        "run_id": KEY,
        "experience_id": KEY,
        "what": one_of(*schema.EVICTABLE),
        "reason": TEXT,
        "at_ns": STAMP_NS,
        "undo_until_ns": STAMP_NS,
        "undone_ns": STAMP_NS,
        "saved": blob(),
    },
    "entities": {
        "name": NAME,
        "kind": one_of(*KINDS),
        "reward": number(-1.0, 1.0),
        "coherence": SHARE,
        "conflict": SHARE,
        "trust": SHARE,
        "observations": whole(0, MAX_STAMP_NS),
        "last_ns": STAMP_NS,
    },
    "places": {
        "name": words(1, MAX_PLACE_NAME),
        "frame": words(1, MAX_NAME),
        **dict.fromkeys("xyz", number(-FURTHEST_M, FURTHEST_M)),
        "radius_m": number(0.0, FURTHEST_M),
        "namings": whole(1, MAX_STAMP_NS),
        "last_ns": STAMP_NS,
    },
    "taught_words": {
        "word": words(1, MOST_CHARACTERS),
        "kind": one_of(*TAUGHT_KINDS),
        "features_by": NAME,
        "examples": blob(),
        "looked_at": whole(0, MAX_NUMBER),
        "taught_ns": STAMP_NS,
        "crc32": CRC32,
    },
}
"""Table -> column -> what it may hold; where a column is nullable, null as well."""


def check_row(table: Table, row: Row) -> None:
    """Prove that a row has the table's columns, each with a value that its rule lets pass.

    Raises:
        InvalidInput: names table and column, the value, and what was expected.
    """
    names = {column.name for column in table.columns}
    if row.keys() != names:
        wrong = sorted(names ^ row.keys())
        raise InvalidInput(f"columns of {table.name}", wrong, f"exactly {sorted(names)}")
    rules = RULES[table.name]
    for column in table.columns:
        value, rule = row[column.name], rules[column.name]
        if value is None and column.nullable:
            continue
        check_value(f"{table.name}.{column.name}", value, rule)


def check_value(field: str, value: object, rule: Rule) -> None:
    """Prove one value.

    Raises:
        InvalidInput: names the field, the value, and what was expected.
    """
    if not rule.holds(value):
        raise InvalidInput(field, value, rule.expected)
