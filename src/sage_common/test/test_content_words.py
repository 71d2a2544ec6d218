"""Words of a text that have a meaning of their own."""

from __future__ import annotations

import pytest

from sage_common.core.words.content import content_words, singulars


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A man with two dogs, on the beach.", ["man", "dogs", "beach"]),
        ("The robot's arm", ["robot's", "arm"]),
        ("of the", []),
        ("", []),
        ("Übung 7 _x_", ["übung", "7", "x"]),
    ],
)
def test_words_that_only_join_others_are_left_out(text: str, words: list[str]) -> None:
    assert content_words(text) == words


def test_singulars() -> None:
    assert {"dog", "dogs"} <= singulars("dogs")
    assert "bus" in singulars("buses") and "bus" in singulars("bus")
