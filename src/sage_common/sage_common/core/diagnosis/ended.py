"""A process of a graph that is gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ended:
    """A process that is not back, as it is reported.

    Attributes:
        process: its name.
        message: what became of it, in words.
        nodes: that ran in it.
        topics: that they published.
    """

    process: str
    message: str
    nodes: tuple[str, ...]
    topics: tuple[str, ...] = ()


def read_ended(written: Iterable[Mapping[str, Any]]) -> tuple[Ended, ...]:
    """Those of JSON, as `dataclasses.asdict` gives them."""
    return tuple(
        Ended(item["process"], item["message"], tuple(item["nodes"]), tuple(item["topics"]))
        for item in written
    )
