"""A stand-in for the graph behind the server, without ROS."""

from __future__ import annotations

import dataclasses
import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

from sage_gateway.backends.listening import listen
from sage_gateway.backends.page_files import PageFile
from sage_gateway.backends.site import Site
from sage_gateway.core.contract import answers, events, requests
from sage_gateway.core.contract.field import FieldSpec, fields_of
from sage_gateway.core.jobs import Progress, Work
from sage_gateway.core.ports import Figure, Refusal

TOKEN = "t" * 43
KNOWN = "ab" * 32
FILES = {
    "index.html": PageFile(b"<!doctype html><title>SAGE</title>", "text/html", '"1"'),
    "js/app.js": PageFile(b"export {};", "text/javascript", '"2"'),
}


def example(cls: type) -> Any:
    """Some value of a dataclass of the contract."""
    return cls(**{field.name: _value(field) for field in fields_of(cls)})


def _value(field: FieldSpec) -> Any:
    one: Any = {str: "words", bool: True, int: 1, float: max(0.5, field.low or 0.0), object: 1}.get(
        field.type
    )
    one = example(field.type) if dataclasses.is_dataclass(field.type) else one
    if field.is_many:
        return (one,)
    return {"name": one} if field.is_mapping else one


class StandIn:
    """Both what streams carry and what requests ask; remembers what it was asked to do.

    Attributes:
        done: what was asked, by name, in order.
        watched: number of viewers and their extras, as they were told last.
        numbers: of the state events; raise one to send it anew.
        release: jobs end once it is set.
    """

    def __init__(self) -> None:
        self.done: list[tuple[str, Any]] = []
        self.watched: tuple[int, frozenset[str]] = (0, frozenset())
        self.numbers: dict[str, int] = {}
        self.events: dict[str, Any] = {}
        self.release = threading.Event()

    def show(self, name: str, event: object) -> None:
        """Let a state event be newer."""
        self.events[name] = event
        self.numbers[name] = self.numbers.get(name, 0) + 1

    def hello(self, viewers: int) -> events.Hello:
        return dataclasses.replace(example(events.Hello), viewers=viewers)

    def watch(self, viewers: int, extras: frozenset[str]) -> None:
        self.watched = viewers, extras

    def newest(self, event: str, after: int) -> tuple[int, object] | None:
        number = self.numbers.get(event, 0)
        return None if number in (0, after) else (number, self.events[event])

    def history(self) -> answers.History:
        return example(answers.History)

    def learning(self) -> answers.Learning:
        return example(answers.Learning)

    def cycle(self) -> answers.Cycle:
        return example(answers.Cycle)

    def experiences(self) -> answers.Experiences:
        return example(answers.Experiences)

    def recall(self, ask: requests.Ask) -> answers.Recalled:
        self.done.append(("recall", ask))
        return example(answers.Recalled)

    def explain(self, moment: requests.Moment) -> answers.Explained:
        if moment.stamp_s > 1e9:
            raise Refusal("not_found", "no moment is known there", "stamp_s")
        return example(answers.Explained)

    def plugins(self) -> answers.Plugins:
        return example(answers.Plugins)

    def judge(self, judged: requests.Judge) -> answers.Done:
        return self._did("judge", judged)

    def pin(self, pin: requests.Pin) -> answers.Done:
        return self._did("pin", pin)

    def forget(self, ids: tuple[str, ...], reason: str) -> answers.Forgotten:
        self.done.append(("forget", ids))
        return answers.Forgotten(len(ids), 1)

    def load(self, plugin: str) -> answers.Done:
        if plugin == "unknown":
            raise Refusal("refused", "there is no such plugin")
        return self._did("load", plugin)

    def unload(self, plugin: str) -> answers.Done:
        return self._did("unload", plugin)

    def refinement(self, wanted: requests.Refine) -> Work:
        return self._work

    def sleep(self, wanted: requests.Sleep) -> Work:
        return self._work

    def camera_picture(self) -> bytes | None:
        return b"a picture"

    def payload(self, sha256: str) -> tuple[str, bytes] | None:
        return ("audio/flac", b"a sound") if sha256 == KNOWN else None

    def payload_picture(self, sha256: str) -> bytes | None:
        return b"its picture" if sha256 == KNOWN else None

    def figures(self) -> Iterator[Figure]:
        yield Figure("sage_salience", "Fused salience", {}, 0.5)
        for number in range(1000):
            yield Figure("sage_many", "Too many", {"of": str(number)}, 1.0)

    def _did(self, name: str, what: object) -> answers.Done:
        self.done.append((name, what))
        return answers.Done("done")

    def _work(
        self, progress: Progress, should_stop: Callable[[], bool]
    ) -> tuple[bool, str, dict[str, object]]:
        progress(0.5, "half")
        while not self.release.wait(0.01):
            if should_stop():
                return False, "cancelled", {}
        return True, "all of it", {"steps": 3}


class Served:
    """A site with a stand-in behind it; a context manager.

    Args:
        allow_actions: whether requests that change something are met.
        listener: where it listens; None: any port of 127.0.0.1.
    """

    def __init__(self, allow_actions: bool = True, listener: socket.socket | None = None) -> None:
        self.graph = StandIn()
        self.faults: list[Exception] = []
        self._listener = listen("127.0.0.1", 0) if listener is None else listener
        self.port = self._listener.getsockname()[1] if listener is None else 0
        self.site = Site(
            self.graph, self.graph, self._listener, TOKEN, allow_actions, self.faults.append, FILES
        )

    def __enter__(self) -> Served:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.site.stop()
        assert self.faults == []
