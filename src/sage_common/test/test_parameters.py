"""Parameters: types, ranges, choices, unknown keys."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sage_common.core.parameters import (
    NodeParameters,
    ParameterError,
    ParameterSpec,
    build,
    parameter,
    specs,
)


@dataclass(frozen=True)
class Every(NodeParameters):
    flag: bool = parameter(True, doc="a flag")
    count: int = parameter(3, doc="how many", low=1, high=9)
    ratio: float = parameter(0.5, doc="share", unit="1", low=0.0, high=1.0)
    least: float = parameter(1.0, doc="lower bound only", unit="s", low=0.1)
    most: int = parameter(1, doc="upper bound only", high=5)
    mode: str = parameter("auto", doc="which", choices=("auto", "cpu"))
    names: tuple[str, ...] = parameter((), doc="names")
    gains: tuple[float, ...] = parameter((1.0,), doc="gains", low=0.0, high=2.0)


def test_defaults_and_inheritance():
    built = build(Every, {})
    assert built == Every()
    assert [spec.name for spec in specs(Every)][:3] == ["home", "resume", "checkpoint_period_s"]


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("flag", False, False),
        ("count", 9, 9),
        ("ratio", 1, 1.0),
        ("least", 1e9, 1e9),
        ("most", -7, -7),
        ("mode", "cpu", "cpu"),
        ("names", ["a", "b"], ("a", "b")),
        ("names", [], ()),
        ("gains", [0, 2.0], (0.0, 2.0)),
    ],
)
def test_good_values_are_converted(name, value, stored):
    got = getattr(build(Every, {name: value}), name)
    assert got == stored and type(got) is type(stored)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("flag", 1, "true or false"),
        ("flag", "true", "true or false"),
        ("count", True, "whole number from 1 to 9"),
        ("count", 2.0, "whole number from 1 to 9"),
        ("count", 0, "whole number from 1 to 9"),
        ("count", 10, "whole number from 1 to 9"),
        ("count", None, "whole number from 1 to 9"),
        ("ratio", 1.01, "number from 0 to 1 1"),
        ("ratio", math.nan, "number from 0 to 1 1"),
        ("ratio", "0.5", "number from 0 to 1 1; '0.5' is text in YAML, write 0.5"),
        ("least", 0.0, "number of at least 0.1 s"),
        ("least", math.inf, "number of at least 0.1 s"),
        ("most", 6, "whole number of at most 5"),
        ("mode", "cuda", "one of auto, cpu"),
        ("mode", 1, "one of auto, cpu"),
        ("names", "ab", "list of strings"),
        ("names", ["a", 1], "list of strings"),
        ("gains", [1.0, 3.0], "list of numbers from 0 to 2"),
        ("gains", [True], "list of numbers from 0 to 2"),
        ("gains", 1.0, "list of numbers from 0 to 2"),
    ],
)
def test_wrong_values_name_parameter_value_and_what_was_expected(name, value, expected):
    with pytest.raises(ParameterError) as caught:
        build(Every, {name: value})
    assert str(caught.value) == f"{name} = {value!r}: expected {expected}"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "ratio: 6e-1",
            "ratio = '6e-1': expected number from 0 to 1 1; '6e-1' is text in YAML, write 0.6",
        ),
        ("least: 6e1", "'6e1' is text in YAML, write 60.0"),
        ("least: '60'", "'60' is text in YAML, write 60.0"),
        ("count: 6e0", "'6e0' is text in YAML, write 6"),
        ("gains: [1.0, 1e0]", "'1e0' is text in YAML, write 1.0"),
        ("least: 1e-9", "write 0.000000001"),
    ],
)
def test_a_number_that_yaml_takes_for_text_is_named_with_what_to_write(line, said):
    with pytest.raises(ParameterError, match=re.escape(said)):
        build(Every, yaml.safe_load(line))


@pytest.mark.parametrize("value", ["sixty", "nan", "inf", "1e300", ""])
def test_other_text_is_no_number(value):
    with pytest.raises(ParameterError, match=r"expected number of at least 0\.1 s$"):
        build(Every, {"least": value})


@pytest.mark.parametrize(
    ("wrong", "nearest"), [("cuont", "count"), ("ratios", "ratio"), ("checkpoint", "checkpoint_p")]
)
def test_an_unknown_key_names_the_nearest_known_one(wrong, nearest):
    with pytest.raises(ParameterError, match=f"{wrong}: unknown parameter; .* is {nearest}"):
        build(Every, {wrong: 1})


def test_of_a_key_that_is_like_none_no_other_is_named():
    with pytest.raises(ParameterError, match=r"^nosuchparam: unknown parameter$"):
        build(Every, {"nosuchparam": 1})


def test_a_choice_that_is_empty_is_put_in_words():
    spec = ParameterSpec("host", str, "", "where it runs", choices=("", "thread", "process"))
    with pytest.raises(ParameterError, match=r"expected one of thread, process, or empty$"):
        spec.convert("moon")


@dataclass(frozen=True)
class Newer(NodeParameters):
    rate: float = parameter(60.0, doc="how often", unit="1/h", replaces=("floor", "limit"))


@pytest.mark.parametrize("old", ["floor", "limit"])
def test_the_key_of_an_older_version_says_what_stands_for_it_now(old):
    with pytest.raises(ParameterError) as caught:
        build(Newer, {old: 0.3})
    assert str(caught.value) == f"{old}: is now rate, another unit: how often [1/h]"


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_float_is_accepted_exactly_if_it_is_in_range(value):
    if 0.0 <= value <= 1.0:
        assert build(Every, {"ratio": value}).ratio == value
    else:
        with pytest.raises(ParameterError):
            build(Every, {"ratio": value})
