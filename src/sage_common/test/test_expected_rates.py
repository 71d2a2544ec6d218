"""A node expects of its inputs the rate that the metabolic state asks their sensors to keep to."""

from __future__ import annotations

from good_messages import GOOD, header

from sage_common.core.health import InputHealth
from sage_common.ros.lockstep.host import LockstepHost
from sage_common.ros.node import SageNode
from sage_msgs.msg import MetabolicState


class WatcherNode(SageNode):
    default_name = "watcher"
    frames: InputHealth
    puzzles: InputHealth
    sounds: InputHealth

    def on_configure(self) -> None:
        self.frames = self.subscribe("camera/info", lambda _message: None, name="front")
        self.puzzles = self.subscribe("puzzle", lambda _message: None, modality="vision")
        self.sounds = self.subscribe("puzzle", lambda _message: None, modality="audio")


def test_a_slowed_camera_is_no_fault() -> None:
    host = LockstepHost()
    node = host.add(WatcherNode)
    assert isinstance(node, WatcherNode)
    nominal = (node.frames.rate_hz, node.puzzles.rate_hz, node.sounds.rate_hz)
    host.publish("state", MetabolicState(state=MetabolicState.REST, max_camera_rate_hz=5.0))
    for _ in range(20):
        host.run_for(0.2)
        host.publish("camera/info", GOOD["camera/info"](header(host.clock.now_ns())), name="front")
    assert (node.frames.rate_hz, node.puzzles.rate_hz, node.sounds.rate_hz) == (
        5.0,
        5.0,
        nominal[2],
    )
    assert node.frames.rate_ok
    host.publish("state", MetabolicState())
    host.run_for(0.1)
    assert (node.frames.rate_hz, node.puzzles.rate_hz, node.sounds.rate_hz) == nominal
    assert node.frames.rate_ok, "what came before counts no more"
