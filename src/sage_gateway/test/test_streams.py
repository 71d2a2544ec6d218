"""Viewers and what waits for them."""

from __future__ import annotations

import asyncio

import pytest
from stand_in import StandIn, example

from sage_gateway.core import streams
from sage_gateway.core.contract import events
from sage_gateway.core.encoding import as_event
from sage_gateway.core.ports import Refusal
from sage_gateway.core.streams import LOG_LENGTH, Streams, Viewer


def test_a_slow_viewer_gets_the_newest_state_and_the_last_of_the_rest() -> None:
    async def run() -> bytes:
        graph, faults = StandIn(), list[Exception]()
        all_viewers = Streams(graph, faults.append)
        viewer = all_viewers.open(frozenset())
        await viewer.take(1.0)
        for number in range(LOG_LENGTH + 10):
            all_viewers.send("refinement", f"run {number}")
            all_viewers.show(viewer, "salience", f"moment {number}")
        data = await viewer.take(1.0)
        all_viewers.close(viewer)
        assert faults == []
        return data

    data = asyncio.run(run())
    last = LOG_LENGTH + 9
    assert data.count(b"event: refinement") == LOG_LENGTH
    assert data.count(b"event: salience") == 1 and f'"moment {last}"'.encode() in data
    assert b'"run 9"' not in data and b'"run 10"' in data and f'"run {last}"'.encode() in data


def test_nothing_is_asked_of_the_graph_while_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "TICK_S", 0.001)
    monkeypatch.setattr(streams, "GRACE_S", 0.01)
    graph = StandIn()
    asked: list[str] = []

    def newest(event: str, after: int) -> None:
        asked.append(event)

    graph.newest = newest  # type: ignore[method-assign,assignment]

    async def run() -> tuple[int, int]:
        all_viewers = Streams(graph, lambda error: None)
        viewer = all_viewers.open(frozenset())
        while len(asked) < 100:
            await asyncio.sleep(0.001)
        assert graph.watched == (1, frozenset())
        all_viewers.close(viewer)
        all_viewers.close(all_viewers.open(frozenset()))
        assert graph.watched == (1, frozenset()), "who comes back soon finds it open"
        before = len(asked)
        await asyncio.sleep(0.05)
        return before, len(asked)

    before, after = asyncio.run(run())
    assert before == after and graph.watched == (0, frozenset())
    assert not {"camera", "puzzles"} & set(asked)  # nobody asked for them


def test_an_event_that_cannot_be_made_is_reported_and_stops_no_other() -> None:
    graph, faults = StandIn(), list[Exception]()
    graph.show("alerts", example(events.Alerts))
    graph.show("salience", float("nan"))

    async def run() -> bytes:
        all_viewers = Streams(graph, faults.append)
        viewer = all_viewers.open(frozenset())
        data = await viewer.take(1.0)
        all_viewers.close(viewer)
        return data

    data = asyncio.run(run())
    assert b"event: alerts" in data and b"event: salience" not in data
    assert isinstance(faults[0], ValueError)


def test_viewers_are_limited() -> None:
    async def run() -> None:
        all_viewers = Streams(StandIn(), lambda error: None)
        opened = [all_viewers.open(frozenset()) for _ in range(streams.MOST_VIEWERS)]
        with pytest.raises(Refusal, match="8 streams"):
            all_viewers.open(frozenset())
        all_viewers.close(opened[0])
        all_viewers.open(frozenset())

    asyncio.run(run())


def test_a_closed_viewer_ends_once_it_has_all() -> None:
    async def run() -> None:
        viewer = Viewer(frozenset())
        viewer.close()
        assert await viewer.take(60.0) == b""

    asyncio.run(run())


def test_an_event_is_one_line_whatever_it_says() -> None:
    data = as_event("job", events.Job(1, "sleep", "done", None, "a\nb\r\n\u2028c", {}))
    assert data.startswith(b"event: job\ndata: {") and data.endswith(b"}\n\n")
    assert data.count(b"\n") == 3 and b"\r" not in data
