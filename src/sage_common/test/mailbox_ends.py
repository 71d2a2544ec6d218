"""A camera and a reader of it without ROS traffic, on the real mailboxes."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import Header

from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.tensors.output import TensorOutput, TensorSlot

SHAPE = (12, 16, 3)
Drawn = tuple[NDArray[Any], TensorSlot | None]


class Lines:
    """A log that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, text: str, throttle_s: float = 0.0, key: str = "") -> None:
        self.lines.append(text)

    warning = error = info


@dataclass
class Handles:
    """A publisher of handles: whom they would go to, and what was sent."""

    topic: str = "/sage/camera/front/tensor"
    subscriber_count: int = 1
    sent: list[Any] = field(default_factory=list)

    @property
    def published(self) -> int:
        return len(self.sent)

    def publish(self, message: Any) -> None:
        self.sent.append(message)


class Camera:
    """Hands over pictures, each filled with a number of its own."""

    def __init__(self) -> None:
        self.name = f"test.{os.getpid()}.{uuid.uuid4().hex}"
        self.log, self.handles = Lines(), Handles()
        self.is_active = True
        self.output = TensorOutput(self.handles, self.name, lambda: self.is_active, self.log)
        self.shown = 0

    def header(self) -> Header:
        return Header(stamp=to_stamp(self.shown * 1_000_000_000), frame_id="eye")

    def show(self, shape: tuple[int, ...] = SHAPE, dtype: str = "uint8") -> Any:
        """Hand over the next picture, in place where it can be; its handle, or None."""
        return self.send(self.draw(shape, dtype))

    def draw(self, shape: tuple[int, ...] = SHAPE, dtype: str = "uint8") -> Drawn:
        """The next picture, in a slot if there is one for it."""
        self.shown += 1
        slot = self.output.allocate(shape, dtype)
        pixels = np.empty(shape, dtype) if slot is None else slot.array
        pixels[:] = self.shown
        return pixels, slot

    def send(self, drawn: Drawn) -> Any:
        """Hand over a picture; its handle, or None."""
        before = len(self.handles.sent)
        self.output.publish(drawn[0], self.header(), drawn[1])
        return self.handles.sent[-1] if len(self.handles.sent) > before else None

    def show_copy(self, pixels: NDArray[np.uint8]) -> Any:
        """Hand over a picture that is elsewhere."""
        self.shown += 1
        self.output.publish(pixels, self.header())
        return self.handles.sent[-1]

    def fact(self, name: str) -> str:
        """What /diagnostics would show."""
        return str(self.output.facts()[f"{self.handles.topic} {name}"])

    def free_slots(self) -> int:
        return int(self.fact("free slots").split()[0])
