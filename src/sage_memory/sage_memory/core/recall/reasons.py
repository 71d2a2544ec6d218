"""Why an answer is here, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sage_common.core.topics import READ_WORDS
from sage_memory.core.engine import schema
from sage_memory.core.identifiers import id_text
from sage_memory.core.recall.query import ROLE_LABEL, Part

REASON_WORDS = 60


def reason(
    row: Any,
    score: float,
    parts: tuple[Part, ...],
    summary_id: bytes,
    speaks: bool,
    shown: Sequence[str] = (),
) -> str:
    """In words: what was heard or seen, how similar it is to what, and what covers it.

    Args:
        score: similarity of what was compared; without parts, the salience.
        speaks: the words of the row are what was sensed.
        shown: what was recognised in it, where nothing was compared.
    """
    covered = f"; one of those in the summary {id_text(summary_id)}" if summary_id else ""
    said = [_joined([part.name for part in parts if part.role == ROLE_LABEL] or shown)]
    compared = tuple(part for part in parts if part.role != ROLE_LABEL)
    if compared:
        said.append(_why(row, score, compared, speaks))
    elif not parts:
        said += [_words(row, speaks), f"salience {score:.2f}" + (row.reason and f": {row.reason}")]
    return "; ".join(filter(None, said)) + covered


def _joined(names: Sequence[str]) -> str:
    """`seen: car 0.7, left; tree 0.5`: how it was sensed once for all that follow each other."""
    said: list[str] = []
    before = ""
    for name in names:
        sense, _, rest = name.partition(": ")
        said.append(rest if sense == before else name)
        before = sense
    return "; ".join(said)


def _words(row: Any, speaks: bool) -> str:
    if not row.text:
        return ""
    how = "words around it"
    if speaks:
        how = "read" if row.source == READ_WORDS else "said"
    return f'{how}: "{_cut(row.text)}"'


def _why(row: Any, score: float, parts: tuple[Part, ...], speaks: bool) -> str:
    if len(parts) == 1:
        similar = f"similarity {score:.2f} to {parts[0].name}"
    else:
        names = " and ".join([part.name for part in parts])
        each = ", ".join([f"{part.score:.2f}" for part in parts])
        similar = f"similarity {score:.2f} to {names} ({each})"
    if any(part.role == schema.ROLE_WORDS for part in parts):
        return f"{_words(row, speaks=False)}; {similar}"
    return f"{_words(row, speaks)}; {similar}" if speaks else f"{row.modality}: {similar}"


def _cut(text: str) -> str:
    return text if len(text) <= REASON_WORDS else text[: REASON_WORDS - 1] + "…"
