"""SAGE's tensor mailbox in shared memory."""

from __future__ import annotations

from pathlib import Path

from sage_cuda_mailbox import Closed, TensorMailbox

SLOTS = 4


class SageSender:
    """Fills nothing: what stands in a slot is what the last reader saw, as a camera's driver would
    have written it."""

    def __init__(self, channel: str, payload_bytes: int) -> None:
        self._shape = (payload_bytes,)
        self._mailbox = TensorMailbox.create(channel, slot_bytes=payload_bytes, slot_count=SLOTS)
        self._writer = self._mailbox.writer()

    def send(self, stamp_ns: int) -> None:
        with self._writer.acquire("overwrite") as lease:
            lease.describe(self._shape, "uint8")
            lease.publish(stamp_ns=stamp_ns)

    def close(self) -> None:
        self._writer.close()
        self._mailbox.close()


class SageReceiver:
    """Looks at the tensor where it lies."""

    def __init__(self, channel: str) -> None:
        self._mailbox = TensorMailbox.attach(channel)
        self._reader = self._mailbox.reader()

    def poll(self) -> int | None:
        try:
            lease = self._reader.next()
        except Closed:
            return None  # the sender is done
        if lease is None:
            return None
        with lease:
            array = lease.numpy()
            array[0], array[-1]
            return int(lease.stamp_ns)

    def wait(self, timeout_s: float) -> None:
        self._reader.wait(timeout_s)

    def close(self) -> None:
        self._reader.close()
        self._mailbox.close()


class SageTransport:
    """`sage_cuda_mailbox`, from Python."""

    name = "SAGE"

    def environment(self, folder: Path) -> dict[str, str]:
        return {}

    def sender(self, channel: str, payload_bytes: int) -> SageSender:
        return SageSender(channel, payload_bytes)

    def receiver(self, channel: str, payload_bytes: int) -> SageReceiver:
        return SageReceiver(channel)
