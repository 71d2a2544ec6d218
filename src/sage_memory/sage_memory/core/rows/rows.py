"""Experiences as rows of the tables, and back."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
from functools import cached_property, reduce
from operator import add
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import CODES, GRID
from sage_memory.core.engine import schema
from sage_memory.core.experience import Experience, Place
from sage_memory.core.labels.packing import PackedLabels
from sage_memory.core.rows.checksums import row_crc32

ZLIB_LEVEL = 1  # puzzles shrink to a third at any level; 1 is the fastest
SKETCH_SIDE = 6


EXPERIENCE_COLUMNS = (
    "number", "id", "device_id", "start_ns", "end_ns", "modality", "source", "entity", "codes",
    "sketch", "encoder_id", "surprise", "novelty", "arousal", "reward", "conflict", "total",
    "reason", "context", "text", "place_frame", "place_x", "place_y", "place_z",
    "place_orientation", "place_covariance", "payload_sha256", "payload_media_type", "covers",
    "pinned", "schema_version", "crc32",
)  # fmt: skip
VECTOR_COLUMNS = ("experience_id", "encoder_id", "role", "dim", "encoding", "crc32", "vector")
NOWHERE = (None,) * 6
NOT_FORGOTTEN = (None,) * 2
ORIENTATION = struct.Struct("=4d")
COVARIANCE = struct.Struct("=36d")
UNKNOWN = bytes(COVARIANCE.size)  # evicted by a sleep
PUZZLE_BYTES = GRID * GRID
CHECKED_SINCE = 4
"""Schema whose rows had a checksum from the first: what matches it can be unpacked."""


class StoredExperience(Experience):
    """One out of a row; its puzzle is unpacked when it is first looked at."""

    packed: bytes

    @cached_property
    def codes(self) -> NDArray[np.uint8]:
        if not self.packed:  # evicted by a sleep
            return np.zeros((GRID, GRID), np.uint8)
        return unpack(self.packed)


class Packed(NamedTuple):
    """What takes long to make of an experience's row, made before the writer has it.

    Attributes:
        codes: the puzzle, as in the table.
        vectors: values of `VECTOR_COLUMNS` after the first, one or two rows.
        labels: what was recognised, of each model once.
    """

    codes: bytes
    vectors: tuple[tuple[str, str, int, str, int, bytes], ...]
    labels: tuple[PackedLabels, ...] = ()


def pack(experience: Experience, labels: tuple[PackedLabels, ...] = ()) -> Packed:
    """Blobs of a checked experience."""
    vectors = [_vector(schema.ROLE_PERCEPT, experience.encoder_id, experience.embedding)]
    if experience.text_embedding is not None:
        words = experience.text_embedding
        vectors.append(_vector(schema.ROLE_WORDS, experience.text_encoder_id, words))
    codes = zlib.compress(experience.codes.tobytes(), ZLIB_LEVEL)
    return Packed(codes, tuple(vectors), labels)


def experience_values(
    number: int, experience: Experience, packed: Packed, sketched: bytes
) -> tuple[Any, ...]:
    """A row of the `experiences` table, in the order of `EXPERIENCE_COLUMNS`."""
    context = experience.context
    values = (
        number,
        experience.id,
        experience.device_id,
        int(experience.start_ns),
        int(experience.end_ns),
        experience.modality,
        experience.source,
        experience.entity,
        packed.codes,
        sketched,
        experience.encoder_id,
        float(experience.surprise),
        float(experience.novelty),
        float(experience.arousal),
        float(experience.reward),
        float(experience.conflict),
        float(experience.total),
        experience.reason,
        None if context is None else json.dumps({k: [*map(float, v)] for k, v in context.items()}),
        experience.text,
        *(NOWHERE if experience.place is None else _place_values(experience.place)),
        experience.payload_sha256,
        experience.payload_media_type,
        int(experience.covers),
        int(experience.pinned),
        experience.schema_version,
    )
    return (*values, row_crc32((*values, *NOT_FORGOTTEN)))


def _place_values(place: Place) -> tuple[Any, ...]:
    orientation, position = ORIENTATION.pack(*place.orientation), map(float, place.position)
    return (place.frame, *position, orientation, COVARIANCE.pack(*place.covariance))


def _vector(
    role: str, encoder_id: str, vector: NDArray[np.float32]
) -> tuple[str, str, int, str, int, bytes]:
    blob = vector.tobytes()
    return (encoder_id, role, vector.size, schema.ENCODING_FLOAT32, zlib.crc32(blob), blob)


def unpack(codes: bytes) -> NDArray[np.uint8]:
    """The puzzle of codes that this store packed, uint8 [30, 30].

    Raises:
        zlib.error, ValueError: they were damaged since.
    """
    # the size is known: without it zlib begins with 16 KiB
    unpacked = zlib.decompress(codes, bufsize=PUZZLE_BYTES)
    return np.frombuffer(unpacked, np.uint8).reshape(GRID, GRID)


def unpack_puzzle(codes: bytes) -> NDArray[np.uint8]:
    """The puzzle of packed codes that may be anything, uint8 [30, 30].

    Raises:
        InvalidInput: they are none.
    """
    # unlike `unpack` it stops at the size of a puzzle: few bytes may become gigabytes
    reader = zlib.decompressobj()
    try:
        raw = reader.decompress(codes, PUZZLE_BYTES + 1)
    except zlib.error:
        raw = b""
    values = np.frombuffer(raw, np.uint8)
    whole = reader.eof and not reader.unused_data and values.size == PUZZLE_BYTES
    if not whole or int(values.max()) >= CODES:
        expected = f"{PUZZLE_BYTES} codes of 0 to {CODES - 1}, packed by zlib"
        raise InvalidInput("codes", codes, expected)
    return values.reshape(GRID, GRID)


def sketch(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Sums of the 5x5 blocks of puzzles [..., 30, 30], uint8 [..., 6, 6].

    The L1 distance of two sketches is never greater than that of the puzzles: a search by puzzle
    may skip every experience whose sketch is too far away.
    """
    block = GRID // SKETCH_SIDE
    blocks = codes.reshape(*codes.shape[:-2], SKETCH_SIDE, block, SKETCH_SIDE, block)
    if codes.size == PUZZLE_BYTES:
        return np.asarray(blocks.sum(axis=(-3, -1), dtype=np.uint8))
    # of many puzzles NumPy takes five times as long to sum over axes as short as these
    lines = reduce(add, (blocks[..., line, :, :] for line in range(block)))
    return np.asarray(reduce(add, (lines[..., column] for column in range(block))))


