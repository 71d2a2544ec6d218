"""Reads a device on a worker, and opens it again when it was lost."""

from __future__ import annotations

from typing import Generic

from sage_common.core.clock import NS_PER_S, Clock
from sage_common.core.errors import InvalidInput
from sage_common.ros.host import Logger, Worker
from sage_sensors.core.backoff import BackOff
from sage_sensors.core.samples import Device, Selective, check_finite_sample
from sage_sensors.publishers.stream import StreamPublisher, T

ABSENT_WARNING_S = 600.0


class DeviceFeed(Generic[T]):
    """Brings the samples of one device to its publisher as they are captured.

    Args:
        device: opened here; after a loss it is opened again after 1 s, 2 s, 4 s .. 30 s.
        stream: where to.
        worker: reads and publishes; serves this feed only.
        clock, log: of the node.
        optional: until it opened for the first time it is absent, which is no error.
    """

    def __init__(
        self, device: Device[T], stream: StreamPublisher[T], worker: Worker, clock: Clock,
        log: Logger, optional: bool = False,
    ) -> None:  # fmt: skip
        self.problem = ""
        self.ended = False
        self._device = device
        self._stream = stream
        self._worker = worker
        self._clock = clock
        self._log = log
        self._may_be_absent = optional
        self._backoff = BackOff()
        self._open = False
        self._busy = False
        self._closed = False
        self._missed = 0
        self._next_ns = clock.now_ns()
        self._selects = isinstance(device, Selective)
        if isinstance(device, Selective):
            device.wants = stream.rate_limit.admits
        stream.watch(device.source, device.period_s)

    @property
    def overruns(self) -> int:
        """Samples that the device lost because nobody read in time, and readings left out."""
        return self._device.overruns + self._missed

    def open_now(self) -> None:
        """Open the device at once.

        Raises:
            SourceError: it cannot be opened.
        """
        self._device.open()
        self._open = True
        self._may_be_absent = False
        self._stream.begin(self._device.source, self._device.period_s)

    def tick(self, now_ns: int) -> None:
        """Start the next reading unless one is under way."""
        if self._busy or self.ended or not (self._open or self._backoff.ready(now_ns)):
            return
        if self._device.polled:
            period_ns = round(self._device.period_s * NS_PER_S)
            if self._next_ns - period_ns <= now_ns < self._next_ns:
                return
            if now_ns < self._next_ns:  # the clock was set back
                self._next_ns = now_ns
            missed = (now_ns - self._next_ns) // period_ns
            self._next_ns += (missed + 1) * period_ns
            self._missed += missed if self._open else 0
        self._busy = True
        self._worker.submit(self._read)

    def close(self) -> None:
        """Give the device back as soon as the reading under way is over."""
        self._closed = True
        self._worker.submit(self._device.close)

    def _read(self) -> None:
        try:
            if self._closed:
                return
            if not self._open:
                self.open_now()
                self._log.info(f"{self._device.source}: opened")
            sample = self._device.read()
            if sample is not None and not self._closed:
                check_finite_sample(sample.value)
                self._backoff.succeeded()
                self.problem = ""
                self._stream.deliver(sample, chosen=self._selects)
        except EOFError as end:
            self.ended = True
            self._log.info(str(end))
        except InvalidInput as fault:
            self._stream.fault()
            self.problem = f"{self._device.source}: a wrong sample: {fault}"
            self._log.warning(
                f"{self._device.source}: dropped a sample: {fault}", throttle_s=1.0, key="fault"
            )
        except Exception as error:  # noqa: BLE001 - a driver may raise anything; it is opened again
            self._lose(error)
        finally:
            self._busy = False

    def _lose(self, error: Exception) -> None:
        self._open = False
        self._device.close()
        self._stream.fault()
        wait_s = self._backoff.failed(self._clock.now_ns())
        self.problem = str(error) or type(error).__name__
        if self._may_be_absent:
            self._stream.absent(self.problem)
            text = f"absent: {self.problem}; looked for again, every 30 s in the end"
            self._log.warning(text, throttle_s=ABSENT_WARNING_S, key="absent")
        else:
            self._log.error(f"{self.problem}; next attempt in {wait_s:g} s")
