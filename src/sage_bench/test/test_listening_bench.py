"""Counting words: which are wrong, and how they are compared."""

from __future__ import annotations

import pytest

from sage_bench.recognition.recordings import right_words, words_of


@pytest.mark.parametrize(
    ("understood", "errors", "right"),
    [
        ("the cat sat", 0, [True, True, True]),
        ("the cat", 1, [True, True]),
        ("the fat cat sat", 1, [True, False, True, True]),
        ("the bat sat", 1, [True, False, True]),
        ("", 3, []),
    ],
)
def test_words_that_are_missing_too_many_or_others_count(
    understood: str, errors: int, right: list[bool]
) -> None:
    assert right_words(["the", "cat", "sat"], understood.split()) == (errors, right)


def test_numbers_and_signs_are_spelled_out() -> None:
    assert words_of('The "42-line Bible", of 1455: 7!') == (
        ["the", "forty", "two", "line", "bible", "of", "fourteen", "fifty", "five", "seven"]
    )
