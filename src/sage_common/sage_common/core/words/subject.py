"""What an English question is about, without the words that make it a question."""

from __future__ import annotations

import re

QUESTION = re.compile(
    r"^\W*(?:(?:please|where|when|what|which|who|did|do|does|have|has|had|was|were|is|are|there|i|we"
    r"|you|it|see|saw|seen|hear|heard|look|looked|find|found|show|tell|remember|me|us|last|time"
    r"|any|some|the|a|an)\b\W*)+",
    re.IGNORECASE,
)
"""What a question begins with before it says what it is about."""


OWNER = re.compile(r"^(?:my|our|your|his|her|its|their|\w+['’]s)\s+(?=\S)", re.IGNORECASE)
"""Whose a thing is."""


def subject(words: str) -> str:
    """What a question is about: "where did I see a red car?" -> "red car"; empty if nothing is
    left."""
    return QUESTION.sub("", words).strip(" ?.!,")


def without_owner(name: str) -> str:
    """What a thing is, whosever: "my cup" -> "cup", "anna's cup" -> "cup"."""
    return OWNER.sub("", name)
