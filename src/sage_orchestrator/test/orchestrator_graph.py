"""The orchestrator on the lock-step host, and the messages that it is given."""

from __future__ import annotations

import numpy as np
from std_msgs.msg import Header

from sage_common.ros.conversions.images import array_to_image
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.lockstep.host import DEFAULT_START_NS, LockstepHost
from sage_common.ros.node import SageNode
from sage_msgs.msg import Attention, Experience, FusedSalience, Puzzle, Salience
from sage_orchestrator.nodes.orchestrator_node import OrchestratorNode

MS = 1_000_000


class MemoryStub(SageNode):
    """Answers memory/recall with one experience."""

    default_name = "memory"

    def on_configure(self) -> None:
        self.requests = []
        self.service("memory/recall", self._recall)

    def _recall(self, request, response):
        self.requests.append(request)
        response.success = True
        kept = Experience(id="0190", text="a bench in the sun")
        kept.header.stamp = to_stamp(DEFAULT_START_NS - 60_000 * MS)
        response.experiences, response.scores = [kept], [0.97]
        return response


def header(at_ns: int) -> Header:
    return Header(stamp=to_stamp(at_ns), frame_id="front")


def puzzle(at_ns: int, source: str = "front") -> Puzzle:
    message = Puzzle(
        header=header(at_ns), modality="vision", source=source, encoder_id="means-1@000000000000",
        valid=True,
    )  # fmt: skip
    message.embedding = [0.6, 0.8]
    return message


def salience(at_ns: int, total: float) -> FusedSalience:
    own = Salience(header=header(at_ns), modality="vision", source="front", total=total, valid=True)
    own.alarms_per_hour = 60.0
    return FusedSalience(
        header=header(at_ns), trigger_modality="vision", total=total, dominant_modality="vision",
        alarms_per_hour=60.0, modalities=[own], weights=[1.0], valid=True,
    )  # fmt: skip


def attention(at_ns: int) -> Attention:
    message = Attention(
        header=header(at_ns), modality="vision", source="front", x_min=0.5, y_min=0.5, x_max=0.7,
        y_max=0.7, confidence=0.5, salience=0.8, alarms_per_hour=60.0, valid=True,
    )  # fmt: skip
    message.roi.x_offset, message.roi.y_offset = 300, 200
    message.roi.width, message.roi.height = 80, 60
    return message


def image(at_ns: int, flicker: int = 0):
    """The same picture always, but for five squares of this brightness, one in a tile each."""
    pixels = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    if flicker:
        for left, top in ((40, 40), (520, 40), (200, 360), (360, 360), (520, 360)):
            pixels[top : top + 80, left : left + 80] = flicker
    return array_to_image(pixels, "rgb8", header(at_ns))


def started(tmp_path, plugins, memory=True, **parameters) -> LockstepHost:
    host = LockstepHost(home=tmp_path)
    if memory:
        host.add(MemoryStub)
    host.add(OrchestratorNode, parameters={"plugins": plugins, **parameters})
    return host


def diagnostics(host: LockstepHost) -> dict[str, str]:
    """What the node said last."""
    return {item.key: item.value for item in _status(host).values}


def health(host: LockstepHost) -> tuple[bytes, str]:
    """Level and words of its health, as it said last."""
    status = _status(host)
    return status.level, status.message


def _status(host: LockstepHost):
    arrays = [item.message() for item in host.outputs if item.topic == "/diagnostics"]
    return [s for array in arrays for s in array.status if s.name == "/sage/orchestrator"][-1]


def play(host: LockstepHost, seconds: float = 3.0, flickers: bool = False) -> None:
    """Percepts, attention and images, ten a second."""
    begin_ns = host.clock.now_ns()
    for i in range(round(seconds * 10)):
        at_ns = begin_ns + i * 100 * MS + 5 * MS
        host.publish("puzzle", puzzle(at_ns), modality="vision")
        flicker = 1 + 254 * (i % 2) if flickers else 0
        host.publish("camera/image_raw", image(at_ns, flicker), name="front")
        host.publish("fused_salience", salience(at_ns, 0.3 + 0.5 * (i % 2)))
        host.publish("attention", attention(at_ns))
    host.run_for(seconds)
