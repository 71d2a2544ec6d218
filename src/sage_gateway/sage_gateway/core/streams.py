"""Viewers and what is sent to them: a slow one loses events, the graph none of its time.

All of it runs on the server's event loop; nothing is prepared while nobody looks.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from sage_gateway.core.contract.endpoints import EVENTS, EventSpec
from sage_gateway.core.encoding import as_event
from sage_gateway.core.ports import Feed, Refusal

TICK_S = 0.2
GRACE_S = 5.0
"""Between the last viewer and the end of what is subscribed for viewers: a page loads anew."""
MOST_VIEWERS = 8
LOG_LENGTH = 64
_SPECS = {spec.name: spec for spec in EVENTS}
_STATES = tuple(spec for spec in EVENTS if spec.is_state)


class Viewer:
    """What one stream has still to send: of each state event the newest, of the others the last 64.

    Args:
        extras: what it asked for besides.
    """

    def __init__(self, extras: frozenset[str]) -> None:
        self.extras = extras
        self.closed = False
        self._states: dict[str, bytes] = {}
        self._log: deque[bytes] = deque(maxlen=LOG_LENGTH)
        self._wake = asyncio.Event()

    def put(self, spec: EventSpec, data: bytes) -> None:
        """Give it an event; what it has not sent yet makes room."""
        if spec.extra and spec.extra not in self.extras:
            return
        if spec.is_state:
            self._states[spec.name] = data
        else:
            self._log.append(data)
        self._wake.set()

    def close(self) -> None:
        """It ends once it has sent what it has."""
        self.closed = True
        self._wake.set()

    async def take(self, timeout_s: float) -> bytes:
        """All that waits; empty: nothing came in time, or it was closed."""
        if not (self._states or self._log or self.closed):
            try:
                await asyncio.wait_for(self._wake.wait(), timeout_s)
            except asyncio.TimeoutError:
                return b""
        self._wake.clear()
        data = b"".join((*self._log, *self._states.values()))
        self._log.clear()
        self._states.clear()
        return data


class Streams:
    """All viewers.

    Args:
        feed: what they see.
        report: given an error of making an event.
    """

    def __init__(self, feed: Feed, report: Callable[[Exception], None]) -> None:
        self._feed = feed
        self._report = report
        self._viewers: list[Viewer] = []
        self._numbers: dict[str, int] = {}
        self._ticker: asyncio.Task[None] | None = None
        self._leaving: asyncio.TimerHandle | None = None

    @property
    def count(self) -> int:
        """Open streams."""
        return len(self._viewers)

    def open(self, extras: frozenset[str]) -> Viewer:
        """A new viewer, with what is known by now.

        Raises:
            Refusal: there are 8 already.
        """
        if len(self._viewers) >= MOST_VIEWERS:
            raise Refusal("too_many", f"{MOST_VIEWERS} streams are open already")
        viewer = Viewer(extras)
        self._viewers.append(viewer)
        self._watch()
        viewer.put(_SPECS["hello"], as_event("hello", self._feed.hello(self.count)))
        for spec in _STATES:
            self._show(spec, [viewer], 0)
        if self._ticker is None:
            self._ticker = asyncio.get_running_loop().create_task(self._tick())
        return viewer

    def close(self, viewer: Viewer) -> None:
        """It has gone."""
        self._viewers.remove(viewer)
        self._watch()
        if not self._viewers and self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None

    def send(self, name: str, event: object) -> None:
        """Send something that happened to all."""
        if self._viewers:
            self._put(_SPECS[name], event, self._viewers)

    def show(self, viewer: Viewer, name: str, event: object) -> None:
        """Send something that happened before to one."""
        self._put(_SPECS[name], event, [viewer])

    def end(self, event: object) -> None:
        """Say goodbye to all, and close them."""
        self.send("bye", event)
        for viewer in self._viewers:
            viewer.close()

    def _watch(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        extras = frozenset[str]().union(*(viewer.extras for viewer in self._viewers))
        if self._viewers:
            self._feed.watch(len(self._viewers), extras)
        else:
            loop = asyncio.get_running_loop()
            self._leaving = loop.call_later(GRACE_S, self._feed.watch, 0, extras)

    async def _tick(self) -> None:
        ticks = 0
        while True:
            await asyncio.sleep(TICK_S)
            ticks += 1
            for spec in _STATES:
                every = round(1.0 / (spec.rate_hz * TICK_S)) if spec.rate_hz else 1
                if ticks % every == 0:
                    self._numbers[spec.name] = self._show(
                        spec, self._viewers, self._numbers.get(spec.name, 0)
                    )

    def _show(self, spec: EventSpec, viewers: list[Viewer], after: int) -> int:
        """Send a state event if it is newer; its number."""
        wanted = [v for v in viewers if not spec.extra or spec.extra in v.extras]
        try:
            found = self._feed.newest(spec.name, after) if wanted else None
        except Exception as error:  # noqa: BLE001 - one event must not end the others
            self._report(error)
            return after
        if found is None:
            return after
        number, event = found
        self._put(spec, event, wanted)
        return number

    def _put(self, spec: EventSpec, event: object, viewers: list[Viewer]) -> None:
        try:
            data = as_event(spec.name, event)
        except (TypeError, ValueError) as error:
            self._report(error)
            return
        for viewer in viewers:
            viewer.put(spec, data)
