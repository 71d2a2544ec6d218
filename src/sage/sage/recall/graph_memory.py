"""Asking the memory node of a running graph."""

from __future__ import annotations

import time

from sage.graph.runtime_file import RunningGraph
from sage.observe.attached import Attached, enter_domain
from sage.recall.question import Question, Remembered
from sage_common.core.errors import InvalidInput
from sage_common.ros.host import ServiceUnavailable
from sage_common.ros.node import SageNode
from sage_common.ros.stamps import stamp_ns, to_stamp
from sage_msgs.srv import Recall

DISCOVERY_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 10.0
RETRY_S = 0.1


class AskerNode(SageNode):
    """A client of memory/recall."""

    default_name = "asker"

    def on_configure(self) -> None:
        self.recall = self.client("memory/recall")


def ask_graph(running: RunningGraph, question: Question) -> list[Remembered]:
    """The answers of the graph's memory node, best first.

    Raises:
        InvalidInput: the memory refused the question; the field is named.
        ServiceUnavailable: the graph has no memory node, or it does not answer.
    """
    enter_domain(running)
    request = Recall.Request(
        text=question.text,
        example_experience_id=question.like,
        min_salience=question.min_salience,
        modality=question.modality,
        limit=question.limit,
        start=to_stamp(question.start_ns),
        end=to_stamp(question.end_ns),
    )
    with Attached(AskerNode, running.namespace) as attached:
        response = _call(attached.node, request)
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


def _call(node: AskerNode, request: Recall.Request) -> Recall.Response:
    deadline = time.monotonic() + DISCOVERY_TIMEOUT_S
    while True:
        try:
            return node.recall.call(request, ANSWER_TIMEOUT_S)
        except ServiceUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(RETRY_S)
