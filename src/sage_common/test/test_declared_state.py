"""Declared state is packed whole, restored whole, and refused whole."""

from __future__ import annotations

import enum
import json
import re
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from sage_common.core.errors import CannotContinue, InvalidInput
from sage_common.core.state.fields import Fixed, State, Transient, Variable, renamed
from sage_common.core.state.packing import VALUES, pack
from sage_common.core.state.ranges import (
    FINITE,
    NOT_NEGATIVE,
    SHARE,
    Count,
    NotNegative,
    Positive,
    Range,
    Share,
)
from sage_common.core.state.restoring import unpack
from sage_common.core.state.stateful import Stateful


class Mode(enum.Enum):
    IDLE = "idle"
    BUSY = "busy"


class Mark(NamedTuple):
    stamp_ns: int
    vector: NDArray[np.float32]


@dataclass(frozen=True)
class Note:
    text: str
    marks: tuple[Mark, ...]
    weight: float = 1.0


class Part(Stateful):
    old_keys = renamed(scalars=("count", "mean"))
    count: State[int] = 0
    mean: State[float] = 0.0
    seen: Transient[int] = 0

    def __init__(self, size: int = 3) -> None:
        self.size = size

    def restored(self) -> None:
        self.doubled = 2 * self.count


class Whole(Stateful):
    names: Fixed[tuple[str, ...]]
    rows: State[NDArray[np.float64]]
    tail: State[Variable]
    parts: State[dict[str, Part]]
    chain: State[list[Part]]
    made: State[Part | None] = None
    notes: State[deque[Note]]
    spans: State[OrderedDict[str, tuple[int, float | None]]]
    content: State[bytes | None] = None
    mode: State[Mode] = Mode.IDLE
    known: State[set[str]]
    rng: State[np.random.Generator]
    heard: Transient[Part]
    held = False

    def __init__(self, names: tuple[str, ...] = ("a", "b")) -> None:
        self.names = names
        self.rows = np.zeros((2, 3))
        self.tail = np.zeros(0, np.float32)
        self.parts = {name: Part() for name in names}
        self.chain = [Part(), Part()]
        self.notes = deque(maxlen=3)
        self.spans = OrderedDict()
        self.known = set()
        self.rng = np.random.default_rng(1)
        self.heard = Part()

    def make_part(self, key: str, values: Any) -> Part:
        return Part()

    def check_can_suspend(self) -> None:
        if self.held:
            raise CannotContinue("a hand is held")


def filled() -> Whole:
    """One with something in every attribute."""
    whole = Whole()
    whole.rows += np.pi
    whole.tail = np.arange(5, dtype=np.float32)
    whole.parts["b"].count, whole.parts["b"].mean, whole.parts["b"].seen = 7, float("nan"), 8
    whole.chain[1].mean = 0.1
    whole.made = Part()
    whole.made.count = 4
    for number in range(5):
        marks = (Mark(number, np.full(2, number, np.float32)),)
        whole.notes.append(Note(f"note {number}", marks))
    whole.spans["x"] = (1, None)
    whole.spans["w"] = (2, 0.5)
    whole.content = bytes(range(100))
    whole.mode = Mode.BUSY
    whole.known = {"one", "two"}
    whole.rng.normal(size=3)
    whole.heard.count = whole.heard.seen = 9
    return whole


def same(one: dict[str, NDArray[Any]], other: dict[str, NDArray[Any]]) -> bool:
    """Whether two states are equal, byte by byte."""
    return {k: v.tobytes() for k, v in one.items()} == {k: v.tobytes() for k, v in other.items()}


def test_what_is_packed_comes_back_bit_by_bit() -> None:
    whole, other = filled(), Whole()
    unpack(other, pack(whole))
    assert same(pack(other), pack(whole))
    assert other.rng.normal() == whole.rng.normal()
    assert other.notes.maxlen == 3 and [note.text for note in other.notes] == [
        "note 2", "note 3", "note 4",
    ]  # fmt: skip
    assert list(other.spans) == ["x", "w"] and other.mode is Mode.BUSY
    assert other.parts["b"].doubled == 14
    assert other.made is not None and other.made.count == 4


