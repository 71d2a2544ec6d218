"""What an agent may ask of the robot, and do: tools of the Model Context Protocol."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from sage_gateway.core.contract import answers, requests
from sage_gateway.core.contract.endpoints import CAMERA
from sage_gateway.core.contract.events import SalienceNow
from sage_gateway.core.contract.field import said
from sage_gateway.core.ports import Feed, Graph, Refusal

MOST_PICTURES = 3
PATIENCE_S = 5.0
POLL_S = 0.05
STATES = ("state", "budget", "pressure", "alerts")


@dataclass(frozen=True)
class Nothing:
    """No arguments."""


@dataclass(frozen=True)
class ForgetNow:
    """What is to be forgotten now, for good."""

    ids: tuple[str, ...] = said("experiences, 1 to 100")
    reason: str = said("kept with the tombstones; must not repeat the content", default="")


@dataclass(frozen=True)
class Picture:
    """A picture beside the words of an answer."""

    media_type: str
    data: bytes


@dataclass(frozen=True)
class ToolAnswer:
    """An answer.

    Attributes:
        value: what JSON knows, and dataclasses of the contract.
        pictures: in the order in which the value names them.
    """

    value: Any
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class AgentTool:
    """One tool.

    Attributes:
        name: as the agent calls it.
        doc: what it does, for the agent.
        request: dataclass of its arguments.
        run: given the request; may block, and raises Refusal or InvalidInput.
        acts: it changes something.
        destroys: what it does cannot be undone.
    """

    name: str
    doc: str
    request: type
    run: Callable[[Any], ToolAnswer]
    acts: bool = False
    destroys: bool = False


class AgentTools:
    """Answers an agent from what the graph says.

    Args:
        feed: what the graph publishes.
        graph: what may be asked of it.
        may_forget: whether `forget` is offered.
    """

    def __init__(self, feed: Feed, graph: Graph, may_forget: bool) -> None:
        self._feed, self._graph = feed, graph
        self._looking = Lock()
        tools = [
            AgentTool(
                "recall",
                "Ask the robot's memory what it saw, heard, felt and was told. Answers have id, "
                "time, place, the reason why they fit, and pictures of the first "
                f"{MOST_PICTURES} that have one.",
                requests.Ask,
                self._recall,
            ),
            AgentTool(
                "salient_now",
                "What stands out for the robot now, how rare that is, and why, by modality.",
                Nothing,
                self._salient_now,
            ),
            AgentTool(
                "explain",
                "Why a moment was or was not salient; stamp_s is that of an experience.",
                requests.Moment,
                lambda moment: ToolAnswer(self._graph.explain(moment)),
            ),
            AgentTool(
                "look",
                "A picture of what the camera sees now, and the region that the robot attends to.",
                Nothing,
                self._look,
            ),
            AgentTool(
                "status",
                "How the robot is: metabolic state, compute budget, memory pressure, alerts.",
                Nothing,
                self._status,
            ),
            AgentTool(
                "plugins",
                "The refinement plugins, whether they are loaded, and their trust.",
                Nothing,
                lambda _: ToolAnswer(self._graph.plugins()),
            ),
            AgentTool(
                "refine",
                "Let a loaded plugin work on what a modality senses next; what it may spend comes "
                "out of the robot's compute budget.",
                requests.Refine,
                self._refine,
                acts=True,
            ),
            AgentTool(
                "outcome",
                "Tell the robot how well something turned out: it learns from that what is worth "
                "attention and which plugins to trust.",
                requests.Judge,
                lambda judged: ToolAnswer(self._graph.judge(judged)),
                acts=True,
            ),
        ]
        if may_forget:
            tools.append(
                AgentTool(
                    "forget",
                    "Forget experiences for good, with their pictures and sounds.",
                    ForgetNow,
                    lambda wanted: ToolAnswer(self._graph.forget(wanted.ids, wanted.reason)),
                    acts=True,
                    destroys=True,
                )
            )
        self.tools = {tool.name: tool for tool in tools}

    def _recall(self, ask: requests.Ask) -> ToolAnswer:
        found = self._graph.recall(ask)
        pictures: list[Picture] = []
        shown: list[str] = []
        for result in found.results:
            payload = result.experience.payload
            has_picture = payload is not None and payload.picture_url is not None
            if payload is None or not has_picture or len(pictures) == MOST_PICTURES:
                continue
            if (data := self._graph.payload_picture(payload.sha256)) is not None:
                pictures.append(Picture("image/webp", data))
                shown.append(result.experience.id)
        return ToolAnswer({"pictures_of": shown, **_without_urls(found)}, tuple(pictures))

    def _salient_now(self, _: Nothing) -> ToolAnswer:
        return ToolAnswer(_without_grids(self._newest("salience")))

    def _status(self, _: Nothing) -> ToolAnswer:
        newest = {name: self._feed.newest(name, 0) for name in STATES}
        known = {name: None if found is None else found[1] for name, found in newest.items()}
        return ToolAnswer({"robot": self._feed.hello(0), **known})

    def _look(self, _: Nothing) -> ToolAnswer:
        with self._looking:  # the last one that ends would end it for all
            self._feed.watch(1, frozenset({CAMERA}))
            try:
                camera = self._newest("camera")
                attention = self._feed.newest("attention", 0)
                data = self._graph.camera_picture()
            finally:
                self._feed.watch(0, frozenset())
        pictures = () if data is None else (Picture("image/jpeg", data),)
        return ToolAnswer({"camera": camera, "attention": attention and attention[1]}, pictures)

    def _refine(self, wanted: requests.Refine) -> ToolAnswer:
        end_s = time.monotonic() + wanted.timeout_s + PATIENCE_S
        work = self._graph.refinement(wanted)
        is_done, words, result = work(lambda share, stage: None, lambda: time.monotonic() > end_s)
        return ToolAnswer({"done": is_done, "message": words, "result": result})

    def _newest(self, event: str) -> Any:
        """The newest state event; what has just been subscribed takes a moment to come.

        Raises:
            Refusal: none came.
        """
        end_s = time.monotonic() + PATIENCE_S
        while (found := self._feed.newest(event, 0)) is None:
            if time.monotonic() > end_s:
                raise Refusal("unavailable", f"no {event} came from the graph")
            time.sleep(POLL_S)
        return found[1]


def _without_grids(now: SalienceNow) -> SalienceNow:
    bare = (replace(m, grid=(), grid_rows=0, grid_columns=0) for m in now.modalities)
    return replace(now, modalities=tuple(bare))


def _without_urls(found: answers.Recalled) -> dict[str, Any]:
    """Answers as they are, but for addresses at which only the gateway's page is served."""
    results = [replace(r, experience=replace(r.experience, payload=None)) for r in found.results]
    return {**vars(found), "results": results}
