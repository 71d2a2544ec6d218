"""Examples of a taught word as a blob: a version, how many there are, of how many features each;
then of each the id of the experience that it is of (zeros: of none) and its features as int8.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_memory.core.engine.schema import ENCODING_INT8
from sage_memory.core.experience import MAX_EMBEDDING, unit_vector
from sage_memory.core.identifiers import ID_BYTES
from sage_memory.core.rows.encoded_vectors import (
    SCALE_BYTES,
    decode,
    encode_int8,
    rounded_to_int8,
)

VERSION = 1
HEAD = struct.Struct("<BBI")
MOST_EXAMPLES = 32
NONE = bytes(ID_BYTES)


@dataclass(frozen=True, eq=False)
class Example:
    """What shows a word; made by `of`.

    Attributes:
        features: float32 [D] of nearly length 1, as they come back from the store.
        experience_id: 16 bytes of the experience that it is of; empty: it came from a file.
    """

    features: NDArray[np.float32]
    experience_id: bytes = b""

    @classmethod
    def of(cls, features: NDArray[np.float32], experience_id: bytes = b"") -> Example:
        """An example with such features, of any length but 0.

        Raises:
            InvalidInput: no vector of finite numbers, or no id.
        """
        if len(experience_id) not in (0, ID_BYTES):
            raise InvalidInput("experience_id", experience_id, f"{ID_BYTES} bytes, or none")
        return cls(rounded_to_int8(unit_vector("features", features)[None])[0], experience_id)


def pack_examples(examples: Sequence[Example]) -> bytes:
    """The blob of examples, one or more, of equally many features."""
    vectors = encode_int8(np.stack([example.features for example in examples]))
    head = HEAD.pack(VERSION, len(examples), examples[0].features.size)
    pairs = zip(examples, vectors, strict=True)
    return head + b"".join((example.experience_id or NONE) + vector for example, vector in pairs)


def unpack_examples(blob: bytes) -> tuple[Example, ...]:
    """The examples in a blob.

    Raises:
        InvalidInput: it is none, or of a later version.
    """
    if len(blob) >= HEAD.size:
        version, count, dim = HEAD.unpack_from(blob)
        size = ID_BYTES + SCALE_BYTES + dim
        fits = 1 <= count <= MOST_EXAMPLES and 1 <= dim <= MAX_EMBEDDING
        if version == VERSION and fits and len(blob) == HEAD.size + count * size:
            starts = range(HEAD.size, len(blob), size)
            return tuple(_example(blob[start : start + size], dim) for start in starts)
    raise InvalidInput("examples", blob, f"examples in form {VERSION}")


def _example(part: bytes, dim: int) -> Example:
    identifier = part[:ID_BYTES]
    features = decode(ENCODING_INT8, dim, part[ID_BYTES:])
    unit_vector("features", features)
    return Example(features, b"" if identifier == NONE else identifier)
