"""A node beside the graph that gives it words to say and vectors, keeps it awake, and floods it."""

from __future__ import annotations

import json
from pathlib import Path

from std_msgs.msg import Float32MultiArray, String

from sage_bench.faults.poison import poisoned, registered
from sage_common.core.parameters import NodeParameters
from sage_common.ros.host import Publisher, ServiceUnavailable
from sage_common.ros.node import SageNode
from sage_msgs.msg import MetabolicState
from sage_msgs.srv import SetState

DRIVER = "fault_driver"
STREAM = "faults"
"""Of bare vectors."""
VECTOR_S, WORDS_S, FLOOD_S, ORDER_S = 0.1, 1.0, 0.02, 0.1
AWAKE_S = 3600.0
DriverParameters = NodeParameters


def flood_order(home: Path) -> Path:
    """The file that lists, as JSON, the topics that are flooded; without it none is."""
    return home / "flood"


class DriverNode(SageNode):
    """Sends what no sensor of the graph does, and what no node should send."""

    default_name = DRIVER

    def on_configure(self) -> None:
        self._count = 0
        self._flooded: list[tuple[Publisher, str, dict[str, str]]] = []
        self._text = ""
        self._vector = self.publisher("vector", name=STREAM)
        self._words = self.publisher("speak")
        self._waking = self.client("orchestrator/set_state")
        self._caller = self.worker("awake")
        self.subscribe("state", self._keep_awake)
        self.timer(VECTOR_S, self._send_vector, True)
        self.timer(WORDS_S, lambda: self._words.publish(String(data="all is well")), True)
        self.timer(ORDER_S, self._look, True)
        self.timer(FLOOD_S, self._flood, True)

    def _send_vector(self) -> None:
        self._count += 1
        self._vector.publish(Float32MultiArray(data=[float(self._count % 7), 1.0, -1.0]))

    def _keep_awake(self, message: MetabolicState) -> None:
        """A graph at rest slows its sensors, and would hide what a fault does."""
        if message.state != MetabolicState.WAKE:
            self._caller.submit(self._wake)

    def _wake(self) -> None:
        try:
            self._waking.call(SetState.Request(state="WAKE", duration_s=AWAKE_S), 2.0)
        except ServiceUnavailable as error:
            self.log.warning(f"not kept awake: {error}")

    def _look(self) -> None:
        path = flood_order(self.home)
        text = path.read_text() if path.exists() else ""
        if text == self._text:
            return
        self._text = text
        self._flooded = []
        for name in json.loads(text or "[]"):
            spec, names = registered(name) or (None, {})
            if spec is not None and poisoned(spec.type, names) is not None:
                self._flooded.append((self.publisher(spec.key, **names), spec.type, names))

    def _flood(self) -> None:
        for output, type_name, names in self._flooded:
            output.publish(poisoned(type_name, names))
