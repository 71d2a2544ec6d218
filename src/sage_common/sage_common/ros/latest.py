"""The newest messages of a topic, kept serialized until somebody asks."""

from __future__ import annotations

import struct
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from sage_common.core.clock import NS_PER_S

_CDR_HEADER_BYTES = 4


class LatestMessages:
    """The last `depth` serialized messages of one topic whose type begins with a header.

    Keeping costs one reference; reading deserializes. Safe to read from a worker.
    """

    def __init__(
        self, depth: int, deserialize: Callable[[bytes], Any], check: Callable[[Any], None]
    ) -> None:
        self._kept: deque[tuple[int, bytes]] = deque(maxlen=depth)
        self._deserialize = deserialize
        self._check = check
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, data: bytes) -> None:
        """Keep one serialized message; the oldest falls out."""
        with self._lock:
            self._kept.append((serialized_stamp_ns(data), data))

    def newest(self) -> Any | None:
        """The newest message, checked; None if there is none.

        Raises:
            InvalidInput: a field of it is wrong.
        """
        with self._lock:
            data = self._kept[-1][1] if self._kept else None
        return None if data is None else self._open(data)

    def nearest(self, stamp_ns: int) -> Any | None:
        """The message whose stamp is nearest to `stamp_ns`; None if there is none.

        Raises:
            InvalidInput: a field of it is wrong.
        """
        with self._lock:
            if not self._kept:
                return None
            data = min(self._kept, key=lambda item: abs(item[0] - stamp_ns))[1]
        return self._open(data)

    def between(self, start_ns: int, end_ns: int) -> list[Any]:
        """Messages with start_ns <= stamp <= end_ns, oldest first.

        Raises:
            InvalidInput: a field of one of them is wrong.
        """
        with self._lock:
            chosen = [data for stamp, data in self._kept if start_ns <= stamp <= end_ns]
        return [self._open(data) for data in chosen]

    def _open(self, data: bytes) -> Any:
        message = self._deserialize(data)
        self._check(message)
        return message


def serialized_stamp_ns(data: bytes) -> int:
    """header.stamp of a CDR-serialized message whose first field is a std_msgs/Header."""
    order = "<" if data[1] & 1 else ">"
    seconds, nanoseconds = struct.unpack_from(order + "iI", data, _CDR_HEADER_BYTES)
    return int(seconds) * NS_PER_S + int(nanoseconds)
