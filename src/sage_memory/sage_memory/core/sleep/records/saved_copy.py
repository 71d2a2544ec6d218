"""What undoing a forgetting needs, as one blob: a line of JSON, then the bytes it announces.

The hash of a payload stands in it as plain text, so that whoever removes payloads finds it.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

COLUMNS = ("payload_sha256", "payload_media_type", "text", "reason", "context")
HEAD_BYTES = 120
"""First bytes of a blob, enough for `payload_of`."""
_SHA256 = re.compile(rb'"payload_sha256": "([0-9a-f]{64})"')
BLOBS = ("codes", "sketch", "place_covariance")
VECTOR_NAMES = ("encoder_id", "role", "dim", "encoding", "crc32")


def pack(row: Mapping[str, Any], vectors: Sequence[Mapping[str, Any]]) -> bytes:
    """Blob of what is evicted: of `row` its `COLUMNS` and `BLOBS`, as far as there; its vectors."""
    blobs = {name: row[name] for name in BLOBS if row.get(name) is not None}
    head = {
        "row": {name: row[name] for name in COLUMNS if name in row},
        "blobs": {name: len(blob) for name, blob in blobs.items()},
        "vectors": [[*(v[name] for name in VECTOR_NAMES), len(v["vector"])] for v in vectors],
    }
    content = [*blobs.values(), *(bytes(v["vector"]) for v in vectors)]
    return b"\n".join([json.dumps(head).encode(), b"".join(content)])


def unpack(blob: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Columns of the row, and of its vectors, as they were.

    Raises:
        ValueError: it is not such a blob.
    """
    end = blob.index(b"\n")
    head = json.loads(blob[:end])
    content = io.BytesIO(blob[end + 1 :])
    row = dict(head["row"]) | {name: content.read(size) for name, size in head["blobs"].items()}
    vectors = [
        dict(zip(VECTOR_NAMES, names, strict=True)) | {"vector": content.read(size)}
        for *names, size in head["vectors"]
    ]
    announced = sum(head["blobs"].values()) + sum(entry[-1] for entry in head["vectors"])
    if content.tell() != announced or content.read(1):
        raise ValueError(f"saved copy of {len(blob)} bytes: {announced} announced")
    return row, vectors


def payload_of(head: bytes) -> str:
    """Hash of the payload, from the first `HEAD_BYTES` of a blob; empty: it is about none."""
    found = _SHA256.search(head)
    return found[1].decode() if found else ""
