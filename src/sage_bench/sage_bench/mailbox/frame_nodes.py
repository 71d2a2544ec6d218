"""Two nodes that do nothing but hand frames over, as a camera and an encoder of the graph would."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from std_msgs.msg import Header

from sage_common.core.clock import NS_PER_S
from sage_common.core.parameters import NodeParameters, parameter
from sage_common.core.transport import AUTO
from sage_common.ros.conversions.images import array_to_image
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_common.ros.node import SageNode
from sage_common.ros.tensors.picture import Picture

CAMERA = "bench"
RATE_HZ = 30.0
REPORT_PERIOD_S = 0.5


@dataclass(frozen=True)
class FrameTalkerParameters(NodeParameters):
    """Parameters of the talker."""

    width_px: int = parameter(1920, doc="width of the frames", unit="px", low=1, high=8192)
    height_px: int = parameter(1080, doc="height of the frames", unit="px", low=1, high=8192)
    quiet_s: float = parameter(0.0, doc="silence at first", unit="s", low=0.0, high=3600.0)


@dataclass(frozen=True)
class FrameListenerParameters(NodeParameters):
    """Parameters of the listener."""

    transport: str = parameter(AUTO, doc="auto or image")


class FrameTalker(SageNode):
    """Hands frames over at 30 Hz, after a while in which it only ticks. It draws nothing."""

    default_name = "frame_talker"
    parameters_type = FrameTalkerParameters

    def on_configure(self) -> None:
        self._tensors = self.tensor_publisher("camera/tensor", name=CAMERA)
        self._images = self.publisher("camera/image_raw", name=CAMERA)
        shape = (self.parameters.height_px, self.parameters.width_px, 3)
        self._pixels = np.zeros(shape, np.uint8)
        self.timer(1 / RATE_HZ, self._tick)

    def on_activate(self) -> None:
        self._talks_at_ns = self.stopwatch_ns() + round(self.parameters.quiet_s * NS_PER_S)

    def _tick(self) -> None:
        if self.stopwatch_ns() < self._talks_at_ns:
            return
        slot = self._tensors.allocate(self._pixels.shape, np.uint8)
        header = Header(stamp=to_stamp(self.clock.now_ns()))
        if self._images.subscriber_count:
            self._images.publish(array_to_image(self._pixels, "rgb8", header))
        if slot is not None:
            self._tensors.publish(slot.array, header, slot)


class FrameListener(SageNode):
    """Looks at two pixels of each frame, and reports in /diagnostics how late they were."""

    default_name = "frame_listener"
    parameters_type = FrameListenerParameters

    def on_configure(self) -> None:
        self._latencies_us: list[float] = []
        self.subscribe_tensor(
            "camera/tensor", "camera/image_raw", self._take, self.parameters.transport, name=CAMERA
        )
        self.timer(REPORT_PERIOD_S, self._report)

    def _take(self, picture: Picture) -> None:
        with picture:
            picture.pixels[0, 0], picture.pixels[-1, -1]
            late_ns = self.clock.now_ns() - stamp_ns(picture.header.stamp)
        self._latencies_us.append(late_ns / 1000)

    def _report(self) -> None:
        self.diagnose(frames=len(self._latencies_us))
        if self._latencies_us:
            p50, p99 = np.percentile(self._latencies_us, (50, 99))
            self.diagnose(p50_us=float(p50), p99_us=float(p99))
