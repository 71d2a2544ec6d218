"""What goes in and out of a node on the lock-step host."""

from __future__ import annotations

from typing import Any

from rclpy.serialization import serialize_message

from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.lockstep.host import LockstepHost


def offsets(messages: list[Any], start_ns: int) -> list[int]:
    """The stamps of the messages [ns], from a start on."""
    return [stamp_ns(message.header.stamp) - start_ns for message in messages]


def texts(host: LockstepHost, level: str) -> str:
    """All that was logged at this level."""
    return "\n".join(line.text for line in host.logs if line.level == level)


def publish_foreign(host: LockstepHost, topic: str, type_name: str, message: Any) -> None:
    """Publish as a node of somebody else does."""
    now_ns = host.clock.now_ns()
    host.publish_serialized(now_ns, topic, type_name, serialize_message(message))


def health(host: LockstepHost) -> tuple[int, str]:
    """Level and message of the newest diagnostics."""
    status = [o for o in host.outputs if o.topic == "/diagnostics"][-1].message().status[0]
    return status.level[0], status.message
