"""Labels as blobs of the store: 46 bytes for ten classes, 8 more for a box.

A blob is a version, how many labels there are, and which of them have a box (bits, the first label
lowest); then uint16 numbers of classes, uint16 probabilities, and for each box uint16 left, top,
width and height in 65,535ths, all little-endian. A probability is kept as its logarithm, to 1 part
in 4,700: code q is exp(-14 q / 65534), so that 0.001 and 0.0012 stay apart; code 65535 is 0.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import MOST_LABELS, Box, Label, Labels

VERSION = 1
HEAD = struct.Struct("<BBI")
BOX = struct.Struct("<4H")
EDGE = 65535
NEVER = 65535
"""Code of a probability of 0."""
RANGE = 14.0
"""Logarithm of 1 over the smallest probability that is not 0, about 8e-7."""
STEPS = NEVER - 1


def probabilities() -> NDArray[np.float32]:
    """The probability of each code, float32 [65536]."""
    table = np.exp(np.arange(NEVER + 1) * (-RANGE / STEPS))
    table[NEVER] = 0.0
    return np.asarray(table, np.float32)


class Decoded(NamedTuple):
    """Labels of many blobs.

    Attributes:
        blobs: int32 [n], which blob a label is of.
        numbers: uint16 [n], of classes.
        codes: uint16 [n], of probabilities.
    """

    blobs: NDArray[np.int32]
    numbers: NDArray[np.uint16]
    codes: NDArray[np.uint16]


def encode(labels: Labels) -> bytes:
    """Blob of checked labels."""
    found = labels.labels
    boxed = sum(1 << place for place, label in enumerate(found) if label.box is not None)
    count = len(found)
    values = [int(label.number) for label in found] + [_code(label.probability) for label in found]
    boxes = [BOX.pack(*_edges(label.box)) for label in found if label.box is not None]
    return (
        HEAD.pack(VERSION, count, boxed) + struct.pack(f"<{2 * count}H", *values) + b"".join(boxes)
    )


def decode(blob: bytes) -> tuple[Label, ...]:
    """The labels of a blob, best first.

    Raises:
        InvalidInput: it is none, or of a later version.
    """
    count, boxed = _head(blob)
    values = struct.unpack_from(f"<{2 * count}H", blob, HEAD.size)
    boxes = BOX.iter_unpack(blob[HEAD.size + 4 * count :])
    codes = values[count:]
    if any(before > after for before, after in pairwise(codes)):
        raise InvalidInput("labels", blob, "probabilities that do not rise")
    return tuple(
        Label(number, _probability(code), _box(next(boxes)) if boxed >> place & 1 else None)
        for place, (number, code) in enumerate(zip(values[:count], codes, strict=True))
    )


def decode_all(blobs: Sequence[bytes]) -> Decoded:
    """Classes and probabilities of many blobs.

    Raises:
        InvalidInput: one of them is none.
    """
    counts = np.array([_head(blob)[0] for blob in blobs], np.int64)
    sizes = np.array([len(blob) for blob in blobs], np.int64)
    owners = np.repeat(np.arange(len(blobs), dtype=np.int32), counts)
    firsts = np.cumsum(counts) - counts
    within = np.arange(len(owners)) - firsts[owners]
    places = (np.cumsum(sizes) - sizes)[owners] + HEAD.size + 2 * within
    joined = np.frombuffer(b"".join(blobs), np.uint8)

    def values_at(where: NDArray[np.int64]) -> NDArray[np.uint16]:
        low, high = joined[where], joined[where + 1].astype(np.uint16)
        return np.asarray(low | high << 8, np.uint16)

    return Decoded(owners, values_at(places), values_at(places + 2 * counts[owners]))


def _head(blob: bytes) -> tuple[int, int]:
    """How many labels a blob has, and which of them have a box."""
    if len(blob) >= HEAD.size:
        version, count, boxed = HEAD.unpack_from(blob)
        size = HEAD.size + 4 * count + BOX.size * boxed.bit_count()
        if version == VERSION and count <= MOST_LABELS and not boxed >> count and size == len(blob):
            return count, boxed
    raise InvalidInput("labels", blob, f"labels in form {VERSION}")


def _code(probability: float) -> int:
    if probability <= 0.0:
        return NEVER
    return min(round(-math.log(probability) * (STEPS / RANGE)), STEPS)


def _probability(code: int) -> float:
    return 0.0 if code == NEVER else math.exp(code * (-RANGE / STEPS))


def _edges(box: Box) -> tuple[int, int, int, int]:
    left, top, right, bottom = (
        min(round(share * EDGE), EDGE)
        for share in (box[0], box[1], box[0] + box[2], box[1] + box[3])
    )
    return left, top, right - left, bottom - top


def _box(edges: tuple[int, ...]) -> Box:
    left, top, width, height = (edge / EDGE for edge in edges)
    return left, top, width, height
