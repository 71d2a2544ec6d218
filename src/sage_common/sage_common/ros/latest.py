"""The newest messages of a topic, kept as they came until somebody asks."""

from __future__ import annotations

import struct
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from sage_common.core.clock import NS_PER_S, Clock
from sage_common.core.errors import InvalidInput
from sage_common.core.health import InputHealth
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_common.ros.checks import check_stamp_ns
from sage_common.ros.conversions.stamps import stamp_ns as stamp_of
from sage_common.ros.gate import Gate

_CDR_HEADER_BYTES = 4
_STAMP_BYTES = 8


class LatestMessages(Stateful):
    """The last `depth` messages of one topic whose type begins with a header.

    They come serialized from the middleware, or as they are from a node of this process. Keeping
    costs one reference; reading deserializes where needed, and checks. A message that fails is
    counted, reported and dropped, and the next best is taken. Safe to read from a worker.

    Args:
        depth: messages kept, >= 1.
        deserialize: makes a message from bytes.
        gate: checks and counts; its callback is not used.
        clock: for the age of stamps.
    """

    _kept: State[deque[tuple[int, bytes]]]
    """Stamps and messages: serialized on a host that can be suspended, else as they came."""

    def __init__(
        self, depth: int, deserialize: Callable[[bytes], Any], gate: Gate, clock: Clock
    ) -> None:
        self._kept = deque(maxlen=depth)
        self._deserialize = deserialize
        self._gate = gate
        self._clock = clock
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def health(self) -> InputHealth:
        """Counters and freshness of the topic."""
        return self._gate.health

    def receive(self, data: Any) -> None:
        """Keep one message, serialized or not; the oldest falls out."""
        if not self._gate.owner.active:
            return
        now_ns = self._clock.now_ns()
        try:
            is_serialized = isinstance(data, bytes)
            stamp_ns = serialized_stamp_ns(data) if is_serialized else stamp_of(data.header.stamp)
            if self._gate.spec.stamp_checked:
                check_stamp_ns(stamp_ns, now_ns)
        except InvalidInput as fault:
            self._gate.reject(fault)
            return
        with self._lock:
            self._kept.append((stamp_ns, data))
        self.health.accept(now_ns)

    def keep_at_most(self, depth: int) -> None:
        """Keep so many from now on, the newest of those that are there."""
        with self._lock:
            self._kept = deque(self._kept, maxlen=depth)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()

    @property
    def newest_stamp_ns(self) -> int:
        """Stamp of the newest message, good or not; 0 if there is none."""
        with self._lock:
            return self._kept[-1][0] if self._kept else 0

    def newest(self) -> Any | None:
        """The newest good message; None if there is none."""
        return self._first(lambda kept: kept[-1])

    def best(self, of: int, rank: Callable[[Any], float]) -> Any | None:
        """Of the newest `of` messages the good one that ranks highest; None if there is none.

        Args:
            of: how many are looked at, >= 0.
            rank: of a message as it came, serialized or not.
        """
        if of == 0:
            return None
        return self._first(lambda kept: max(list(kept)[-of:], key=lambda item: rank(item[1])))

    def nearest(self, stamp_ns: int) -> Any | None:
        """The good message whose stamp is nearest to `stamp_ns`; None if there is none."""
        return self._first(lambda kept: min(kept, key=lambda item: abs(item[0] - stamp_ns)))

    def between(self, start_ns: int, end_ns: int) -> list[Any]:
        """Good messages with start_ns <= stamp <= end_ns, oldest first."""
        with self._lock:
            chosen = [item for item in self._kept if start_ns <= item[0] <= end_ns]
        opened = [self._open(item) for item in chosen]
        return [message for message in opened if message is not None]

    def _first(self, choose: Callable[[deque[tuple[int, Any]]], tuple[int, Any]]) -> Any | None:
        while True:
            with self._lock:
                if not self._kept:
                    return None
                item = choose(self._kept)
            message = self._open(item)
            if message is not None:
                return message

    def _open(self, item: tuple[int, Any]) -> Any | None:
        is_serialized = isinstance(item[1], bytes)
        message = self._deserialize(item[1]) if is_serialized else item[1]
        try:
            # Its stamp was checked on arrival; here it may be as old as the reader wants.
            self._gate.check(message, item[0])
        except InvalidInput as fault:
            with self._lock:
                if item in self._kept:
                    self._kept.remove(item)
            self._gate.reject(fault)
            return None
        return message


def serialized_stamp_ns(data: bytes) -> int:
    """header.stamp of a CDR-serialized message whose first field is a std_msgs/Header.

    Raises:
        InvalidInput: fewer bytes than a stamp needs.
    """
    if len(data) < _CDR_HEADER_BYTES + _STAMP_BYTES:
        raise InvalidInput("message", f"{len(data)} bytes", "a header")
    order = "<" if data[1] & 1 else ">"
    seconds, nanoseconds = struct.unpack_from(order + "iI", data, _CDR_HEADER_BYTES)
    return int(seconds) * NS_PER_S + int(nanoseconds)
