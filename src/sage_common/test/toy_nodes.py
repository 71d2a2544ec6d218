"""Small nodes for the tests of the hosts; child processes import them as a module."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.parameters import NodeParameters, parameter
from sage_common.core.state.fields import State
from sage_common.ros.host import ServiceUnavailable
from sage_common.ros.node import SageNode
from sage_msgs.action import Refine
from sage_msgs.msg import Outcome
from sage_msgs.srv import Embed, SetTrust

WITH_LATEST = (
    "camera/image_raw",
    "camera/compressed",
    "camera/info",
    "microphone/audio",
    "imu/data",
    "joint_states",
)


@dataclass(frozen=True)
class ToyParameters(NodeParameters):
    gain: float = parameter(2.0, doc="factor", unit="1", low=0.0, high=10.0)
    steps: int = parameter(3, doc="steps of an action", low=1, high=100)
    backend: str = parameter("auto", doc="which", choices=("auto", "none"))
    fail: str = parameter("", doc="hook that fails", choices=("", "configure", "activate"))
    names: tuple[str, ...] = parameter((), doc="names")
    weights: tuple[float, ...] = parameter((1.0, 2.5), doc="weights", low=0.0, high=9.0)
    loud: bool = parameter(False, doc="log every message")


class ToyNode(SageNode):
    """Echoes outcomes, counts what it sees, serves, and remembers."""

    default_name = "toy"
    parameters_type = ToyParameters
    learned: State[NDArray[np.float64]]

    def on_configure(self) -> None:
        if self.parameters.fail == "configure":
            raise RuntimeError("told to fail in configure")
        self.rewards: list[float] = []
        self.ticks = 0
        self.learned = np.zeros(4)
        self.open = False
        self.output = self.publisher("outcome")
        self.health = self.subscribe("text", self._on_text)
        self.info = self.subscribe("microphone/info", self._on_info, name="front")
        self.rates: list[int] = []
        self.audio = self.keep_latest("microphone/audio", 3, name="front")
        self.timer(0.1, self._tick)
        self.service("orchestrator/set_trust", self._set_trust)
        self.service("language/embed", self._embed)
        self.action("orchestrator/refine", self._refine)
        self.asking = self.client("language/embed")
        self.jobs = self.worker("jobs", queue_size=4)
        self.asked = threading.Event()
        self.answered = ""

    def on_activate(self) -> None:
        if self.parameters.fail == "activate":
            raise RuntimeError("told to fail in activate")
        self.open = True
        self.diagnose(backend=self.parameters.backend, ros_time=self.clock.now_ns() > 0)

    def on_deactivate(self) -> None:
        self.open = False

    def _on_text(self, message: Any) -> None:
        if message.text == "raise":
            raise ZeroDivisionError("told to raise")
        if message.text == "refuse":
            raise InvalidInput("text", message.text, "anything else")
        if message.text == "ask":
            self.jobs.submit(self._ask)
            return
        if message.text != "hello":
            self.learned[0] += 1
        outcome = Outcome(note=message.text, reward=0.5 / self.parameters.gain)
        outcome.header = message.header
        self.output.publish(outcome)

    def _on_info(self, message: Any) -> None:
        self.rates.append(message.sample_rate)

    def _tick(self) -> None:
        self.ticks += 1

    def _ask(self) -> None:
        try:
            self.answered = str(self.asking.call(Embed.Request(text="x"), 5.0).embedding[0])
        except ServiceUnavailable as error:
            self.answered = str(error)
        self.asked.set()

    def _set_trust(self, request: SetTrust.Request, response: SetTrust.Response) -> Any:
        if not 0.05 <= request.trust <= 1.0:
            raise InvalidInput("trust", request.trust, "0.05 to 1")
        if request.plugin == "crash":
            raise KeyError("no such plugin")
        if request.plugin == "nothing":
            return None
        response.success, response.previous = True, float(self.learned[1])
        self.learned[1] = request.trust
        return response

    def _embed(self, request: Embed.Request, response: Embed.Response) -> Any:
        response.success, response.embedding = True, [float(len(request.text))]
        return response

    def _refine(self, goal: Refine.Goal, publish_feedback: Any, cancel_requested: Any) -> Any:
        if goal.plugin == "crash":
            raise KeyError("no such plugin")
        result = Refine.Result(success=True, message="done")
        pause = threading.Event()
        for step in range(self.parameters.steps):
            if cancel_requested():
                result.success, result.message = False, "cancelled"
                break
            publish_feedback(Refine.Feedback(steps=step + 1))
            result.steps = step + 1
            if self.time_is_measured:
                pause.wait(0.02)
        return result


if __name__ == "__main__":
    ToyNode.main()
