"""The question that the demo ends with is one that its memory answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from memory_homes import experience

from sage.recall.suggestion import suggested_question
from sage_common.core.labels import Label, Labels
from sage_memory import Memory

BOX = (0.1, 0.2, 0.3, 0.4)


@pytest.mark.parametrize(
    ("labels", "question"),
    [
        ((Label(1, 0.9), Label(2, 0.7, BOX), Label(0, 0.6, BOX)), "where did I see an oven?"),
        ((Label(0, 0.6, BOX),), "where did I see a car?"),
        ((Label(0, 0.4, BOX),), ""),
        ((Label(0, 0.9),), ""),
        ((), ""),
    ],
)
def test_it_asks_for_the_most_probable_thing(
    tmp_path: Path, labels: tuple[Label, ...], question: str
) -> None:
    with Memory.open(tmp_path, device_id="robot") as memory:
        found = [(Labels("finder-1@c", labels), ("car", "cat", "oven"))]
        memory.remember(experience(0), None, found).result()
    assert suggested_question(tmp_path) == question


def test_without_a_memory_there_is_none(tmp_path: Path) -> None:
    assert suggested_question(tmp_path) == ""
