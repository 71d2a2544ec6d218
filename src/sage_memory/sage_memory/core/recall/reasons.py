"""Why an answer is here, in words."""

from __future__ import annotations

from typing import Any

from sage_common.core.topics import READ_WORDS
from sage_memory.core.engine import schema
from sage_memory.core.identifiers import id_text
from sage_memory.core.recall.query import ROLE_LABEL, Part

REASON_WORDS = 60


def reason(row: Any, score: float, parts: tuple[Part, ...], summary_id: bytes, speaks: bool) -> str:
    """In words: what was heard or seen, how similar it is to what, and what covers it.

    Args:
        score: similarity of what was compared; without parts, the salience.
        speaks: the words of the row are what was sensed.
    """
    covered = f"; one of those in the summary {id_text(summary_id)}" if summary_id else ""
    recognised = [part.name for part in parts if part.role == ROLE_LABEL]
    compared = tuple(part for part in parts if part.role != ROLE_LABEL)
    if compared or not recognised:
        recognised.append(_why(row, score, compared, speaks))
    return "; ".join(recognised) + covered


def _why(row: Any, score: float, parts: tuple[Part, ...], speaks: bool) -> str:
    if not parts:
        return f"salience {score:.2f}: {row.reason}" if row.reason else f"salience {score:.2f}"
    if len(parts) == 1:
        similar = f"similarity {score:.2f} to {parts[0].name}"
    else:
        names = " and ".join([part.name for part in parts])
        each = ", ".join([f"{part.score:.2f}" for part in parts])
        similar = f"similarity {score:.2f} to {names} ({each})"
    for part in parts:
        if part.role == schema.ROLE_WORDS:
            return f'words around it: "{_cut(row.text)}"; {similar}'
    if speaks:
        how = "read" if row.source == READ_WORDS else "said"
        return f'{how}: "{_cut(row.text)}"; {similar}'
    return f"{row.modality}: {similar}"


def _cut(text: str) -> str:
    return text if len(text) <= REASON_WORDS else text[: REASON_WORDS - 1] + "…"
