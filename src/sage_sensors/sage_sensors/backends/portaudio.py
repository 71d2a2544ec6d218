"""Microphones through PortAudio."""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from typing import Any, ClassVar

import numpy as np

# Else PulseAudio delivers when its largest buffer is full: 2 s at a time.
os.environ.setdefault("PULSE_LATENCY_MSEC", "30")

import sounddevice
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_S, Clock
from sage_sensors.backends.resampling import Rechunker
from sage_sensors.backends.sound_cards import sound_inputs
from sage_sensors.core.samples import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Sound, SourceError, Stamped

WAIT_S = 0.3
SILENT_WAITS, FIRST_WAITS = 4, 14
"""In a row, before a microphone is taken for lost, and for one that never gave any sound yet: a
sound server may have to wake it first, over Bluetooth for instance."""
QUEUE_BLOCKS = 20


class PortAudioMicrophone:
    """A microphone, resampled to 16 kHz mono if it cannot do that itself.

    Args:
        device: part of its name, or its number; empty: the system's default.
        clock: for the stamps; capture time of the last sample, by PortAudio's own clock.
    """

    # PortAudio is one for the whole process: it must not be restarted under an open stream.
    _library: ClassVar[threading.Lock] = threading.Lock()
    _open_streams: ClassVar[int] = 0

    polled = False
    period_s = CHUNK_SAMPLES / SAMPLE_RATE_HZ

    def __init__(self, device: str, clock: Clock) -> None:
        self.source = f"portaudio:{device or 'default'}"
        self.overruns = 0
        self._device: int | str | None = int(device) if device.isdigit() else device or None
        self._clock = clock
        self._stream: Any = None
        self._blocks: queue.Queue[tuple[int, NDArray[np.float32]]] = queue.Queue(QUEUE_BLOCKS)
        self._chunks: deque[Stamped[Sound]] = deque()
        self._rechunker = Rechunker(SAMPLE_RATE_HZ)
        self._rate_hz = SAMPLE_RATE_HZ
        self._silent, self._most_silent = 0, FIRST_WAITS

    def open(self) -> None:
        with self._library:
            self._open()

    def _open(self) -> None:
        if not PortAudioMicrophone._open_streams:
            # It lists the devices when it starts; else one that is plugged in later is unseen.
            sounddevice._terminate()
            sounddevice._initialize()
        try:
            self._rate_hz = self._choose_rate()
            self._rechunker = Rechunker(self._rate_hz)
            self._blocks = queue.Queue(QUEUE_BLOCKS)
            self._chunks.clear()
            self._silent, self._most_silent = 0, FIRST_WAITS
            self._stream = sounddevice.InputStream(
                samplerate=self._rate_hz,
                blocksize=self._rate_hz // 10,
                device=self._device,
                channels=1,
                dtype="float32",
                callback=self._receive,
            )
            PortAudioMicrophone._open_streams += 1
            self._stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            self._close()
            raise SourceError(f"{self.source}: {error}") from error

    @property
    def rate_hz(self) -> int:
        """At which the device samples [Hz]; what it gives is resampled to 16 kHz."""
        return self._rate_hz

    def read(self) -> Stamped[Sound] | None:
        while not self._chunks:
            if self._stream is None:
                return None
            try:
                last_ns, block = self._blocks.get(timeout=WAIT_S)
            except queue.Empty:
                self._silent += 1
                if self._silent >= self._most_silent or not self._stream.active:
                    raise SourceError(f"{self.source}: no sound arrives; unplugged?") from None
                return None
            self._silent, self._most_silent = 0, SILENT_WAITS
            self._chunks.extend(self._rechunker.push(last_ns, block))
        return self._chunks.popleft()

    def close(self) -> None:
        with self._library:
            self._close()

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close(ignore_errors=True)
            self._stream = None
            PortAudioMicrophone._open_streams -= 1

    def _choose_rate(self) -> int:
        try:
            sounddevice.check_input_settings(
                device=self._device, channels=1, dtype="float32", samplerate=SAMPLE_RATE_HZ
            )
            return SAMPLE_RATE_HZ
        except sounddevice.PortAudioError:
            return int(self._found()["default_samplerate"])

    def _found(self) -> Any:
        try:
            return sounddevice.query_devices(self._device, "input")
        except sounddevice.PortAudioError as error:
            if self._device is None:
                raise SourceError(f"{self.source}: {_none_found()}") from error
            raise

    def _receive(self, data: NDArray[np.float32], frames: int, time: Any, status: Any) -> None:
        """Called by PortAudio on a thread of its own, for each block."""
        now_ns = self._clock.now_ns()
        self.overruns += bool(status.input_overflow)
        length_s = (frames - 1) / self._rate_hz
        # Age of the block's first sample; some drivers do not say when they captured it.
        age_s = length_s
        if time.inputBufferAdcTime > 0.0:
            age_s = time.currentTime - time.inputBufferAdcTime
        last_ns = now_ns - round((age_s - length_s) * NS_PER_S)
        try:
            self._blocks.put_nowait((min(last_ns, now_ns), data[:, 0].copy()))
        except queue.Full:
            self.overruns += 1


def _none_found() -> str:
    faults = [
        f"; {item.name} ({item.address}): {item.fault}" for item in sound_inputs() if item.fault
    ]
    return "".join(("no microphone is known to PortAudio", *faults))
