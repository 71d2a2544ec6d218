"""A node that depends on no other: what it sends is late only if its process is held up."""

from __future__ import annotations

from std_msgs.msg import Header

from sage_common.core.parameters import NodeParameters
from sage_common.core.topics import TopicSpec
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.node import SageNode

HEARTBEAT = "heartbeat"
PERIOD_S = 0.02
SPEC = TopicSpec(
    HEARTBEAT, HEARTBEAT, "std_msgs/msg/Header", "sensor", 1.0 / PERIOD_S, 0.0, False, False,
    "heartbeat -> bench", "the time at which it was sent",
)  # fmt: skip
HeartbeatParameters = NodeParameters


class HeartbeatNode(SageNode):
    """Sends the time, fifty times a second."""

    default_name = HEARTBEAT

    def on_configure(self) -> None:
        output = self.publisher_of(SPEC)
        self.timer(
            PERIOD_S, lambda: output.publish(Header(stamp=to_stamp(self.clock.now_ns()))), True
        )
