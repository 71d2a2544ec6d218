"""Experiences as rows of the tables, and back."""

from __future__ import annotations

import json
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.puzzle import GRID
from sage_memory.core import schema
from sage_memory.core.experience import Experience, Place

ZLIB_LEVEL = 1  # puzzles shrink to a third at any level; 1 is the fastest
SKETCH_SIDE = 6


def experience_row(number: int, experience: Experience) -> dict[str, Any]:
    """Values of the `experiences` table; `number` is the row's."""
    place = experience.place
    x, y, z = place.position if place else (None, None, None)
    return {
        "number": number,
        "id": experience.id,
        "device_id": experience.device_id,
        "start_ns": experience.start_ns,
        "end_ns": experience.end_ns,
        "modality": experience.modality,
        "source": experience.source,
        "entity": experience.entity,
        "codes": zlib.compress(experience.codes.tobytes(), ZLIB_LEVEL),
        "sketch": sketch(experience.codes).tobytes(),
        "encoder_id": experience.encoder_id,
        "surprise": experience.surprise,
        "novelty": experience.novelty,
        "arousal": experience.arousal,
        "reward": experience.reward,
        "conflict": experience.conflict,
        "total": experience.total,
        "reason": experience.reason,
        "context": None if experience.context is None else json.dumps(dict(experience.context)),
        "text": experience.text,
        "place_frame": place.frame if place else None,
        "place_x": x,
        "place_y": y,
        "place_z": z,
        "place_orientation": np.asarray(place.orientation).tobytes() if place else None,
        "place_covariance": np.asarray(place.covariance).tobytes() if place else None,
        "payload_sha256": experience.payload_sha256,
        "payload_media_type": experience.payload_media_type,
        "covers": experience.covers,
        "pinned": int(experience.pinned),
        "schema_version": experience.schema_version,
    }


def sketch(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Sums of the 5x5 blocks of a puzzle, uint8 [6, 6].

    The L1 distance of two sketches is never greater than that of the puzzles: a search by puzzle
    may skip every experience whose sketch is too far away.
    """
    block = GRID // SKETCH_SIDE
    blocks = codes.reshape(SKETCH_SIDE, block, SKETCH_SIDE, block)
    return np.asarray(blocks.sum(axis=(1, 3), dtype=np.uint8))


def vector_rows(experience: Experience) -> list[dict[str, Any]]:
    """Values of the `vectors` table, one or two rows."""
    rows = [_vector_row(experience, schema.ROLE_PERCEPT)]
    if experience.text_embedding is not None:
        rows.append(_vector_row(experience, schema.ROLE_WORDS))
    return rows


def _vector_row(experience: Experience, role: str) -> dict[str, Any]:
    percept = role == schema.ROLE_PERCEPT
    vector = experience.embedding if percept else experience.text_embedding
    assert vector is not None
    blob = vector.tobytes()
    return {
        "experience_id": experience.id,
        "encoder_id": experience.encoder_id if percept else experience.text_encoder_id,
        "role": role,
        "dim": vector.size,
        "encoding": schema.ENCODING_FLOAT32,
        "vector": blob,
        "crc32": zlib.crc32(blob),
    }


def read_experience(row: Any, embedding: NDArray[np.float32]) -> Experience:
    """The experience of a row of the `experiences` table; `embedding` may be empty."""
    blank = bytes(GRID * GRID)
    codes = np.frombuffer(zlib.decompress(row.codes) if row.codes else blank, np.uint8)
    return Experience(
        start_ns=row.start_ns,
        end_ns=row.end_ns,
        modality=row.modality,
        source=row.source,
        codes=codes.reshape(GRID, GRID),
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
        place=_read_place(row),
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


def _read_context(text: str) -> dict[str, tuple[float, ...]]:
    return {modality: tuple(values) for modality, values in json.loads(text).items()}


def _read_place(row: Any) -> Place | None:
    if row.place_frame is None:
        return None
    x, y, z, w = np.frombuffer(row.place_orientation, np.float64).tolist()
    return Place(
        frame=row.place_frame,
        position=(row.place_x, row.place_y, row.place_z),
        orientation=(x, y, z, w),
        covariance=tuple(np.frombuffer(row.place_covariance, np.float64).tolist()),
    )
