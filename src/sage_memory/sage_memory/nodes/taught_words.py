"""Words that are taught: the service memory/teach, and what of them is kept from then on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np

from sage_common.core.errors import InvalidInput
from sage_common.ros.node import SageNode
from sage_memory.backends.teaching import look_back, looks_for
from sage_memory.core.experience import Experience
from sage_memory.core.identifiers import parse_id
from sage_memory.core.labels.packing import Recognised
from sage_memory.core.memory import Memory
from sage_memory.core.taught.examples import Example
from sage_memory.core.taught.taught_word import Look, TaughtWord, plain_word
from sage_msgs.srv import TeachWord

COMMIT_TIMEOUT_S = 30.0


class TaughtWords:
    """Teaches and forgets words; handlers run on workers.

    Args:
        node: that it belongs to.
        opened: gives the open memory, or raises MemoryFailure.
    """

    def __init__(self, node: SageNode, opened: Callable[[], Memory]) -> None:
        self._node = node
        self._opened = opened
        self._known: list[TaughtWord] | None = None
        self.unchanged = threading.Lock()
        """Held while something is kept: a word that is forgotten meanwhile must not come back."""
        node.service("memory/teach", self._serve)

    def any_of(self, kind: str) -> bool:
        """Whether there are words that pictures, or sounds, show."""
        return any(word.kind == kind for word in self._words())

    def told_by(self, features_by: str) -> list[TaughtWord]:
        """The words that features of a model tell."""
        return [word for word in self._words() if word.features_by == features_by]

    def heard(self, experience: Experience) -> list[Recognised]:
        """What a sound shows, by its embedding."""
        return recognised(self.told_by(experience.encoder_id), [Look(experience.embedding)])

    def _words(self) -> list[TaughtWord]:
        if self._known is None:
            self._known = self._opened().taught_words()
        return self._known

    def close(self) -> None:
        """Forget what was read of a memory that is closed."""
        self._known = None

    def _serve(
        self, request: TeachWord.Request, response: TeachWord.Response
    ) -> TeachWord.Response:
        word = plain_word(request.word)
        memory = self._opened()
        if request.forget:
            with self.unchanged:
                memory.forget_word(word).result(COMMIT_TIMEOUT_S)
                self._known = None
            response.success, response.message = True, f"{word} is forgotten"
            return response
        wanted = TaughtWord(
            word, request.kind, request.features_by, _examples(request),
            taught_ns=self._node.clock.now_ns(),
        )  # fmt: skip
        with looks_for(wanted.kind) as opened:
            with self.unchanged:
                taught = memory.teach(wanted).result(COMMIT_TIMEOUT_S).word
                self._known = None
            lesson = look_back(memory, taught, opened)
        response.success = True
        _, response.examples, response.looked_at, response.found, response.message = lesson
        return response


def recognised(words: Sequence[TaughtWord], looks: Sequence[Look]) -> list[Recognised]:
    """The words that looks at something show."""
    found = (word.recognised(looks) for word in words)
    return [one for one in found if one is not None]


def _examples(request: TeachWord.Request) -> tuple[Example, ...]:
    count = len(request.experience_ids)
    values = np.asarray(request.features, np.float32)
    if not count or values.size % count:
        expected = f"as many of each of {count} examples, one or more"
        raise InvalidInput("len(features)", values.size, expected)
    ids = (parse_id(one, "experience_ids") if one else b"" for one in request.experience_ids)
    rows = values.reshape(count, -1)
    return tuple(Example.of(row, identifier) for row, identifier in zip(rows, ids, strict=True))
