"""A question that is asked at the end of a demo, and its answer with picture and sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sage.client.stored_memory import StoredMemory
from sage.recall.question import Question, Remembered
from sage.recall.suggestion import suggested_question
from sage_common.core.clock import NS_PER_S, local_time
from sage_encoders.core.card import ModelError
from sage_memory.core.errors import MemoryFailure

OTHERWISE = "a building with windows"
AROUND_NS = 2 * NS_PER_S


@dataclass(frozen=True)
class Asked:
    """A question and what the memory answered.

    Attributes:
        question: in words.
        answer: the best one; None: there is none.
        picture: what was seen at that time, if the answer is no picture itself; None: nothing.
        problem: why it could not be asked, in words; "": it was.
    """

    question: str
    answer: Remembered | None = None
    picture: Remembered | None = None
    problem: str = ""

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"asked: {self.question}"
        if self.answer is None:
            yield f"  {self.problem or 'nothing that was kept answers it'}"
            return
        when = local_time(self.answer.start_ns, with_date=False)
        yield f"  {when}  {self.answer.reason}"
        for kind, kept in (("sound", self.answer), ("picture", self.picture)):
            if kept is not None and kept.payload:
                is_seen = kept.media_type.startswith("image/")
                yield f"  {'picture' if is_seen else kind}: {kept.payload}"
        yield f"  id {self.answer.id}"

    def as_json(self) -> dict[str, Any]:
        """As JSON knows it."""
        answer, picture = self.answer, self.picture
        return {
            "question": self.question,
            "id": "" if answer is None else answer.id,
            "stamp_ns": 0 if answer is None else answer.start_ns,
            "reason": self.problem if answer is None else answer.reason,
            "payload": "" if answer is None else answer.payload,
            "picture": "" if picture is None else picture.payload,
        }


def asked_by_itself(home: Path, question: str = "") -> Asked:
    """Ask the memory of a home, whose graph runs no more: the question, or else one after a sound
    that it kept a name of, or else after what was seen."""
    text = question or suggested_question(home) or OTHERWISE
    memory = StoredMemory(home)
    try:
        answers = memory.recall(Question(text=text, limit=1)).answers
        if not answers:
            return Asked(text)
        best = answers[0]
        if best.modality == "vision":
            return Asked(text, best)
        around = Question(
            modality="vision", start_ns=best.start_ns - AROUND_NS, end_ns=best.end_ns + AROUND_NS,
            limit=1,
        )  # fmt: skip
        seen = memory.recall(around).answers
    except (MemoryFailure, ModelError) as error:
        return Asked(text, problem=str(error))
    return Asked(text, best, seen[0] if seen else None)