def test_learned_state_is_without_what_is_transient() -> None:
    whole, other = filled(), Whole()
    other.restore(whole.state())
    assert same(other.state(), whole.state())
    assert (other.heard.count, other.parts["b"].seen, other.parts["b"].count) == (0, 0, 7)
    assert "heard" not in json.loads(whole.state()[VALUES].tobytes())


def test_a_packed_state_does_not_change_with_the_original() -> None:
    whole = filled()
    packed = pack(whole)
    whole.rows += 1
    whole.tail += 1
    assert packed["rows"][0, 0] == np.pi and packed["tail"][1] == 1


def test_what_cannot_be_written_down_is_said_before_anything_is() -> None:
    whole = filled()
    whole.held = True
    assert whole.state()
    with pytest.raises(CannotContinue, match="a hand"):
        pack(whole)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("parts", "b", "count"), "7", "parts.b.count = '7': expected a int"),
        (("parts", "b", "count"), True, "parts.b.count = True: expected a int"),
        (("mode",), "asleep", "mode = 'asleep': expected one of"),
        (("chain",), [], "chain = '0 parts': expected 2"),
        (("names",), ["a", "c"], "names = .*: expected .*'b'"),
        (("notes", 0), {"text": "x"}, "notes.0 = .*expected the fields text, marks, weight"),
        (("spans", "x"), [1], "spans.x = '1 items': expected 2"),
        (("parts",), 3, "parts = 3: expected a mapping"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name_and_nothing_is_changed(
    path: tuple[Any, ...], value: object, said: str
) -> None:
    state = filled().state()
    values = json.loads(state[VALUES].tobytes())
    inner = values
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    state[VALUES] = np.frombuffer(json.dumps(values).encode(), np.uint8)
    other = Whole()
    fresh = other.state()
    with pytest.raises(InvalidInput, match=said):
        other.restore(state)
    assert same(other.state(), fresh)


class Grown(Part):
    new_keys = frozenset({"spread", "inner"})
    spread: State[float] = 0.5
    inner: State[Part]

    def __init__(self) -> None:
        super().__init__()
        self.inner = Part()


@pytest.mark.parametrize(
    "old", [Part().state(), {"scalars": np.array([7.0, 0.25])}], ids=["fields", "arrays"]
)
def test_what_was_added_since_begins_anew(old: dict[str, NDArray[Any]]) -> None:
    grown, part = Grown(), Part()
    part.restore(old)
    grown.restore(old)
    assert (grown.count, grown.mean) == (part.count, part.mean)
    assert (grown.spread, grown.inner.count) == (0.5, 0)


def test_what_was_not_added_since_must_be_there() -> None:
    state = Grown().state()
    values = json.loads(state[VALUES].tobytes())
    del values["count"], values["spread"]
    state[VALUES] = np.frombuffer(json.dumps(values).encode(), np.uint8)
    with pytest.raises(InvalidInput, match="count is missing"):
        Grown().restore(state)


def test_what_an_older_version_did_not_write_takes_its_default() -> None:
    state = filled().state()
    values = json.loads(state[VALUES].tobytes())
    for note in values["notes"]:
        del note["weight"]
    state[VALUES] = np.frombuffer(json.dumps(values).encode(), np.uint8)
    other = Whole()
    other.restore(state)
    assert [note.weight for note in other.notes] == [1.0] * 3


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((3, 3)), r"rows = 'shape \[3, 3\]': expected \[2, 3\]"),
        (np.zeros((2, 3), np.float32), "rows = 'float32': expected float64"),
        (None, "rows is missing"),
    ],
)
def test_a_wrong_array_is_refused_by_its_name(array: Any, said: str) -> None:
    state = filled().state()
    del state["rows"]
    if array is not None:
        state["rows"] = array
    with pytest.raises(InvalidInput, match=said):
        Whole().restore(state)


def test_a_subclass_that_narrows_a_type_keeps_the_declaration() -> None:
    class Narrow(Part):
        count: int

    narrow = Narrow()
    narrow.count = 3
    other = Narrow()
    other.restore(narrow.state())
    assert other.count == 3


