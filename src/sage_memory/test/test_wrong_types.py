"""A value of a wrong type or size gets `InvalidInput` that names its field; the store goes on."""

from __future__ import annotations

import warnings
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sage_common.core.errors import InvalidInput
from sage_memory import Experience, Memory, Payload, Place, Query
from sage_memory.core.errors import MemoryFailure
from sage_memory.core.sleep.options import SleepOptions

FIVE = (1, 2, 3, 4, 5)
WRONG: list[Any] = [
    None, True, -1, 2**70, -(2**70), 1.5, float("nan"), float("inf"), 10**400, "", "x", "\ud800",
    b"", b"x" * 16, [], {}, [1, 2], ["a"], {"a": 1}, {"a": FIVE}, {"a": ("x",) * 5},
    {1: (0, 0, 0, 0, 0)}, {"a": (None,) * 5}, object(), np.zeros(3), np.array("x"),
    np.zeros((30, 30), np.uint8), np.array([1 + 2j]), np.int64(3), np.float32(0.5),
    Place("", (0, 0, 0)), Place("m", None), Place("m", (0, 0, "x")), Place("m", (0, 0, 10**400)),
    Place("m", (0, 0, 0), None), Place("m", (0, 0, 1e308), (0, 0, 0, 1), ("x",) * 36),
]  # fmt: skip
ASKED = Query(
    text="a",
    text_embedding=np.ones(4, np.float32),
    text_encoder_id="w",
    example=np.ones(16, np.float32),
    example_encoder_id="vision-1-abc",
    place_frame="map",
    place=(0.0, 0.0, 0.0),
    place_radius_m=1.0,
)


def refused_or_fine(action: Any) -> None:
    """Only SAGE's own errors come; NumPy's warnings are not of interest here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            action()
        except (InvalidInput, MemoryFailure) as error:
            assert str(error)


def test_no_field_of_an_experience_breaks_the_store(tmp_path: Path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        for field in fields(Experience):
            for value in WRONG:
                wrong = replace(experience(1), **{field.name: value})
                refused_or_fine(lambda wrong=wrong: memory.remember(wrong).result())
        for value in WRONG:
            refused_or_fine(lambda value=value: memory.remember(value))
            for payload in (value, Payload(value, "a/b"), Payload(b"x", value)):
                refused_or_fine(lambda p=payload: memory.remember(experience(2), p).result())
        kept = memory.remember(experience(3)).result()
        assert kept.id in {answer.experience.id for answer in memory.recall(Query(limit=1000))}
        memory.sleep()
        serious = [one for one in memory.inspect() if one.serious]
        assert {one.what for one in serious} <= {"link"}, "summaries of nothing were asked for"


def test_no_field_of_a_question_or_of_a_sleep_breaks_it(tmp_path: Path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        kept = memory.remember(experience()).result()
        for asked in (Query(), ASKED):
            for field in fields(Query):
                for value in WRONG:
                    query = replace(asked, **{field.name: value})
                    refused_or_fine(lambda query=query: memory.recall(query))
        for field in fields(SleepOptions):
            for value in WRONG:
                options = replace(SleepOptions(dry_run=True), **{field.name: value})
                refused_or_fine(lambda options=options: memory.sleep(options))
        for value in WRONG:
            for action in (
                memory.recall, memory.at, memory.of_id, memory.payload,
                lambda v: memory.forget(v, "r").result(),
                lambda v: memory.forget([v], "r").result(),
                lambda v: memory.forget([b"y" * 16], v).result(),
                lambda v: memory.pin(v, True).result(), lambda v: memory.pin(kept.id, v).result(),
                memory.undo_sleep, lambda v: memory.learn_outcome(v, 5, 0.5, 9.0).result(),
                lambda v: memory.learn_outcome(0, 5, v, 9.0).result(),
            ):  # fmt: skip
                refused_or_fine(lambda action=action, value=value: action(value))
        assert memory.recall(Query())[0].experience.id == kept.id


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"covers": 2**70},
            "covers = 1180591620717411303424: expected an integer, 0 to 2147483647",
        ),
        ({"covers": float("inf")}, "covers = inf"),
        ({"pinned": "yes"}, "pinned = 'yes': expected True or False"),
        ({"place": "kitchen"}, "place = 'kitchen': expected a Place"),
        ({"place": Place("map", (0.0, "x", 0.0))}, "place.position"),
        ({"context": [1]}, r"context = \[1\]: expected modality"),
        ({"context": {"vision": (2, 0, 0, 0, 0)}}, r"context\['vision'\]"),
        ({"embedding": "near"}, "embedding = "),
        ({"embedding": [1e300] * 4}, "embedding = "),
        ({"codes": [[1], [2, 3]]}, "codes = "),
    ],
)
def test_the_field_is_named(tmp_path: Path, experience, changes: dict, told: str) -> None:
    with Memory.open(tmp_path) as memory, pytest.raises(InvalidInput, match=told):
        memory.remember(experience(**changes))


def test_numbers_of_numpy_are_stored_as_numbers(tmp_path: Path, experience) -> None:
    one = np.float32(0.5)
    place = Place("map", (one, one, one))
    told = experience(place=place, context={"vision": [one] * 5}, total=one)
    with Memory.open(tmp_path) as memory:
        memory.remember(told).result()
    with Memory.open(tmp_path) as memory:
        (answer,) = memory.recall(
            Query(place_frame="map", place=(0.5, 0.5, 0.5), place_radius_m=1.0)
        )
        assert answer.experience.place == Place("map", (0.5, 0.5, 0.5))
        assert answer.experience.context == {"vision": (0.5,) * 5}


@pytest.mark.parametrize("device", ["x" * 65, 5, None, "\ud800"])
def test_a_device_that_cannot_be_named_so_is_refused(tmp_path: Path, device: Any) -> None:
    with pytest.raises(InvalidInput, match="device_id"):
        Memory.open(tmp_path / "home", device_id=device)
    assert not (tmp_path / "home").exists()
