"""A node beside a graph that counts what comes on /diagnostics, and takes nodes in and out."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.serialization import serialize_message

from sage_common.core.clock import NS_PER_S
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.diagnostics import DIAGNOSTICS, PUBLISHED
from sage_common.ros.host import ServiceClient
from sage_common.ros.node import SageNode

ANSWER_TIMEOUT_S, POLL_S = 20.0, 0.1
FUSION = "fusion"


class DiagnosticsListener(SageNode):
    """Counts while it is there.

    Attributes:
        messages: by the node that sent them.
        bytes: of all of them, serialized.
        fused: how much fusion says to have published on its topic of salience, and when it said
            so [s, by the clock of its node].
    """

    default_name = "bench"
    watches = True

    def on_configure(self) -> None:
        self.messages: Counter[str] = Counter()
        self.bytes = 0
        self.fused = 0, 0.0
        self._salience = self._host.resolve("salience")
        self.subscribe_foreign(
            DIAGNOSTICS.name, DIAGNOSTICS.type, self._hear, stamp_checked=False, qos="standard"
        )

    def set_active(self, name: str, active: bool) -> None:
        """Activate or deactivate a node of the graph.

        Raises:
            RuntimeError: it refused, or is not there.
        """
        client = self._changing(self._host.resolve(name))
        number = Transition.TRANSITION_ACTIVATE if active else Transition.TRANSITION_DEACTIVATE
        request = ChangeState.Request(transition=Transition(id=number))
        if not client.call(request, ANSWER_TIMEOUT_S).success:
            raise RuntimeError(f"{name} could not be {'' if active else 'de'}activated")

    def _changing(self, name: str) -> ServiceClient:
        """The client that changes the state of a node, by its full name."""
        end_s = time.monotonic() + ANSWER_TIMEOUT_S
        while time.monotonic() < end_s:
            client = self.clients("~/change_state").get(name)
            if client is not None and client.wait(ANSWER_TIMEOUT_S):
                return client
            time.sleep(POLL_S)
        raise RuntimeError(f"{name} is not there")

    def _hear(self, message: Any) -> None:
        self.bytes += len(serialize_message(message))
        for status in message.status:
            name = status.name.rsplit("/", 1)[-1]
            self.messages[name] += 1
            if name == FUSION:
                found = {item.key: item.value for item in status.values}
                if count := found.get(self._salience + PUBLISHED):
                    self.fused = int(count), stamp_ns(message.header.stamp) / NS_PER_S