def test_numbers_of_an_old_array_are_found() -> None:
    part = Part()
    part.restore({"scalars": np.array([3.0, 0.25])})
    assert (part.count, part.mean, part.doubled) == (3, 0.25, 6)
    with pytest.raises(InvalidInput, match="count is missing"):
        part.restore({"other": np.zeros(2)})


@pytest.mark.parametrize("state", [None, [], "", 3, np.zeros(2)])
def test_what_is_no_mapping_of_arrays_is_refused(state: Any) -> None:
    with pytest.raises(InvalidInput, match=r"state = .*: expected a mapping of names to arrays"):
        Whole().restore(state)
    with pytest.raises(InvalidInput, match="expected a mapping of names to arrays"):
        Stateful().restore(state)


def test_a_state_without_anything_fits_what_declares_nothing_only() -> None:
    Stateful().restore(Stateful().state())
    with pytest.raises(InvalidInput, match=r"state = \{\}: expected that of a Part"):
        Part().restore({})


def test_an_array_that_is_none_is_refused_by_its_name() -> None:
    with pytest.raises(InvalidInput, match="rows = None: expected an array"):
        Whole().restore({**filled().state(), "rows": None})  # type: ignore[dict-item]


class Bounded(Stateful):
    count: State[Count] = 0
    share: State[Share] = 0.5
    rate: State[Positive] = 1.0
    level: State[Annotated[float, Range(-2.0, 2.0)]] = 0.0
    variances: State[Annotated[NDArray[np.float64], NOT_NEGATIVE]]
    means: State[Annotated[NDArray[np.float64], FINITE]]
    waits: State[Annotated[NDArray[np.float64], Range(0.0, float("inf"))]]
    recent: State[list[NotNegative]]
    shares: State[dict[str, Annotated[NDArray[np.float64], SHARE]]]
    first: State[int] = 0
    last: State[int] = 0

    def __init__(self) -> None:
        self.variances, self.means = np.ones(2), np.zeros(2)
        self.waits = np.full(2, np.inf)
        self.recent = [0.0, 1.5]
        self.shares = {"a": np.array([0.0, 1.0])}

    def check_values(self, values: Any) -> None:
        if values["last"] < values["first"]:
            raise InvalidInput("last", values["last"], f"not before {values['first']}")


class Holder(Stateful):
    inner: State[Bounded]

    def __init__(self) -> None:
        self.inner = Bounded()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("count", -1, "count = -1: expected a number of at least 0"),
        ("share", 1.5, "share = 1.5: expected a number of at least 0, at most 1"),
        ("share", float("nan"), "share = nan: expected a number of at least 0, at most 1"),
        ("rate", 0.0, "rate = 0.0: expected a number above 0"),
        ("rate", float("inf"), "rate = inf: expected a number above 0, finite"),
        ("level", -2.1, "level = -2.1: expected a number of at least -2, at most 2"),
        ("variances", np.array([1.0, -4.0]), "variances = -4.0: expected numbers of at least 0"),
        ("means", np.array([np.inf, 0.0]), "means = inf: expected numbers of any finite size"),
        ("waits", np.array([np.inf, -1.0]), "waits = -1.0: expected numbers of at least 0"),
        ("recent", [0.1, -0.1], "recent.1 = -0.1: expected a number of at least 0"),
        ("shares.a", np.array([0.0, 2.0]), "shares.a = 2.0: expected numbers of at least 0, at"),
        ("first", 4, "last = 0: expected not before 4"),
    ],
)
def test_numbers_out_of_their_range_are_refused_by_name_and_nothing_is_changed(
    name: str, value: Any, said: str
) -> None:
    state = Holder().state()
    if isinstance(value, np.ndarray):
        assert f"inner.{name}" in state
        state[f"inner.{name}"] = value
    else:
        values = json.loads(state[VALUES].tobytes())
        values["inner"][name] = value
        state[VALUES] = np.frombuffer(json.dumps(values).encode(), np.uint8)
    other = Holder()
    other.inner.count = 3
    before = other.state()
    with pytest.raises(InvalidInput, match=re.escape(f"inner.{said}")):
        other.restore(state)
    assert same(other.state(), before)
    other.restore(Holder().state())
    assert other.inner.count == 0
