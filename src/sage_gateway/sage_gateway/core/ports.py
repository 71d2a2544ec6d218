"""What the server needs of the graph: a node gives it, and a test a stand-in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sage_gateway.core.contract import answers, requests
from sage_gateway.core.contract.events import Hello
from sage_gateway.core.foxglove_protocol import Channel
from sage_gateway.core.jobs import Work


class Refusal(Exception):
    """A request that cannot be met.

    Attributes:
        code: of `contract.endpoints.ERRORS`.
        message: in words.
        field: at fault; None: none.
    """

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field


@dataclass(frozen=True)
class Figure:
    """One sample for Prometheus: its family, what it is, labels and value."""

    name: str
    doc: str
    labels: dict[str, str]
    value: float


class Feed(Protocol):
    """What streams carry; asked from the server's thread, and must not block."""

    def hello(self, viewers: int) -> Hello:
        """What this graph is."""

    def watch(self, viewers: int, extras: frozenset[str]) -> None:
        """So many watch, and some of them these: heavy subscriptions follow."""

    def newest(self, event: str, after: int) -> tuple[int, object] | None:
        """A state event and its number; None: nothing newer than `after` is there."""


class RawTopics(Protocol):
    """All that is published, serialized; asked from the thread of Foxglove's server."""

    def channels(self) -> dict[int, Channel]:
        """What is published now, by number; a topic that comes back may have another number."""

    def open(self, channel: int) -> bool:
        """Take its messages from now on; False: they are taken already."""

    def close(self, channel: int) -> None:
        """Take them no more."""

    def kept(self, channel: int) -> Sequence[tuple[int, bytes]]:
        """What came before, of a topic whose last messages are for whoever comes later."""


class Graph(Protocol):
    """What requests ask and change; called from threads of the server, and may block.

    All raise Refusal.
    """

    def history(self) -> answers.History: ...

    def learning(self) -> answers.Learning: ...

    def cycle(self) -> answers.Cycle: ...

    def experiences(self) -> answers.Experiences: ...

    def recall(self, ask: requests.Ask) -> answers.Recalled: ...

    def explain(self, moment: requests.Moment) -> answers.Explained: ...

    def plugins(self) -> answers.Plugins: ...

    def judge(self, judged: requests.Judge) -> answers.Done: ...

    def pin(self, pin: requests.Pin) -> answers.Done: ...

    def forget(self, ids: tuple[str, ...], reason: str) -> answers.Forgotten: ...

    def load(self, plugin: str) -> answers.Done: ...

    def unload(self, plugin: str) -> answers.Done: ...

    def refinement(self, wanted: requests.Refine) -> Work: ...

    def sleep(self, wanted: requests.Sleep) -> Work: ...

    def camera_picture(self) -> bytes | None:
        """The newest as JPEG."""

    def payload(self, sha256: str) -> tuple[str, bytes] | None:
        """Media type and content; None: it is not kept."""

    def payload_picture(self, sha256: str) -> bytes | None:
        """A picture of it as WebP; None: it is not kept, or has none."""

    def figures(self) -> Iterable[Figure]: ...
