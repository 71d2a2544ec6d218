"""A moment that was kept, and what is kept with it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import CODES, GRID

DIMENSIONS = ("surprise", "novelty", "arousal", "reward", "conflict")
SHARES = (*DIMENSIONS, "total")
MAX_STAMP_NS = 2**63 - 1
MAX_TEXT = 16384
MAX_NAME = 128
MAX_DEVICE = 64
MAX_COVERS = 2**31 - 1
MAX_EMBEDDING = 65536
UNIT_TOLERANCE = 1e-5
DIGEST = re.compile(r"[0-9a-f]{64}")
"""A SHA-256. Payload files are named after it: no other name may lead out of their folder."""
MEDIA_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+")
_shares = attrgetter(*SHARES)
_INTEGERS = (int, np.integer)
_ALL_CODES = bytes(range(CODES))
_NUMBERS = (float, int, np.floating, np.integer)


@dataclass(frozen=True)
class Place:
    """Where it happened.

    Attributes:
        frame: coordinate frame.
        position: x, y, z [m].
        orientation: quaternion x, y, z, w.
        covariance: row-major 6x6 of x, y, z, and rotations about them, 36 values.
    """

    frame: str
    position: tuple[float, float, float]
    orientation: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)
    covariance: tuple[float, ...] = (0.0,) * 36


@dataclass(frozen=True)
class Payload:
    """The verbatim sensor data of a moment: encoded bytes, and what they are (`image/webp`)."""

    data: bytes
    media_type: str


@dataclass(frozen=True)
class Experience:
    """A moment.

    Fields of the last group are set by the store; leave them as they are when remembering.

    Attributes:
        start_ns, end_ns: first and last sample covered [ns].
        modality, source: of the percept.
        codes: puzzle, uint8 [30, 30], each 0..9.
        embedding: float32 [D] of the percept, any length but 0; stored with unit length.
        encoder_id: model and version that made `codes` and `embedding`.
        surprise, novelty, arousal, reward, conflict, total: [0, 1].
        reason: why it is kept.
        text: words heard or read around it; may be empty.
        text_embedding: float32 [D] of `text`, or None.
        text_encoder_id: model and version that made `text_embedding`; empty without one.
        place: where, if known well enough.
        entity: who or what it is about or from: a speaker, a person, an object; may be empty.
        context: modality -> the five `DIMENSIONS` of every live modality then; None: unknown.
        covers: moments that this summary stands for; 0: it is a moment itself.
        pinned: never consolidated, never evicted.
        id: UUIDv7, 16 bytes.
        device_id: device on which it was experienced.
        payload_sha256, payload_media_type: empty if none was kept.
        schema_version: of the store that wrote it.
    """

    start_ns: int
    end_ns: int
    modality: str
    source: str
    codes: NDArray[np.uint8]
    embedding: NDArray[np.float32]
    encoder_id: str
    surprise: float
    novelty: float
    arousal: float
    reward: float
    conflict: float
    total: float
    reason: str = ""
    text: str = ""
    text_embedding: NDArray[np.float32] | None = None
    text_encoder_id: str = ""
    place: Place | None = None
    entity: str = ""
    context: Mapping[str, tuple[float, ...]] | None = None
    covers: int = 0
    pinned: bool = False
    id: bytes = b""
    device_id: str = ""
    payload_sha256: str = ""
    payload_media_type: str = ""
    schema_version: int = 0


def changed(experience: Experience, **fields: Any) -> Experience:
    """The same experience with other values in `fields`, not checked.

    `dataclasses.replace` passes every field through the constructor, which takes twenty times as
    long as remembering can spare.
    """
    copy = object.__new__(type(experience))
    object.__setattr__(copy, "__dict__", experience.__dict__ | fields)
    return copy


def checked(experience: Experience) -> Experience:
    """The same experience with embeddings of unit length, all fields proven.

    It shares nothing that its maker may still write to.

    Raises:
        InvalidInput: names the field, its value, and what was expected.
    """
    if not isinstance(experience, Experience):
        raise InvalidInput("experience", experience, "an Experience")
    if not isinstance(experience.id, bytes) or experience.id:
        raise InvalidInput("id", experience.id, "empty: the store gives it")
    for field, stamp in (("start_ns", experience.start_ns), ("end_ns", experience.end_ns)):
        if not isinstance(stamp, _INTEGERS):
            raise InvalidInput(field, stamp, "an integer")
    if not 0 <= experience.start_ns <= experience.end_ns <= MAX_STAMP_NS:
        span = (experience.start_ns, experience.end_ns)
        raise InvalidInput("start_ns, end_ns", span, "0 <= start_ns <= end_ns < 2^63")
    for field in ("modality", "source", "encoder_id"):
        _check_name(field, getattr(experience, field))
    for field, value in zip(SHARES, _shares(experience), strict=True):
        if not isinstance(value, _NUMBERS) or not 0.0 <= value <= 1.0:  # nor is NaN
            raise InvalidInput(field, value, "a number in [0, 1]")
    for field, text in (("text", experience.text), ("reason", experience.reason)):
        check_text(field, text)
        if len(text) > MAX_TEXT:
            raise InvalidInput(f"len({field})", len(text), f"at most {MAX_TEXT} characters")
    codes = _array("codes", experience.codes)
    if codes.shape != (GRID, GRID) or codes.dtype != np.uint8:
        raise InvalidInput("codes", f"{codes.dtype} {codes.shape}", f"uint8 ({GRID}, {GRID})")
    if codes.tobytes().translate(None, _ALL_CODES):
        raise InvalidInput("codes.max()", int(codes.max()), f"at most {CODES - 1}")
    check_text("entity", experience.entity)
    if len(experience.entity) > MAX_NAME:
        raise InvalidInput("len(entity)", len(experience.entity), f"at most {MAX_NAME} characters")
    covers = experience.covers
    if not isinstance(covers, _INTEGERS) or not 0 <= covers <= MAX_COVERS:
        raise InvalidInput("covers", covers, f"an integer, 0 to {MAX_COVERS}")
    if not isinstance(experience.pinned, bool | np.bool_):
        raise InvalidInput("pinned", experience.pinned, "True or False")
    _check_payload_names(experience.payload_sha256, experience.payload_media_type)
    if experience.context is not None:
        _check_context(experience.context)
    words = experience.text_embedding
    check_text("text_encoder_id", experience.text_encoder_id)
    if (words is None) != (experience.text_encoder_id == ""):
        raise InvalidInput(
            "text_encoder_id", experience.text_encoder_id, "set exactly if text_embedding is"
        )
    if words is not None:
        _check_name("text_encoder_id", experience.text_encoder_id)
        words = unit_vector("text_embedding", words)
    if experience.place is not None:
        check_place(experience.place)
    embedding = unit_vector("embedding", experience.embedding)
    if codes.flags.writeable:
        codes = codes.copy()
    return changed(experience, codes=codes, embedding=embedding, text_embedding=words)


def _check_payload_names(sha256: Any, kind: Any) -> None:
    if not isinstance(sha256, str) or (sha256 and not DIGEST.fullmatch(sha256)):
        raise InvalidInput("payload_sha256", sha256, "64 hexadecimal digits, or empty")
    if not sha256 and isinstance(kind, str) and not kind:
        return
    if not (isinstance(kind, str) and len(kind) <= MAX_NAME and MEDIA_TYPE.fullmatch(kind)):
        raise InvalidInput("payload_media_type", kind, "type/subtype, for instance image/webp")


def check_payload(payload: Payload) -> None:
    """Prove a payload.

    Raises:
        InvalidInput: names the field, its value, and what was expected.
    """
    if not isinstance(payload, Payload):
        raise InvalidInput("payload", payload, "a Payload")
    if not isinstance(payload.data, bytes) or not payload.data:
        raise InvalidInput("payload.data", payload.data, "bytes, at least one")
    kind = payload.media_type
    if not isinstance(kind, str) or len(kind) > MAX_NAME or not MEDIA_TYPE.fullmatch(kind):
        raise InvalidInput("payload.media_type", kind, "type/subtype, for instance image/webp")


def check_text(field: str, text: Any) -> None:
    """Prove that a text can be stored.

    Raises:
        InvalidInput: it is no text, or has lone surrogates.
    """
    if not isinstance(text, str):
        raise InvalidInput(field, text, "a text")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InvalidInput(field, text, "valid UTF-8") from None


def unit_vector(field: str, values: Any) -> NDArray[np.float32]:
    """Float32 [D] of length 1; a vector that has it already keeps its bits.

    Raises:
        InvalidInput: no numbers, not one-dimensional, empty, not finite, or of length 0.
    """
    if not isinstance(values, np.ndarray) or values.dtype != np.float32:
        values = _array(field, values)
        if values.dtype.kind not in "fiub":
            raise InvalidInput(field, f"{values.dtype} {values.shape}", "an array of numbers")
    with np.errstate(over="ignore"):  # what is too large is infinite, and refused below
        vector = np.ascontiguousarray(values, dtype=np.float32)
    if vector.ndim != 1 or not 1 <= vector.size <= MAX_EMBEDDING:
        raise InvalidInput(f"{field}.shape", vector.shape, f"(D,) with D in 1..{MAX_EMBEDDING}")
    if abs(float(np.dot(vector, vector)) - 1.0) <= UNIT_TOLERANCE:
        return vector  # its length is within half the tolerance
    length = float(np.sqrt(np.dot(vector.astype(np.float64), vector)))
    if not math.isfinite(length):
        raise InvalidInput(field, "NaN or infinity", "finite numbers")
    if length == 0.0:
        raise InvalidInput(f"|{field}|", length, "a length above 0")
    if abs(length - 1.0) > UNIT_TOLERANCE:
        vector = (vector / length).astype(np.float32)
    return vector


def _array(field: str, values: Any) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidInput(field, values, f"an array ({error})") from None


def _check_context(context: Any) -> None:
    if not isinstance(context, Mapping):
        raise InvalidInput("context", context, "modality -> five numbers in [0, 1], or None")
    for modality, row in context.items():
        check_text("context", modality)
        fits = isinstance(row, Sequence | np.ndarray) and len(row) == len(DIMENSIONS)
        if not fits or not all(isinstance(v, _NUMBERS) and 0.0 <= v <= 1.0 for v in row):
            raise InvalidInput(f"context[{modality!r}]", row, "five numbers in [0, 1]")


def _check_name(field: str, value: str) -> None:
    check_text(field, value)
    if not 1 <= len(value) <= MAX_NAME:
        raise InvalidInput(field, value, f"1 to {MAX_NAME} characters")


def check_place(place: Place) -> None:
    """Prove a place.

    Raises:
        InvalidInput: names the field, its value, and what was expected.
    """
    if not isinstance(place, Place):
        raise InvalidInput("place", place, "a Place, or None")
    _check_name("place.frame", place.frame)
    for field, size in (("position", 3), ("orientation", 4), ("covariance", 36)):
        values = getattr(place, field)
        try:
            fits = len(values) == size and _all_finite(values)
        except (TypeError, ValueError, OverflowError):
            fits = False
        if not fits:
            raise InvalidInput(f"place.{field}", values, f"{size} finite numbers")


def _all_finite(values: Sequence[float]) -> bool:
    """Whether none of them is NaN or infinite: then their sum is neither, unless it overflows."""
    return math.isfinite(sum(values)) or all(map(math.isfinite, values))
