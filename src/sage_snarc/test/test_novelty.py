"""The novelty memory: identical is 0, independent near 1, bounded and diverse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sage_snarc.core.dimensions.novelty import NoveltyMemory, nearest_share


def feed(memory: NoveltyMemory, rows: np.ndarray) -> list[float]:
    relative = []
    for index, row in enumerate(rows.astype(np.float32)):
        near = memory.nearest(row, 1e-6, index)
        relative.append(near.relative)
        memory.learn(row, near, index)
    return relative


@pytest.mark.parametrize("size", [8, 64, 384])
@pytest.mark.parametrize("count", [50, 300, 1500])
def test_independent_is_near_one(size: int, count: int) -> None:
    rows = np.random.default_rng(size).standard_normal((count, size))
    relative = feed(NoveltyMemory(size), rows)
    assert np.mean(relative[20:]) > 0.8


@pytest.mark.parametrize("size", [1, 3, 64])
def test_identical_is_zero(size: int) -> None:
    memory = NoveltyMemory(size)
    rows = np.random.default_rng(0).standard_normal((200, size)).astype(np.float32)
    feed(memory, rows)
    for row in rows[::10]:
        near = memory.nearest(row, 1e-6, 1000)
        assert near.distance == 0.0
        assert near.relative == 0.0


def test_one_dimension_that_was_seen_is_not_novel_and_outside_is() -> None:
    memory = NoveltyMemory(1)
    feed(memory, np.random.default_rng(0).standard_normal((1000, 1)))
    inside = memory.nearest(np.array([0.3], np.float32), 1e-6, 0)
    outside = memory.nearest(np.array([9.0], np.float32), 1e-6, 0)
    assert inside.relative < 0.2
    assert outside.relative == 1.0


def test_nearest_is_the_nearest_and_says_when_it_was_seen() -> None:
    memory = NoveltyMemory(16)
    rows = np.random.default_rng(3).standard_normal((300, 16)).astype(np.float32)
    for index, row in enumerate(rows):
        memory.learn(row, memory.nearest(row, 0.0, index * 10**9), index * 10**9)
    probe = rows[17] + np.float32(0.01)
    near = memory.nearest(probe, 0.0, 400 * 10**9)
    expected = np.linalg.norm(rows - probe, axis=1)
    assert near.distance == pytest.approx(expected.min(), rel=1e-4)
    assert near.id == int(expected.argmin()) + 1
    assert near.age_ns == (400 - 17) * 10**9


def test_seeing_it_again_makes_it_recent() -> None:
    memory = NoveltyMemory(4)
    row = np.ones(4, np.float32)
    memory.learn(row, memory.nearest(row, 1e-6, 0), 0)
    memory.learn(row, memory.nearest(row, 1e-6, 50), 50)
    assert memory.count == 1
    assert memory.nearest(row, 1e-6, 70).age_ns == 20


def test_it_is_bounded_and_keeps_what_is_far_apart() -> None:
    memory = NoveltyMemory(8, capacity=50)
    generator = np.random.default_rng(4)
    lonely = np.full(8, 40.0)
    feed(memory, lonely[None] + generator.standard_normal((1, 8)))
    feed(memory, generator.standard_normal((2000, 8)))
    assert memory.count == 50
    assert memory.nearest((lonely).astype(np.float32), 0.0, 0).distance < 5.0


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_scale_and_offset_do_not_matter(seed: int, scale: float, offset: float) -> None:
    rows = np.random.default_rng(seed).standard_normal((60, 6))
    plain = feed(NoveltyMemory(6), rows)
    # The offset is taken out by the stream before the memory sees it.
    moved = (rows * scale + offset) - (rows[0] * scale + offset)
    assert feed(NoveltyMemory(6), moved) == pytest.approx(plain, abs=0.02)


@given(st.floats(1.0, 1e4), st.integers(0, 10**7))
def test_share_of_the_nearest_is_bounded(dimension: float, count: int) -> None:
    assert 0.05 <= nearest_share(dimension, count) <= 1.0


def test_share_of_the_nearest_agrees_with_simulation() -> None:
    generator = np.random.default_rng(5)
    for dimension, count in ((16, 100), (64, 1000), (256, 300)):
        squares = generator.chisquare(dimension, (400, count)) / dimension
        measured = squares.min(axis=1).mean()
        assert nearest_share(dimension, count) == pytest.approx(measured, abs=0.06)
