"""The words of an English text that have a meaning of their own."""

from __future__ import annotations

import re

_FUNCTION_WORDS = """
a an the this that these those some any many several few two three four one another other
of on in at to from by for with without into over under near next behind front between
through around up down out off and or but while who which what where when how there here
is are was were be been being has have having had do does did can could will would not no
it its he him his she her they them their i me my we us our you your very
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())


def content_words(text: str) -> list[str]:
    """The words without those that only join them, in lower case."""
    words = re.findall(r"[^\W_]+(?:'[^\W_]+)?", text.lower())
    return [word for word in words if word not in FUNCTION_WORDS]


def singulars(word: str) -> set[str]:
    """What a noun may be the plural of, itself among it."""
    return {word, word.removesuffix("s"), word.removesuffix("es")}
