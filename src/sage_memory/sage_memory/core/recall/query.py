"""What can be asked of the memory, and what it answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import MOST_CLASSES
from sage_common.core.puzzle import CODES, GRID
from sage_common.core.relevance import Relevance
from sage_memory.core.experience import MAX_STAMP_NS, Experience, check_text
from sage_memory.core.identifiers import id_bytes, id_text

MAX_LIMIT = 1000
MAX_RADIUS_M = 1e300
_INTEGERS = (int, np.integer)
_NUMBERS = (float, int, np.floating, np.integer)
Made = TypeVar("Made")
ROLE_LABEL = "label"


@dataclass(frozen=True)
class Query:
    """What to look for. Every condition that is set must hold.

    Attributes:
        text: the words behind `text_embedding` and `labels`, for the reasons; it does not search
            by itself.
        text_embedding, text_encoder_id: meaning of words; finds what was said, and what was
            experienced while it was said.
        example, example_encoder_id: embedding of a percept; finds percepts that resemble it.
        example_id: 16 bytes, or their text; the same with an experience as the example, itself
            left out.
        example_codes: puzzle, uint8 [30, 30], each 0..9; finds the puzzles that differ least.
        alternatives: encoder id -> the meaning of the same words (without words: of the same
            example) as other models put it. Each is searched in its own space, and they are
            merged by how far an answer stands out there; scores are in the terms of the first.
        labels: model id -> how well each class of its vocabulary is what the words ask for,
            float32 [classes], [0, 1]. Finds what was recognised; beside a `text_embedding`, which
            then needs its `relevance`, both count, and scores are probabilities.
        start_ns, end_ns: the experience overlaps this span, inclusive; None: no bound.
        min_salience: least total salience, [0, 1].
        modality, source, entity, device_id: exactly this one; empty: any.
        place_frame, place, place_radius_m: experienced within this distance [m] of x, y, z [m]
            in this frame; a z of NaN: at any height. Empty and None: anywhere.
        covered: True: every moment that a summary covers answers for itself; False: of a summary
            and what it covers only the best one does, so that the others do not fill the list.
        newest_first: answers are all that fit (of more than 1000 the best that many), the newest
            first; where nothing tells what fits, those that would be answers without it.
        limit: most answers, 1..1000.
        with_embedding: answers carry the embedding of the percept.
        with_declined: also return what came close and which condition it failed.
        relevance: of the encoder of `text_embedding`: where words are all that is compared, what
            is below its floor is declined; None: the nearest, however far.
    """

    text: str = ""
    text_embedding: NDArray[np.float32] | None = None
    text_encoder_id: str = ""
    example: NDArray[np.float32] | None = None
    example_encoder_id: str = ""
    example_id: bytes | str = b""
    example_codes: NDArray[np.uint8] | None = None
    alternatives: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    labels: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    start_ns: int | None = None
    end_ns: int | None = None
    min_salience: float = 0.0
    modality: str = ""
    source: str = ""
    entity: str = ""
    device_id: str = ""
    place_frame: str = ""
    place: tuple[float, float, float] | None = None
    place_radius_m: float = 0.0
    covered: bool = False
    newest_first: bool = False
    limit: int = 10
    with_embedding: bool = False
    with_declined: bool = False
    relevance: Relevance | None = None


@dataclass(frozen=True)
class Part:
    """What one meaning of a query contributes to an answer.

    Attributes:
        name: of the meaning, in words; of a label `seen: NAME p` or `heard: NAME p`, with left,
            right, above, below or middle where it has a box.
        encoder_id: space of the comparison, or model of the label; empty: puzzles were compared.
        score: cosine, [-1, 1]; of puzzles 1 - difference / (9 * 900), of labels probability times
            fit, [0, 1].
        role: of the vector compared: percept, or words heard around it; `label` of a label.
    """

    name: str
    encoder_id: str
    score: float
    role: str


@dataclass(frozen=True)
class Answer:
    """An experience that was asked for.

    Attributes:
        experience: the whole record; `embedding` is empty unless asked for.
        score: mean of the scores of all meanings, [-1, 1]; total salience where no meaning was
            asked for; with `Query.labels` the probability that it is what was asked for.
        reason: why it is here, in words.
        payload_path: its file, or None.
        payload_note: why there is no file, in words; empty if there is one.
        rank: 1 for the best answer.
        parts: the score taken apart, one part a meaning.
        summary_id: the summary that covers it, 16 bytes; empty: none does.
    """

    experience: Experience
    score: float
    reason: str
    payload_path: Path | None
    payload_note: str
    rank: int = 0
    parts: tuple[Part, ...] = ()
    summary_id: bytes = b""

    @property
    def id(self) -> str:
        """Of the experience, as the commands print it."""
        return id_text(self.experience.id)


@dataclass(frozen=True)
class Declined:
    """An experience that came close in meaning and failed a condition; `reason` names which."""

    id: bytes
    score: float
    reason: str


@dataclass(frozen=True)
class Kept:
    """How many experiences were left after a condition, in the order in which they are tried."""

    condition: str
    count: int


@dataclass(frozen=True)
class Recalled:
    """Answers, and what there is to know about them.

    Attributes:
        answers: best first.
        declined: if asked for: the closest ones that failed a condition, the closest first.
        notes: what could not be compared, and why.
        kept: the filter, condition by condition.
    """

    answers: list[Answer]
    declined: list[Declined]
    notes: list[str]
    kept: tuple[Kept, ...] = ()

    def after(self, notes: Sequence[str]) -> Recalled:
        """The same, with notes on the question before its own."""
        return replace(self, notes=[*notes, *self.notes])


def made(kind: type[Made], **fields: Any) -> Made:
    """An `Answer` or `Part` of all its fields, set at once: many are made of each query."""
    record = object.__new__(kind)
    record.__dict__.update(fields)
    return record


def checked(query: Query) -> Query:
    """The query itself, all fields proven.

    Raises:
        InvalidInput: names the field, its value, and what was expected.
    """
    if not isinstance(query, Query):
        raise InvalidInput("query", query, "a Query")
    for name in ("covered", "newest_first", "with_embedding", "with_declined"):
        if not isinstance(getattr(query, name), bool | np.bool_):
            raise InvalidInput(name, getattr(query, name), "True or False")
    for name in ("text", "text_encoder_id", "example_encoder_id", "modality", "source", "entity",
                 "device_id", "place_frame"):  # fmt: skip
        check_text(name, getattr(query, name))
    if not (isinstance(query.example_id, bytes) and query.example_id == b""):
        id_bytes(query.example_id, "example_id")
    if not isinstance(query.limit, _INTEGERS) or not 1 <= query.limit <= MAX_LIMIT:
        raise InvalidInput("limit", query.limit, f"1..{MAX_LIMIT}")
    salience = query.min_salience
    if not isinstance(salience, _NUMBERS) or not 0.0 <= salience <= 1.0:  # nor is NaN
        raise InvalidInput("min_salience", query.min_salience, "a number in [0, 1]")
    for name in ("start_ns", "end_ns"):
        stamp = getattr(query, name)
        if stamp is None:
            continue
        if not isinstance(stamp, _INTEGERS) or not 0 <= stamp <= MAX_STAMP_NS:
            raise InvalidInput(name, stamp, "an integer, 0 to 2^63 - 1")
    if None not in (query.start_ns, query.end_ns) and query.start_ns > query.end_ns:  # type: ignore[operator]
        raise InvalidInput("start_ns", query.start_ns, f"at most end_ns = {query.end_ns}")
    for vector, name in (("text_embedding", "text_encoder_id"), ("example", "example_encoder_id")):
        if (getattr(query, vector) is None) != (getattr(query, name) == ""):
            raise InvalidInput(name, getattr(query, name), f"set exactly if {vector} is")
    _check_labels(query)
    if query.text and query.text_embedding is None and not query.labels:
        raise InvalidInput("text", query.text, "its text_embedding, too: words need it to search")
    if query.example_codes is not None:
        _check_codes(query.example_codes)
    meanings = (query.text_embedding, query.example, query.example_codes, query.example_id or None)
    if not isinstance(query.alternatives, Mapping):
        raise InvalidInput("alternatives", query.alternatives, "encoder id -> embedding")
    for encoder_id in query.alternatives:
        check_text("alternatives", encoder_id)
    if query.alternatives and (
        sum(meaning is not None for meaning in meanings) != 1 or query.example_codes is not None
    ):
        known = sorted(query.alternatives)
        raise InvalidInput("alternatives", known, "none but with one text or one example")
    _check_place(query)
    return query


def _check_labels(query: Query) -> None:
    if not isinstance(query.labels, Mapping):
        raise InvalidInput("labels", query.labels, "model id -> how well each class fits")
    for model_id, fits in query.labels.items():
        check_text("labels", model_id)
        is_row = isinstance(fits, np.ndarray) and fits.dtype == np.float32 and fits.ndim == 1
        if not is_row or not 1 <= fits.size <= MOST_CLASSES:
            expected = f"float32 (classes,), 1 to {MOST_CLASSES} of them"
            raise InvalidInput(f"labels[{model_id!r}]", fits, expected)
        if not (fits.min() >= 0.0 and fits.max() <= 1.0):  # nor is NaN
            raise InvalidInput(f"labels[{model_id!r}]", fits, "numbers in [0, 1]")
    examples = (query.example, query.example_codes, query.example_id or None)
    if query.labels and any(example is not None for example in examples):
        raise InvalidInput("labels", sorted(query.labels), "none beside an example")
    if query.labels and query.text_embedding is not None and query.relevance is None:
        raise InvalidInput("relevance", None, "that of the text's encoder: labels are beside it")


def _check_codes(codes: NDArray[np.uint8]) -> None:
    if not isinstance(codes, np.ndarray):
        raise InvalidInput("example_codes", codes, f"uint8 ({GRID}, {GRID})")
    if codes.shape != (GRID, GRID) or codes.dtype != np.uint8:
        found = f"{codes.dtype} {codes.shape}"
        raise InvalidInput("example_codes", found, f"uint8 ({GRID}, {GRID})")
    if int(codes.max()) >= CODES:
        raise InvalidInput("example_codes.max()", int(codes.max()), f"at most {CODES - 1}")


def _check_place(query: Query) -> None:
    if (query.place is None) != (query.place_frame == ""):
        raise InvalidInput("place_frame", query.place_frame, "set exactly if place is")
    if query.place is None:
        return
    try:
        x, y, z = map(float, query.place)
        fits = math.isfinite(x) and math.isfinite(y) and not math.isinf(z)
    except (TypeError, ValueError, OverflowError):
        fits = False
    if not fits:
        raise InvalidInput("place", query.place, "finite x and y; z finite, or NaN: any height")
    radius = query.place_radius_m
    if not isinstance(radius, _NUMBERS) or not 0.0 < radius <= MAX_RADIUS_M:
        raise InvalidInput("place_radius_m", radius, "a finite number above 0")
