"""Static transforms of the sensors, as far as nobody else publishes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from geometry_msgs.msg import Quaternion, TransformStamped, Vector3
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_common.core.synthetic import synthetic_frame
from sage_common.core.topics import TopicSpec, foreign_topic
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.node import SageNode
from sage_sensors.core.mounting import ORIGIN, Transform, missing, mounting
from sage_sensors.publishers.stream import StreamPublisher

TF_STATIC, TF = "/tf_static", "/tf"
TYPE = "tf2_msgs/msg/TFMessage"
SPEC = TopicSpec(TF_STATIC, TF_STATIC, TYPE, "latched", 0.0, 0.0, False, True, "", "")
LISTEN_S = 2
"""Time in which the robot's own transforms are looked for, before ours are published."""


class StaticFrames(Stateful):
    """Publishes /tf_static as tf2's StaticTransformBroadcaster does: latched, one message a node.

    A frame that another node publishes is left to it: one that is heard in the first two seconds
    (on /tf, too), and one that comes up on /tf_static at any time later. Of a sensor that is not
    there nothing is published.

    Args:
        node: the node that it publishes for, which calls `tick` once a second.
        streams: of its sensors.
        base_frame, position_m, rpy_rad: where these sit; see `mounting`.
    """

    _known: State[set[str]]
    _sent: State[tuple[Transform, ...]] = ()
    _ticks: State[int] = 0

    def __init__(
        self,
        node: SageNode,
        streams: Sequence[StreamPublisher[Any]],
        base_frame: str,
        position_m: Sequence[float] = ORIGIN,
        rpy_rad: Sequence[float] = ORIGIN,
    ) -> None:
        self._node = node
        self._streams = [stream for stream in streams if stream.frame_id]
        frames = [stream.frame_id for stream in self._streams]
        self._chains = {
            frame: mounting(base_frame, frame, position_m, rpy_rad)
            for frame in (*frames, *map(synthetic_frame, frames))
        }
        self._ours = {link.child: link for chain in self._chains.values() for link in chain}
        self._known = set()
        self._output = node.publisher_of(SPEC)
        node.subscribe_foreign(TF_STATIC, TYPE, self._on_static, stamp_checked=False, qos="static")
        moving = node.make_gate(foreign_topic(TF, TYPE, stamp_checked=False), self._on_moving)
        self._stop_listening: Callable[[], None] = node.connect(moving)

    def tick(self) -> None:
        """To be called once a second."""
        self._ticks += 1
        if self._ticks == LISTEN_S:
            self._stop_listening()
        if self._ticks >= LISTEN_S:
            self._publish()

    def _on_moving(self, message: Any) -> None:
        self._note({item.child_frame_id for item in message.transforms})

    def _on_static(self, message: Any) -> None:
        # The same transform may be ours of another process, or of a bag.
        self._note({item.child_frame_id for item in message.transforms if not self._is_ours(item)})

    def _note(self, children: set[str]) -> None:
        found = children & self._ours.keys() - self._known
        if found:
            self._known |= found
            names = ", ".join(sorted(found))
            self._node.log.info(f"another node publishes the transform to {names}: left to it")

    def _publish(self) -> None:
        frames = [stream.message_frame for stream in self._streams]
        chains = [self._chains[frame] for frame in frames if frame in self._chains]
        links = {link.child: link for chain in chains for link in missing(chain, self._known)}
        wanted = tuple(links.values())
        if wanted != self._sent:
            self._sent = wanted
            stamp = to_stamp(self._node.clock.now_ns())
            self._output.publish(TFMessage(transforms=[_message(link, stamp) for link in wanted]))

    def _is_ours(self, item: Any) -> bool:
        ours = self._ours.get(item.child_frame_id)
        if ours is None:
            return False
        same = _message(ours, item.header.stamp)
        return bool(item.header == same.header and item.transform == same.transform)

    def restored(self) -> None:
        if self._ticks >= LISTEN_S:
            self._stop_listening()


def _message(link: Transform, stamp: Any) -> TransformStamped:
    x, y, z, w = link.rotation
    message = TransformStamped(header=Header(stamp=stamp, frame_id=link.parent))
    message.child_frame_id = link.child
    message.transform.translation = Vector3(**dict(zip("xyz", link.translation_m, strict=True)))
    message.transform.rotation = Quaternion(x=x, y=y, z=z, w=w)
    return message
