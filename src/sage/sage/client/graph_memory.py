"""The memory node of a running graph, asked through its services."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sage.client.memory_client import Progress
from sage.graph.runtime_file import RunningGraph
from sage.memory.results import Forgotten, SleepResult, SleepUndone
from sage.observe.graph_calls import call_service, run_action
from sage.recall.messages import reply_of, request_of
from sage.recall.question import Question, Reply
from sage_common.core.errors import InvalidInput
from sage_memory.backends.teaching import Lesson
from sage_memory.core.errors import MemoryFailure
from sage_memory.core.identifiers import id_text, parse_id
from sage_memory.core.places.named_place import NamedPlace, plain_name
from sage_memory.core.sleep.options import SleepOptions
from sage_memory.core.taught.taught_word import TaughtWord
from sage_msgs.action import Sleep
from sage_msgs.srv import Forget, NamePlace, SetPin, TeachWord, UndoSleep


class GraphMemory:
    """A `MemoryClient` of a running graph."""

    def __init__(self, running: RunningGraph) -> None:
        self._running = running

    def recall(self, question: Question) -> Reply:
        """The memory node's answers."""
        response = call_service(self._running, "memory/recall", request_of(question))
        return reply_of(response, question)

    def pin(self, identifier: str, pinned: bool) -> None:
        """Pin or unpin an experience."""
        parse_id(identifier, "id")
        request = SetPin.Request(id=identifier, pinned=pinned)
        response = call_service(self._running, "memory/pin", request)
        if not response.success:
            raise InvalidInput("id", identifier, response.message)

    def forget(self, identifiers: Sequence[str], reason: str) -> Forgotten:
        """Forget experiences for good."""
        for identifier in identifiers:
            parse_id(identifier, "ids")
        request = Forget.Request(ids=list(identifiers), reason=reason)
        response = call_service(self._running, "memory/forget", request)
        if not response.success:
            raise InvalidInput("ids", ", ".join(identifiers), response.message)
        return Forgotten(response.forgotten, response.bytes_freed)

    def name_place(self, name: str) -> NamedPlace:
        """Let the memory node name where the robot is."""
        return self._known_place(NamePlace.Request(name=name))

    def set_private(self, name: str, is_private: bool) -> NamedPlace:
        """Let the memory node make a place private or public."""
        asked = NamePlace.Request.MAKE_PRIVATE if is_private else NamePlace.Request.MAKE_PUBLIC
        return self._known_place(NamePlace.Request(name=name, privacy=asked))

    def _known_place(self, request: NamePlace.Request) -> NamedPlace:
        done = self._place(request)
        spot = done.centre
        area = (spot.x, spot.y, spot.z), done.radius_m
        name = plain_name(request.name)
        return NamedPlace(name, done.frame, *area, done.namings, is_private=done.is_private)

    def forget_place(self, name: str) -> str:
        """Let the memory node forget a place."""
        return str(self._place(NamePlace.Request(name=name, forget=True)).message)

    def _place(self, request: NamePlace.Request) -> NamePlace.Response:
        response = call_service(self._running, "memory/name_place", request)
        if not response.success:
            raise MemoryFailure(response.message)
        return response

    def teach(self, again: TaughtWord) -> Lesson:
        """Let the memory node learn a word."""
        features = np.concatenate([example.features for example in again.examples])
        ids = [id_text(one.experience_id) if one.experience_id else "" for one in again.examples]
        done = self._teach(
            TeachWord.Request(
                word=again.word,
                kind=again.kind,
                features_by=again.features_by,
                features=features.tolist(),
                experience_ids=ids,
            )
        )
        return Lesson(again.word, done.examples, done.looked_at, done.found, done.message)

    def forget_word(self, word: str) -> None:
        """Let the memory node forget a word."""
        self._teach(TeachWord.Request(word=word, forget=True))

    def _teach(self, request: TeachWord.Request) -> TeachWord.Response:
        response = call_service(self._running, "memory/teach", request)
        if not response.success:
            raise MemoryFailure(response.message)
        return response

    def sleep(
        self, options: SleepOptions, progress: Progress, should_stop: Callable[[], bool]
    ) -> SleepResult:
        """Let the memory node sleep."""
        goal = Sleep.Goal(
            max_duration_s=options.max_duration_s,
            target_share=options.target_share,
            dry_run=options.dry_run,
        )
        result = run_action(
            self._running,
            "memory/sleep",
            goal,
            lambda feedback: progress(feedback.progress, feedback.stage),
            should_stop,
        )
        if not result.success:
            raise InvalidInput("sleep", "refused", result.message)
        return SleepResult.of(result)

    def undo_sleep(self, run_id: str) -> SleepUndone:
        """Take back a consolidation; a refusal's reason is the node's own."""
        request = UndoSleep.Request(run_id=run_id)
        response = call_service(self._running, "memory/undo_sleep", request)
        if not response.success:
            raise MemoryFailure(response.message)
        return SleepUndone(response.restored, response.message)
