"""One client for the memory of a home, whether a graph runs there or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from sage.graph.runtime_file import running_graph
from sage.memory.results import Forgotten, SleepResult, SleepUndone
from sage.recall.question import Question, Reply
from sage_memory.backends.teaching import Lesson
from sage_memory.core.places.named_place import NamedPlace
from sage_memory.core.sleep.options import SleepOptions
from sage_memory.core.taught.taught_word import TaughtWord

Progress = Callable[[float, str], None]


class MemoryClient(Protocol):
    """What can be asked of a memory.

    Everything raises MemoryFailure if the store cannot be had, and ServiceUnavailable if the
    graph has no memory node, or that does not answer.
    """

    def recall(self, question: Question) -> Reply:
        """The answers, best first.

        Raises:
            InvalidInput: the question is refused; the field is named.
            ModelError: a model is not installed.
        """

    def pin(self, identifier: str, pinned: bool) -> None:
        """Never evict an experience, or allow it again.

        Raises:
            InvalidInput: there is no such experience.
        """

    def forget(self, identifiers: Sequence[str], reason: str) -> Forgotten:
        """Remove experiences for good, payloads too; tombstones without content stay.

        Raises:
            InvalidInput: one of them is not there; nothing is forgotten then.
        """

    def name_place(self, name: str) -> NamedPlace:
        """Name the place where the robot is now; the place with its area.

        Raises:
            InvalidInput: no graph runs.
            MemoryFailure: it is not known where the robot is, or it is no name.
        """

    def set_private(self, name: str, is_private: bool) -> NamedPlace:
        """Make a place private or public; one that is not known is named where the robot is now.

        Raises:
            InvalidInput, MemoryFailure: there is none of this name, and no graph that knows where
                the robot is.
        """

    def forget_place(self, name: str) -> str:
        """Forget a place by its name; what becomes of it, in words.

        Raises:
            InvalidInput, MemoryFailure: there is none of this name.
        """

    def teach(self, again: TaughtWord) -> Lesson:
        """Add examples of a word, and look for it in what was kept last.

        Raises:
            InvalidInput, MemoryFailure: an example is refused.
            ModelError: the model of pictures is not installed.
        """

    def forget_word(self, word: str) -> None:
        """Forget a word that was taught, and what it found.

        Raises:
            InvalidInput, MemoryFailure: it was not taught.
        """

    def sleep(
        self, options: SleepOptions, progress: Progress, should_stop: Callable[[], bool]
    ) -> SleepResult:
        """Consolidate; `progress` is given the share that is done [0, 1] and the stage.

        Raises:
            InvalidInput: an option is wrong, or sleep is refused; the reason is named.
        """

    def undo_sleep(self, run_id: str) -> SleepUndone:
        """Take back one consolidation, or the last one (empty).

        Raises:
            InvalidInput: there is no such one, or it cannot be taken back any more.
        """


def memory_client(home: Path) -> MemoryClient:
    """The client of the graph that runs in `home`, or of the store if none does."""
    # Imported here: one way needs ROS, the other the store and the models.
    running = running_graph(home)
    if running is not None:
        from sage.client.graph_memory import GraphMemory

        return GraphMemory(running)
    from sage.client.stored_memory import StoredMemory

    return StoredMemory(home)
