"""What a plugin's model can name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Vocabulary:
    """The classes of a model.

    Attributes:
        model_id: name-version@hash.
        names: of the classes, in the order of their numbers, no two alike.
    """

    model_id: str
    names: Sequence[str]
