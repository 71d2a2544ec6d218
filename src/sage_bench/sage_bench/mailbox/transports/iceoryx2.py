"""iceoryx2: zero-copy publish and subscribe, from Python."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path
from typing import Any

import iceoryx2 as iox2
import numpy as np
from numpy.typing import NDArray

from sage_bench.mailbox.transports.transport import Arrival

BUFFER = 4
STAMP_BYTES = 8
RECEIVERS_S = 10.0


class Iceoryx2Sender:
    """Loans a slice, fills it where it lies, and wakes those who sleep, if there are to be some."""

    def __init__(self, channel: str, payload_bytes: int, polling: bool) -> None:
        self._node = _node()
        self._service = _service(self._node, channel)
        builder = self._service.publisher_builder().initial_max_slice_len(payload_bytes)
        self._publisher = builder.create()
        self._notifier = None if polling else _bell(self._node, channel).notifier_builder().create()
        self._bytes = payload_bytes
        self._sample: Any = None

    def wait_for(self, receivers: int) -> None:
        end_s = time.monotonic() + RECEIVERS_S
        while self._service.dynamic_config.number_of_subscribers < receivers:
            if time.monotonic() > end_s:
                raise RuntimeError(f"fewer than {receivers} came in {RECEIVERS_S:.0f} s")
            time.sleep(0.01)
        self._publisher.update_connections()

    def fill(self, value: int) -> None:
        self._sample = self._publisher.loan_slice_uninit(self._bytes)
        _array(self._sample.payload()).fill(value)

    def commit(self, stamp_ns: int) -> None:
        _array(self._sample.payload())[:STAMP_BYTES].view(np.int64)[0] = stamp_ns
        self._sample.assume_init().send()
        if self._notifier is not None:
            self._notifier.notify()

    def close(self) -> None:
        self._publisher.delete()


class Iceoryx2Receiver:
    """Looks at the slice where it lies; sleeps on an event, which is a service beside it."""

    def __init__(self, channel: str, polling: bool) -> None:
        self._node = _node()
        self._service = _service(self._node, channel)
        self._subscriber = self._service.subscriber_builder().create()
        self._listener = None if polling else _bell(self._node, channel).listener_builder().create()

    def poll(self) -> Arrival | None:
        sample = self._subscriber.receive()
        if sample is None:
            return None
        array = _array(sample.payload())
        array[0], array[-1]
        seen_ns = time.monotonic_ns()
        stamp_ns = int(array[:STAMP_BYTES].view(np.int64)[0])
        sample.delete()
        return Arrival(stamp_ns, seen_ns)

    def wait(self, timeout_s: float) -> None:
        assert self._listener is not None
        self._listener.timed_wait(iox2.Duration.from_secs_f64(timeout_s))

    def close(self) -> None:
        self._subscriber.delete()


class Iceoryx2Transport:
    """iceoryx2 of PyPI."""

    name = "iceoryx2"
    has_threads = False
    can_sleep = True
    most_hz = 1000.0

    def environment(self, folder: Path) -> dict[str, str]:
        return {}

    def sender(self, channel: str, payload_bytes: int, polling: bool) -> Iceoryx2Sender:
        return Iceoryx2Sender(channel, payload_bytes, polling)

    def receiver(self, channel: str, payload_bytes: int, polling: bool) -> Iceoryx2Receiver:
        return Iceoryx2Receiver(channel, polling)


def _node() -> iox2.Node:
    iox2.set_log_level(iox2.LogLevel.Error)
    return iox2.NodeBuilder.new().create(iox2.ServiceType.Ipc)


def _service(node: iox2.Node, channel: str) -> iox2.PortFactoryPublishSubscribe:
    builder = node.service_builder(iox2.ServiceName.new(channel))
    return (
        builder.publish_subscribe(iox2.Slice[ctypes.c_uint8])
        .enable_safe_overflow(True)
        .subscriber_max_buffer_size(BUFFER)
        .open_or_create()
    )


def _bell(node: iox2.Node, channel: str) -> iox2.PortFactoryEvent:
    return node.service_builder(iox2.ServiceName.new(channel)).event().open_or_create()


def _array(payload: iox2.Slice) -> NDArray[np.uint8]:
    return np.ctypeslib.as_array((ctypes.c_uint8 * payload.len()).from_address(payload.data_ptr))
