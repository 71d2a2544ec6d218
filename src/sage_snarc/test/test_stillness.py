"""FrozenInput: for how long the same sample has come."""

from __future__ import annotations

import pytest

from sage_snarc.core.dimensions.frozen_input import FrozenInput

S = 10**9


def test_equal_samples_add_up_and_another_one_begins_anew() -> None:
    stillness = FrozenInput()
    contents = [b"a", b"a", b"a", b"b", b"b", b"a"]
    spans = [stillness.observe(index * S, content) for index, content in enumerate(contents)]
    assert spans == pytest.approx([0.0, 1.0, 2.0, 0.0, 1.0, 0.0])


def test_a_clock_that_goes_back_begins_anew() -> None:
    stillness = FrozenInput()
    assert [stillness.observe(t * S, b"") for t in (10, 12, 3, 4)] == [0.0, 2.0, 0.0, 1.0]
