"""UUIDv7 (RFC 9562) from a clock and a generator that are passed in."""

from __future__ import annotations

import hashlib
import threading
import uuid

import numpy as np

from sage_common.core.clock import NS_PER_MS, Clock
from sage_common.core.errors import InvalidInput
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful

ID_BYTES = 16
_DRAWN_AT_ONCE = 256
_RANDOM_A_BITS = 12
_RANDOM_B_BITS = 62


class IdentifierFactory(Stateful):
    """Makes 128-bit ids that sort by time of creation.

    Args:
        clock: gives the 48-bit millisecond stamp.
        rng: gives the random bits.
        salt: what must make ids differ although clock and generator are equal: the device, and
            what the store already holds (a recording played twice into one store).
        newest: the largest id that there is; empty: none. Every new one is greater, also where the
            clock has gone back.
    """

    _rng: State[np.random.Generator]
    _drawn: State[list[bytes]]
    _millisecond: State[int]
    _counter: State[int]

    def __init__(
        self, clock: Clock, rng: np.random.Generator, salt: bytes, newest: bytes = b""
    ) -> None:
        self._clock = clock
        seed = rng.bytes(ID_BYTES) + hashlib.sha256(salt).digest()
        self._rng = np.random.default_rng(np.frombuffer(seed, np.uint32))
        self._drawn = []
        self._millisecond, self._counter = -1, 0
        if newest:
            head = int.from_bytes(newest[:8], "big")
            self._millisecond, self._counter = head >> 16, head & ((1 << _RANDOM_A_BITS) - 1)
        self._lock = threading.Lock()

    def next(self) -> bytes:
        """The next id, 16 bytes, big-endian, greater than every one before.

        Ids of one millisecond ascend by a counter; where it overflows, or the clock goes back, the
        milliseconds go on from the newest id (RFC 9562, 6.2, method 1). From any thread: what is
        remembered and what sleep makes are named side by side.
        """
        with self._lock:
            return self._next()

    def _next(self) -> bytes:
        millisecond = max(self._clock.now_ns() // NS_PER_MS, 0)
        if not self._drawn:
            bits = self._rng.bytes(ID_BYTES * _DRAWN_AT_ONCE)
            self._drawn = [bits[i : i + ID_BYTES] for i in range(0, len(bits), ID_BYTES)][::-1]
        random = int.from_bytes(self._drawn.pop(), "big")
        if millisecond <= self._millisecond and self._counter + 1 < 1 << _RANDOM_A_BITS:
            millisecond = self._millisecond
            self._counter += 1
        else:
            millisecond = max(millisecond, self._millisecond + 1)
            # half the range stays free, so that the counter has room to ascend
            self._counter = (random >> _RANDOM_B_BITS) & ((1 << (_RANDOM_A_BITS - 1)) - 1)
        self._millisecond = millisecond
        value = (millisecond & ((1 << 48) - 1)) << 80
        value |= 0x7 << 76 | self._counter << 64
        value |= 0b10 << 62 | random & ((1 << _RANDOM_B_BITS) - 1)
        return value.to_bytes(ID_BYTES, "big")


def id_text(identifier: bytes) -> str:
    """Canonical text form, 36 characters."""
    return str(uuid.UUID(bytes=identifier))


def id_bytes(identifier: bytes | str, field: str = "id") -> bytes:
    """The 16 bytes of an id, given as such or in its text form.

    Raises:
        InvalidInput: it is neither.
    """
    if isinstance(identifier, str):
        return parse_id(identifier, field)
    if not isinstance(identifier, bytes) or len(identifier) != ID_BYTES:
        raise InvalidInput(field, identifier, "16 bytes, or a UUID as text")
    return identifier


def parse_id(text: str, field: str = "id") -> bytes:
    """The 16 bytes of a canonical text form.

    Raises:
        InvalidInput: the text is no UUID.
    """
    try:
        return uuid.UUID(text).bytes
    except (ValueError, AttributeError, TypeError):
        raise InvalidInput(field, text, "a UUID, 8-4-4-4-12 hex digits") from None
