"""What cannot be remembered or asked is refused at once, and nothing is shared with the caller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sage_common.core.errors import InvalidInput
from sage_memory import Memory, Payload, Place, Query
from sage_memory.core.rows.rows import sketch, sketches


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", "caf\udce9"),
        ("text", None),
        ("reason", "\ud800"),
        ("entity", "\udce9"),
        ("modality", "\udce9"),
        ("source", 7),
        ("surprise", "0.5"),
        ("total", None),
        ("reward", float("nan")),
        ("start_ns", 1.5),
        ("end_ns", "now"),
        ("id", bytes(16)),
    ],
)
def test_a_wrong_field_is_refused_at_once(
    tmp_path: Path, experience: Any, field: str, value: Any
) -> None:
    with Memory.open(tmp_path) as memory:
        with pytest.raises(InvalidInput) as refused:
            memory.remember(experience(1, **{field: value}))
        assert refused.value.field == field
        assert memory.recall(Query()) == []


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        (Payload("seen", "image/webp"), "payload.data"),
        (Payload(b"", "image/webp"), "payload.data"),
        (Payload(b"seen", "webp"), "payload.media_type"),
        (Payload(b"seen", "../../etc/passwd"), "payload.media_type"),
        (Payload(b"seen", "image/webp\n"), "payload.media_type"),
        (Payload(b"seen", None), "payload.media_type"),
    ],
)
def test_a_wrong_payload_is_refused_at_once(
    tmp_path: Path, experience: Any, payload: Payload, field: str
) -> None:
    with Memory.open(tmp_path) as memory:
        with pytest.raises(InvalidInput) as refused:
            memory.remember(experience(1), payload)
        assert refused.value.field == field


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("limit", "5"),
        ("limit", 2.5),
        ("modality", 5),
        ("source", "\udce9"),
        ("min_salience", "high"),
        ("start_ns", "now"),
        ("example_id", "abc"),
        ("text", "a dog"),
    ],
)
def test_a_wrong_query_is_refused(tmp_path: Path, field: str, value: Any) -> None:
    with Memory.open(tmp_path) as memory:
        with pytest.raises(InvalidInput) as refused:
            memory.recall(Query(**{field: value}))
        assert refused.value.field == field


def test_numbers_of_numpy_are_numbers(tmp_path: Path, experience: Any) -> None:
    told = experience(1, surprise=np.float32(0.5), start_ns=np.int64(5), total=1)
    with Memory.open(str(tmp_path)) as memory:
        assert memory.remember(told).result().surprise == 0.5


def test_what_was_kept_shares_no_puzzle_with_the_caller(tmp_path: Path, experience: Any) -> None:
    codes = np.zeros((30, 30), np.uint8)
    with Memory.open(tmp_path) as memory:
        future = memory.remember(experience(1, codes=codes))
        codes[:] = 9
        kept = future.result()
    assert not kept.codes.any()


def test_a_sketch_is_the_sums_of_blocks_alone_and_among_many(experience: Any) -> None:
    full = experience(9, codes=np.full((30, 30), 9, np.uint8))
    told = [experience(number) for number in range(7)] + [full]
    drawn = sketches(told)
    for one, of_many in zip(told, drawn, strict=True):
        blocks = [
            one.codes[row : row + 5, column : column + 5].sum()
            for row in range(0, 30, 5)
            for column in range(0, 30, 5)
        ]
        assert list(of_many) == blocks
        assert sketch(one.codes).tobytes() == sketches([one])[0] == of_many


def test_a_place_as_far_as_numbers_go_is_one(tmp_path: Path, experience: Any) -> None:
    far = Place("map", (1.7e308, 1.7e308, 0.0))
    with Memory.open(tmp_path) as memory:
        assert memory.remember(experience(1, place=far)).result().place == far
        with pytest.raises(InvalidInput, match="3 finite numbers"):
            memory.remember(experience(2, place=Place("map", (float("inf"), -np.inf, 0.0))))
