"""What was recognised, as the writer takes it, and the names of a model's classes as a blob."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import LONGEST_NAME, MOST_CLASSES, Labels, check_labels
from sage_common.core.labels import check_vocabulary as check_names
from sage_memory.core.labels.encoding import encode

MOST_BYTES = 8 * LONGEST_NAME * MOST_CLASSES
"""Of the names of a vocabulary as JSON."""
Recognised = tuple[Labels, Sequence[str]]
"""What a model recognised, and the names of its classes in order."""


class PackedLabels(NamedTuple):
    """Labels of one model, proven.

    Attributes:
        model_id: of the model.
        vocabulary: names of its classes.
        blob: see `encoding`.
    """

    model_id: str
    vocabulary: tuple[str, ...]
    blob: bytes


def pack_labels(recognised: Sequence[Recognised]) -> tuple[PackedLabels, ...]:
    """What models recognised in one moment, proven.

    Raises:
        InvalidInput: names the field, its value, and what was expected.
    """
    packed = tuple(_packed(labels, names) for labels, names in recognised)
    models = [one.model_id for one in packed]
    if len(models) > len(set(models)):
        raise InvalidInput("model_id", models, "each model once")
    return packed


def _packed(labels: Labels, vocabulary: Sequence[str]) -> PackedLabels:
    try:
        names = tuple(vocabulary)
        pack_names(names)
    except TypeError:  # of no names
        names = check_names(vocabulary)
    check_labels(labels, len(names))
    return PackedLabels(labels.model_id, names, encode(labels))


@lru_cache(maxsize=16)
def pack_names(names: tuple[str, ...]) -> bytes:
    """Blob of the names of a vocabulary.

    Raises:
        InvalidInput: there are none or too many, or one of them is no name.
    """
    return zlib.compress(json.dumps(check_names(names)).encode())


@lru_cache(maxsize=16)
def unpack_names(blob: bytes) -> tuple[str, ...]:
    """The names in such a blob.

    Raises:
        InvalidInput: it is none.
    """
    try:
        reader = zlib.decompressobj()
        content = reader.decompress(blob, MOST_BYTES)
        if not reader.eof or reader.unused_data:
            raise ValueError("not whole")
        return check_names(json.loads(content))
    except (zlib.error, ValueError, RecursionError) as error:
        raise InvalidInput("vocabulary", blob, f"names of classes ({error})") from None
