"""Asking the memory node of a running graph."""

from __future__ import annotations

from sage.graph.runtime_file import RunningGraph
from sage.observe.asking import AskerNode, ask
from sage.recall.question import Question, Remembered
from sage_common.core.errors import InvalidInput
from sage_common.ros.stamps import stamp_ns, to_stamp
from sage_msgs.srv import Recall


class RecallAsker(AskerNode):
    """A client of memory/recall."""

    service_key = "memory/recall"


def ask_graph(running: RunningGraph, question: Question) -> list[Remembered]:
    """The answers of the graph's memory node, best first.

    Raises:
        InvalidInput: the memory refused the question; the field is named.
        ServiceUnavailable: the graph has no memory node, or it does not answer.
    """
    request = Recall.Request(
        text=question.text,
        example_experience_id=question.like,
        min_salience=question.min_salience,
        modality=question.modality,
        limit=question.limit,
        start=to_stamp(question.start_ns),
        end=to_stamp(question.end_ns),
    )
    response = ask(RecallAsker, running, request)
    if not response.success:
        raise InvalidInput("question", question, response.message)
    rows = zip(
        response.experiences,
        response.scores,
        response.reasons,
        response.payload_paths,
        strict=True,
    )
    return [
        Remembered(
            id=experience.id,
            score=score,
            start_ns=stamp_ns(experience.start),
            modality=experience.modality,
            source=experience.source,
            salience=experience.total,
            text=experience.text,
            reason=reason,
            kept_because=experience.reason,
            payload=path,
        )
        for experience, score, reason, path in rows
    ]
