"""What a recall reports, word for word the same through the graph and from the store."""

from __future__ import annotations

from sage_memory.core.identifiers import id_text
from sage_memory.core.recall.query import Answer, Recalled


def format_reason(answer: Answer) -> str:
    """Why an answer is here, and what became of its payload if it is gone."""
    lost = answer.experience.payload_sha256 and answer.payload_path is None
    return f"{answer.reason} ({answer.payload_note})" if lost else answer.reason


def format_declined(recalled: Recalled) -> list[str]:
    """`ID: reason` of each that came close and was declined."""
    return [f"{id_text(d.id)}: {d.score:.2f}, but {d.reason}" for d in recalled.declined]


def format_notes(recalled: Recalled, with_filter: bool) -> list[str]:
    """What could not be compared; `with_filter`: also how the rest was, and what was filtered."""
    notes = list(recalled.notes)
    compared = {part.encoder_id or "puzzle" for a in recalled.answers for part in a.parts}
    if with_filter and compared:
        notes.append(f"compared as {', '.join(sorted(compared))}")
    if with_filter and recalled.kept:
        steps = ", then ".join(f"{kept.condition}: {kept.count}" for kept in recalled.kept)
        notes.append(f"left by each condition: {steps}")
    return notes
