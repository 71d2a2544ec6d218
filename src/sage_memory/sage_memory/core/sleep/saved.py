"""What undoing a forgetting needs, as one blob: a line of JSON, then the bytes it announces.

The hash of a payload stands in it as plain text, so that whoever removes payloads finds it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

COLUMNS = ("text", "context", "payload_sha256", "payload_media_type")
VECTOR_NAMES = ("encoder_id", "role", "dim", "encoding", "crc32")


def pack(row: Mapping[str, Any], vectors: Sequence[Mapping[str, Any]]) -> bytes:
    """Blob of what is let go: of `row` its `COLUMNS` and `codes`, as far as there; its vectors."""
    codes = row.get("codes")
    head = {
        "row": {name: row[name] for name in COLUMNS if name in row},
        "codes": None if codes is None else len(codes),
        "vectors": [[*(v[name] for name in VECTOR_NAMES), len(v["vector"])] for v in vectors],
    }
    blobs = [codes or b"", *(bytes(v["vector"]) for v in vectors)]
    return b"\n".join([json.dumps(head).encode(), b"".join(blobs)])


def unpack(blob: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Columns of the row, and of its vectors, as they were.

    Raises:
        ValueError: it is not such a blob.
    """
    end = blob.index(b"\n")
    head = json.loads(blob[:end])
    position = end + 1
    row = dict(head["row"])
    if head["codes"] is not None:
        row["codes"] = blob[position : position + head["codes"]]
        position += head["codes"]
    vectors = []
    for *names, size in head["vectors"]:
        values = dict(zip(VECTOR_NAMES, names, strict=True))
        vectors.append(values | {"vector": blob[position : position + size]})
        position += size
    if position != len(blob):
        raise ValueError(f"saved copy of {len(blob)} bytes, {position} announced")
    return row, vectors
