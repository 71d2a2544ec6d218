"""Microphones through PortAudio."""

from __future__ import annotations

import queue
from typing import Any

import av
import numpy as np
import sounddevice
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_S, Clock
from sage_sensors.core.samples import (
    CHUNK_SAMPLES,
    SAMPLE_NS,
    SAMPLE_RATE_HZ,
    Sound,
    SourceError,
    Stamped,
)

WAIT_S = 0.3
SILENT_WAITS = 4
QUEUE_BLOCKS = 20


class PortAudioMicrophone:
    """A microphone, resampled to 16 kHz mono if it cannot do that itself.

    Args:
        device: part of its name, or its number; empty: the system's default.
        clock: for the stamps; capture time of the last sample, by PortAudio's own clock.
    """

    polled = False
    period_s = CHUNK_SAMPLES / SAMPLE_RATE_HZ

    def __init__(self, device: str, clock: Clock) -> None:
        self.source = f"portaudio:{device or 'default'}"
        self.overruns = 0
        self._device: int | str | None = int(device) if device.isdigit() else device or None
        self._clock = clock
        self._stream: Any = None
        self._blocks: queue.Queue[tuple[int, NDArray[np.float32]]] = queue.Queue(QUEUE_BLOCKS)
        self._pending = np.empty(0, np.float32)
        self._resampler: Any = None
        self._silent = 0

    def open(self) -> None:
        # PortAudio lists the devices when it starts; without this, one plugged in later is unseen.
        sounddevice._terminate()
        sounddevice._initialize()
        try:
            rate_hz = self._choose_rate()
            self._resampler = None
            if rate_hz != SAMPLE_RATE_HZ:
                self._resampler = av.AudioResampler("flt", "mono", SAMPLE_RATE_HZ)
            self._blocks = queue.Queue(QUEUE_BLOCKS)
            self._pending = np.empty(0, np.float32)
            self._silent = self.overruns = 0
            self._stream = sounddevice.InputStream(
                samplerate=rate_hz,
                blocksize=rate_hz // 10,
                device=self._device,
                channels=1,
                dtype="float32",
                callback=self._receive,
            )
            self._stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            self.close()
            raise SourceError(f"{self.source}: {error}") from error

    def read(self) -> Stamped[Sound] | None:
        while len(self._pending) < CHUNK_SAMPLES:
            if self._stream is None:
                return None
            try:
                self._last_ns, block = self._blocks.get(timeout=WAIT_S)
            except queue.Empty:
                self._silent += 1
                if self._silent >= SILENT_WAITS or not self._stream.active:
                    raise SourceError(f"{self.source}: no sound arrives; unplugged?") from None
                return None
            self._silent = 0
            self._pending = np.concatenate([self._pending, self._resampled(block)])
        chunk, self._pending = self._pending[:CHUNK_SAMPLES], self._pending[CHUNK_SAMPLES:]
        return Stamped(self._last_ns - len(self._pending) * SAMPLE_NS, Sound(chunk))

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close(ignore_errors=True)
            self._stream = None

    def _choose_rate(self) -> int:
        try:
            sounddevice.check_input_settings(
                device=self._device, channels=1, dtype="float32", samplerate=SAMPLE_RATE_HZ
            )
            return SAMPLE_RATE_HZ
        except sounddevice.PortAudioError:
            found = sounddevice.query_devices(self._device, "input")
            return int(found["default_samplerate"])

    def _resampled(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._resampler is None:
            return block
        frame = av.AudioFrame.from_ndarray(block[None, :], format="flt", layout="mono")
        frame.sample_rate = round(len(block) / self.period_s)
        parts = [part.to_ndarray()[0] for part in self._resampler.resample(frame)]
        return np.concatenate(parts) if parts else np.empty(0, np.float32)

    def _receive(self, data: NDArray[np.float32], frames: int, time: Any, status: Any) -> None:
        """Called by PortAudio on a thread of its own, for each block."""
        now_ns = self._clock.now_ns()
        self.overruns += bool(status.input_overflow)
        age_s = max(time.currentTime - time.inputBufferAdcTime, 0.0)
        if not time.inputBufferAdcTime:  # some drivers do not say when they captured
            age_s = frames / self._stream.samplerate
        last_ns = now_ns - round((age_s - (frames - 1) / self._stream.samplerate) * NS_PER_S)
        try:
            self._blocks.put_nowait((min(last_ns, now_ns), data[:, 0].copy()))
        except queue.Full:
            self.overruns += 1
