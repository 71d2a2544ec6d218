"""The store of a home, opened while no graph runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from sage.client.memory_client import Progress
from sage.memory.opening import open_memory
from sage.memory.results import Forgotten, SleepResult, SleepUndone
from sage.recall.question import Question, Reply
from sage.recall.stored_query import query_of, reply_of, with_words
from sage_common.core.errors import InvalidInput
from sage_memory.backends.teaching import Lesson, look_back, looks_for
from sage_memory.core.identifiers import parse_id
from sage_memory.core.places.named_place import NamedPlace, forgotten_words
from sage_memory.core.recall.question.reading import Reading
from sage_memory.core.sleep.options import SleepOptions
from sage_memory.core.taught.taught_word import TaughtWord


class StoredMemory:
    """A `MemoryClient` of the store in `home`; it is opened for each call, to recall read-only."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def recall(self, question: Question) -> Reply:
        """The store's answers."""
        with open_memory(self._home, read_only=True) as memory:
            asked = Reading(query_of(question))
            if not question.literal:
                asked = memory.read_question(asked.query)
            notes = list(asked.notes)
            query = with_words(asked.query, memory.vocabularies, notes)
            return reply_of(memory.ask(query).after(notes), question)

    def pin(self, identifier: str, pinned: bool) -> None:
        """Pin or unpin an experience."""
        key = parse_id(identifier, "id")
        with open_memory(self._home) as memory:
            memory.pin(key, pinned).result()

    def forget(self, identifiers: Sequence[str], reason: str) -> Forgotten:
        """Forget experiences for good."""
        keys = [parse_id(identifier, "ids") for identifier in identifiers]
        with open_memory(self._home) as memory:
            done = memory.forget(keys, reason).result()
        return Forgotten(done.count, done.bytes_freed)

    def name_place(self, name: str) -> NamedPlace:
        """Refuse: a store does not know where the robot is."""
        raise InvalidInput("name", name, "a running graph, which knows where the robot is")

    def set_private(self, name: str, is_private: bool) -> NamedPlace:
        """Make a place that is known private or public."""
        with open_memory(self._home) as memory:
            return memory.set_private(name, is_private).result()

    def forget_place(self, name: str) -> str:
        """Forget a place."""
        with open_memory(self._home) as memory:
            gone = memory.forget_place(name).result()
        return forgotten_words(gone.name, gone.is_private)

    def teach(self, again: TaughtWord) -> Lesson:
        """Teach the store."""
        with looks_for(again.kind) as opened, open_memory(self._home) as memory:
            return look_back(memory, memory.teach(again).result().word, opened)

    def forget_word(self, word: str) -> None:
        """Forget a word."""
        with open_memory(self._home) as memory:
            memory.forget_word(word).result()

    def sleep(
        self, options: SleepOptions, progress: Progress, should_stop: Callable[[], bool]
    ) -> SleepResult:
        """Let the store sleep."""
        with open_memory(self._home) as memory:
            return SleepResult.of_report(memory.sleep(options, progress, should_stop))

    def undo_sleep(self, run_id: str) -> SleepUndone:
        """Take back a consolidation."""
        with open_memory(self._home) as memory:
            undone = memory.undo_sleep(parse_id(run_id, "run") if run_id else None)
        return SleepUndone(undone.restored, undone.note)
