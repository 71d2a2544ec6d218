"""The newest pictures of a camera, kept where they are until somebody asks for one."""

from __future__ import annotations

import functools
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import Header

from sage_common.ros.conversions.images import image_to_rgb
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.latest import LatestMessages
from sage_common.ros.tensors.picture import Picture

NEWEST_NS = 2**62


@dataclass(frozen=True)
class Still:
    """A picture that nobody takes away.

    Attributes:
        header: of the frame.
        rgb: gives its pixels, uint8 RGB [height, width, 3]; raises InvalidInput if they are none.
    """

    header: Header
    rgb: Callable[[], NDArray[np.uint8]]


class LatestPictures:
    """The last `depth` pictures: those lent by a mailbox, or else messages.

    Keeping costs a lease, or a reference; asking copies one picture. Safe to ask from a worker.

    Args:
        messages: where images are kept when they come as such.
        depth: pictures kept, >= 1.
    """

    def __init__(self, messages: LatestMessages, depth: int) -> None:
        self._messages = messages
        self._depth = depth
        self._lent: deque[Picture] = deque(maxlen=depth)
        self._lock = threading.Lock()

    def keep(self, picture: Picture) -> None:
        """Keep a picture; the oldest goes back to its camera, unless it is being copied."""
        with self._lock:
            self._lent.append(picture)

    def held_bytes(self) -> int:
        """Of the pictures that are kept from a mailbox, which must not overwrite them."""
        with self._lock:
            return sum(picture.pixels.nbytes for picture in self._lent)

    def kept_bytes(self) -> int:
        """Of the one picture that stays at the highest level of pressure."""
        with self._lock:
            return self._lent[-1].pixels.nbytes if self._lent else 0

    def relieve(self, level: int) -> None:
        """Keep fewer under pressure: half of them at yellow, one above."""
        depth = (self._depth, -(-self._depth // 2), 1, 1, 1)[level]
        self._messages.keep_at_most(depth)
        with self._lock:
            self._lent = deque(self._lent, maxlen=depth)

    def clear(self) -> None:
        """Give all lent pictures back."""
        with self._lock:
            self._lent.clear()

    def newest(self) -> Still | None:
        """The newest picture, a lent one first; None: there is none."""
        return self.nearest(NEWEST_NS, NEWEST_NS)

    def nearest(self, wanted_ns: int, within_ns: int) -> Still | None:
        """The picture nearest to a time; None if none is within `within_ns` of it [ns]."""

        def distance_ns(header: Header) -> int:
            return abs(stamp_ns(header.stamp) - wanted_ns)

        with self._lock:
            picture = min(self._lent, key=lambda lent: distance_ns(lent.header), default=None)
        if picture is not None and distance_ns(picture.header) <= within_ns:
            pixels = picture.pixels.copy()
            if picture.is_whole():
                return Still(picture.header, lambda: pixels)
        message = self._messages.nearest(wanted_ns)
        if message is None or distance_ns(message.header) > within_ns:
            return None
        return Still(message.header, functools.partial(image_to_rgb, message))
