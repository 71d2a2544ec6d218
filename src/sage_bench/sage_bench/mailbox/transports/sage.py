"""SAGE's tensor mailbox in shared memory."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from sage_bench.mailbox.transports.transport import Arrival
from sage_cuda_mailbox import Closed, TensorMailbox

SLOTS = 4
RECEIVERS_S, CLOSED_S = 10.0, 0.01


class SageSender:
    """Fills the slot where it lies."""

    def __init__(self, channel: str, payload_bytes: int) -> None:
        self._shape = (payload_bytes,)
        self._mailbox = TensorMailbox.create(channel, slot_bytes=payload_bytes, slot_count=SLOTS)
        self._writer = self._mailbox.writer()
        self._lease: Any = None

    def wait_for(self, receivers: int) -> None:
        end_s = time.monotonic() + RECEIVERS_S
        while self._mailbox.statistics()["readers"] < receivers:
            if time.monotonic() > end_s:
                raise RuntimeError(f"fewer than {receivers} readers came in {RECEIVERS_S:.0f} s")
            time.sleep(0.01)

    def fill(self, value: int) -> None:
        self._lease = self._writer.acquire("overwrite")
        self._lease.array(self._shape, "uint8").fill(value)

    def commit(self, stamp_ns: int) -> None:
        self._lease.publish(stamp_ns=stamp_ns)

    def close(self) -> None:
        self._writer.close()
        self._mailbox.close()


class SageReceiver:
    """Looks at the tensor where it lies."""

    def __init__(self, channel: str) -> None:
        self._mailbox = TensorMailbox.attach(channel)
        self._reader = self._mailbox.reader()

    def poll(self) -> Arrival | None:
        try:
            lease = self._reader.next()
        except Closed:
            return None  # the sender is done
        if lease is None:
            return None
        with lease:
            array = lease.numpy()
            array[0], array[-1]
            seen_ns = time.monotonic_ns()
            return Arrival(lease.stamp_ns, seen_ns)

    def wait(self, timeout_s: float) -> None:
        try:
            self._reader.wait(timeout_s)
        except Closed:
            time.sleep(CLOSED_S)  # the sender is done

    def close(self) -> None:
        self._reader.close()
        self._mailbox.close()


class SageTransport:
    """`sage_cuda_mailbox`, from Python."""

    name = "SAGE"
    has_threads = False
    can_sleep = True
    most_hz = 1000.0

    def environment(self, folder: Path) -> dict[str, str]:
        return {}

    def sender(self, channel: str, payload_bytes: int, polling: bool) -> SageSender:
        return SageSender(channel, payload_bytes)

    def receiver(self, channel: str, payload_bytes: int, polling: bool) -> SageReceiver:
        return SageReceiver(channel)
