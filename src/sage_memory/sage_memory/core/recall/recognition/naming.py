"""What was recognised, in words: its name, how probable it is, and where in the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sage_common.core.labels import Box, Label
from sage_memory.core.index.label_view import LEAST
from sage_memory.core.labels.rows import Seen
from sage_memory.core.recall.query import ROLE_LABEL, Part, made

MOST_NAMED = 3
LEAST_SHOWN = 0.25
"""Probability from which on a name is shown that nobody asked for."""
MIDDLE = 1.0 / 6.0
"""Farthest that the middle of a box is from that of the picture to lie in its middle."""


def label_parts(
    seen: Sequence[Seen], asked: Mapping[str, NDArray[np.float32]], sense: str
) -> tuple[Part, ...]:
    """The labels of an experience that count, the best first; `sense`: seen or heard."""
    found = []
    for one in seen:
        fits = asked.get(one.model_id)
        if fits is None:
            continue
        for label in one.labels:
            evidence = label.probability * float(fits[label.number])
            if evidence >= LEAST:
                found.append((evidence, one, label))
    found.sort(key=lambda entry: -entry[0])
    return tuple(
        made(
            Part,
            name=f"{sense}: {named(one.vocabulary[label.number], label)}",
            encoder_id=one.model_id,
            score=evidence,
            role=ROLE_LABEL,
        )
        for evidence, one, label in found[:MOST_NAMED]
    )


def shown_names(seen: Sequence[Seen], sense: str) -> tuple[str, ...]:
    """What an experience shows, whatever is asked for: the most probable names, the best first."""
    found = [
        (label.probability, named(one.vocabulary[label.number], label))
        for one in seen
        for label in one.labels
        if label.probability >= LEAST_SHOWN
    ]
    found.sort(key=lambda entry: -entry[0])
    return tuple(f"{sense}: {name}" for _, name in found[:MOST_NAMED])


def named(name: str, label: Label) -> str:
    """`bicycle 0.71, left`."""
    where = "" if label.box is None else f", {position(label.box)}"
    return f"{name} {label.probability:.2g}{where}"


def position(box: Box) -> str:
    """Where the middle of a box lies: left, right, above, below or middle."""
    across, down = box[0] + box[2] / 2 - 0.5, box[1] + box[3] / 2 - 0.5
    if max(abs(across), abs(down)) <= MIDDLE:
        return "middle"
    if abs(across) >= abs(down):
        return "left" if across < 0 else "right"
    return "above" if down < 0 else "below"