def sketches(experiences: Sequence[Experience]) -> list[bytes]:
    """Sketch of each puzzle, as in the table."""
    joined = b"".join([experience.codes.tobytes() for experience in experiences])
    drawn = sketch(np.frombuffer(joined, np.uint8).reshape(-1, GRID, GRID)).tobytes()
    size = SKETCH_SIDE * SKETCH_SIDE
    return [drawn[start : start + size] for start in range(0, len(drawn), size)]


def read_experience(row: Any, embedding: NDArray[np.float32]) -> Experience:
    """The experience of a row of the `experiences` table; `embedding` may be empty.

    The fields are set at once; the constructor of a frozen class takes ten times as long.

    Raises:
        zlib.error, ValueError, TypeError: it was damaged before rows had checksums.
    """
    experience = object.__new__(StoredExperience)
    experience.__dict__.update(
        packed=row.codes,
        start_ns=row.start_ns,
        end_ns=row.end_ns,
        modality=row.modality,
        source=row.source,
        embedding=embedding,
        encoder_id=row.encoder_id,
        surprise=row.surprise,
        novelty=row.novelty,
        arousal=row.arousal,
        reward=row.reward,
        conflict=row.conflict,
        total=row.total,
        reason=row.reason,
        text=row.text,
        text_embedding=None,
        text_encoder_id="",
        place=None if row.place_frame is None else _read_place(row),
        entity=row.entity,
        context=None if row.context is None else _read_context(row.context),
        covers=row.covers,
        pinned=bool(row.pinned),
        id=bytes(row.id),
        device_id=row.device_id,
        payload_sha256=row.payload_sha256,
        payload_media_type=row.payload_media_type,
        schema_version=row.schema_version,
    )
    if row.schema_version < CHECKED_SINCE:
        _ = experience.codes
    return experience


def _read_context(text: str) -> dict[str, tuple[float, ...]]:
    return {modality: tuple(values) for modality, values in json.loads(text).items()}


def _read_place(row: Any) -> Place:
    place = object.__new__(Place)
    place.__dict__.update(
        frame=row.place_frame,
        position=(row.place_x, row.place_y, row.place_z),
        orientation=ORIENTATION.unpack(row.place_orientation),
        covariance=COVARIANCE.unpack(row.place_covariance or UNKNOWN),
    )
    return place
