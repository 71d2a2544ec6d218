"""What a question is about."""

from __future__ import annotations

import pytest

from sage_common.core.words.subject import subject


@pytest.mark.parametrize(
    ("words", "about"),
    [
        ("where did I see a red car?", "red car"),
        ("When did you last see the dog", "dog"),
        ("a street with trees", "street with trees"),
        ("what is it?", ""),
        ("", ""),
    ],
)
def test_what_a_question_is_about(words: str, about: str) -> None:
    assert subject(words) == about
