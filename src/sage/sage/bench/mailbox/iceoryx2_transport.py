"""iceoryx2: zero-copy publish and subscribe, from Python."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path

import iceoryx2 as iox2
import numpy as np
from numpy.typing import NDArray

BUFFER = 4
STAMP_BYTES = 8
NAP_S = 0.0001


class Iceoryx2Sender:
    """Loans a slice for each payload; only the stamp is written into it."""

    def __init__(self, channel: str, payload_bytes: int) -> None:
        self._service, self._node = _service(channel)
        builder = self._service.publisher_builder().initial_max_slice_len(payload_bytes)
        self._publisher = builder.create()
        self._bytes = payload_bytes

    def send(self, stamp_ns: int) -> None:
        sample = self._publisher.loan_slice_uninit(self._bytes)
        _array(sample.payload())[:STAMP_BYTES].view(np.int64)[0] = stamp_ns
        sample.assume_init().send()

    def close(self) -> None:
        self._publisher.delete()


class Iceoryx2Receiver:
    """Looks at the slice where it lies. Sleeping is not part of its publish and subscribe."""

    def __init__(self, channel: str) -> None:
        self._service, self._node = _service(channel)
        self._subscriber = self._service.subscriber_builder().create()

    def poll(self) -> int | None:
        sample = self._subscriber.receive()
        if sample is None:
            return None
        array = _array(sample.payload())
        stamp_ns = int(array[:STAMP_BYTES].view(np.int64)[0])
        array[0], array[-1]
        sample.delete()
        return stamp_ns

    def wait(self, timeout_s: float) -> None:
        time.sleep(min(timeout_s, NAP_S))

    def close(self) -> None:
        self._subscriber.delete()


class Iceoryx2Transport:
    """iceoryx2 of PyPI."""

    name = "iceoryx2"

    def environment(self, folder: Path) -> dict[str, str]:
        return {}

    def sender(self, channel: str, payload_bytes: int) -> Iceoryx2Sender:
        return Iceoryx2Sender(channel, payload_bytes)

    def receiver(self, channel: str, payload_bytes: int) -> Iceoryx2Receiver:
        return Iceoryx2Receiver(channel)


def _service(channel: str) -> tuple[iox2.PortFactoryPublishSubscribe, iox2.Node]:
    iox2.set_log_level(iox2.LogLevel.Error)
    node = iox2.NodeBuilder.new().create(iox2.ServiceType.Ipc)
    builder = node.service_builder(iox2.ServiceName.new(channel))
    service = (
        builder.publish_subscribe(iox2.Slice[ctypes.c_uint8])
        .enable_safe_overflow(True)
        .subscriber_max_buffer_size(BUFFER)
        .open_or_create()
    )
    return service, node


def _array(payload: iox2.Slice) -> NDArray[np.uint8]:
    return np.ctypeslib.as_array((ctypes.c_uint8 * payload.len()).from_address(payload.data_ptr))
