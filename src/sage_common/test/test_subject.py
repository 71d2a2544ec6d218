"""What a question is about."""

from __future__ import annotations

import pytest

from sage_common.core.words.subject import subject, without_owner


@pytest.mark.parametrize(
    ("words", "about"),
    [
        ("where did I see a red car?", "red car"),
        ("When did you last see the dog", "dog"),
        ("when did I hear a dog barking?", "dog barking"),
        ("a street with trees", "street with trees"),
        ("what is it?", ""),
        ("", ""),
    ],
)
def test_what_a_question_is_about(words: str, about: str) -> None:
    assert subject(words) == about


@pytest.mark.parametrize(
    ("name", "thing"),
    [("my cup", "cup"), ("Anna's red cup", "red cup"), ("their", "their"), ("mystery", "mystery"),
     ("cup of tea", "cup of tea"), ("我的杯子", "我的杯子")],
)  # fmt: skip
def test_a_thing_is_what_it_is_whosever(name: str, thing: str) -> None:
    assert without_owner(name) == thing
