"""Answers for people, as lines of a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from rich.segment import Segments

from sage.recall.half_blocks import PICTURE_PX, half_blocks
from sage.recall.payload_reading import payload_of
from sage.recall.question import Remembered, Reply
from sage_memory.backends.payload_pictures import picture_of

INDENT = "       "


def lines(answer: Remembered, explained: bool) -> list[str]:
    """What is printed of an answer; `explained`: with all that it was judged by."""
    when = datetime.fromtimestamp(answer.start_ns / 1e9).strftime("%Y-%m-%d %H:%M:%S")
    source = f"{answer.modality}/{answer.source}" if answer.source else answer.modality
    pinned = ", pinned" if answer.pinned else ""
    rows = [f"{answer.score:5.2f}  {when}  {source}, salience {answer.salience:.2f}{pinned}"]
    rows.append(f"{INDENT}{answer.reason}")
    if answer.kept_because and answer.kept_because not in answer.reason:
        rows.append(f"{INDENT}kept because {answer.kept_because}")
    if answer.covers:
        rows.append(f"{INDENT}stands for {answer.covers} moments")
    if answer.entity:
        rows.append(f"{INDENT}about {answer.entity}")
    if answer.place is not None:
        at = ", ".join(f"{answer.place[axis]:.2f}" for axis in "xyz")
        rows.append(f"{INDENT}at {at} m in {answer.place['frame']}")
    if explained:
        rows += _explained(answer)
    if answer.payload:
        rows.append(f"{INDENT}{answer.payload}")
    rows.append(f"{INDENT}id {answer.id}")
    return rows


def closing_lines(reply: Reply) -> Iterator[str]:
    """What came close and was declined, and what is to be known."""
    if reply.declined:
        yield "close, but declined:"
        yield from (f"{INDENT}{line}" for line in reply.declined)
    yield from (f"note: {note}" for note in reply.notes)


def drawn(answer: Remembered, home: Path) -> Segments | None:
    """The picture of an answer in coloured half blocks; None if it has none."""
    data = payload_of(answer, home)
    picture = None if data is None else picture_of(answer.media_type, data, PICTURE_PX)
    return None if picture is None else Segments(half_blocks(picture, INDENT))


def _explained(answer: Remembered) -> list[str]:
    values = ", ".join(f"{name} {value:.2f}" for name, value in answer.dimensions.items())
    lasted_s = (answer.end_ns - answer.start_ns) / 1e9
    return [
        f"{INDENT}{values}",
        f"{INDENT}lasted {lasted_s:.2f} s, on {answer.device}, encoded by {answer.encoder}",
    ]
