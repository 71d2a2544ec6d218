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
    """The labels of an experience that count, the best first, each class once; `sense`: seen or
    heard."""
    found = []
    for one in seen:
        fits = asked.get(one.model_id)
        if fits is None:
            continue
        for label in one.labels:
            evidence = label.probability * float(fits[label.number])
            if evidence >= LEAST:
                found.append((evidence, one, label))
    return tuple(
        made(
            Part,
            name=f"{sense}: {name}",
            encoder_id=one.model_id,
            score=evidence,
            role=ROLE_LABEL,
        )
        for name, evidence, one in _best_of_each(found)
    )


def shown_names(seen: Sequence[Seen], sense: str) -> tuple[str, ...]:
    """What an experience shows, whatever is asked for: the most probable names, the best first."""
    found = [
        (label.probability, one, label)
        for one in seen
        for label in one.labels
        if label.probability >= LEAST_SHOWN
    ]
    return tuple(f"{sense}: {name}" for name, _, _ in _best_of_each(found))


def _best_of_each(found: list[tuple[float, Seen, Label]]) -> list[tuple[str, float, Seen]]:
    """The best of each class in words, with how many more of it there are; the first few."""
    of_class: dict[str, list[tuple[float, Seen, Label]]] = {}
    for entry in sorted(found, key=lambda entry: -entry[0]):
        _, one, label = entry
        of_class.setdefault(one.vocabulary[label.number], []).append(entry)
    shown = []
    for name, (best, *others) in list(of_class.items())[:MOST_NAMED]:
        more = f", and {len(others)} more" if others else ""
        shown.append((f"{named(name, best[2])}{more}", best[0], best[1]))
    return shown


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
