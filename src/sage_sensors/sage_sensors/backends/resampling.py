"""Sound of any rate and block size, made into 100 ms chunks of 16 kHz."""

from __future__ import annotations

import av
import numpy as np
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_MS, NS_PER_S
from sage_common.core.errors import CannotContinue
from sage_common.core.state.fields import State, Variable
from sage_common.core.state.stateful import Stateful
from sage_sensors.core.samples import (
    CHUNK_SAMPLES,
    SAMPLE_NS,
    SAMPLE_RATE_HZ,
    Sound,
    Stamped,
)

# Blocks whose stamps are further apart than this do not belong together: sound was lost between.
LARGEST_GAP_NS = 50 * NS_PER_MS


class Rechunker(Stateful):
    """Collects blocks of mono sound and gives back whole chunks.

    Args:
        rate_hz: sample rate of the blocks, >= 1.
    """

    _pending: State[Variable]
    _last_ns: State[int | None] = None

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._resampler = self._fresh_resampler()
        self._pending = np.empty(0, np.float32)

    def push(self, last_ns: int, block: NDArray[np.float32]) -> list[Stamped[Sound]]:
        """Add float32 [n], captured until `last_ns`; the chunks that are complete now."""
        first_ns = last_ns - round(len(block) * NS_PER_S / self._rate_hz)
        if self._last_ns is not None and abs(first_ns - self._last_ns) > LARGEST_GAP_NS:
            self._resampler = self._fresh_resampler()
            self._pending = np.empty(0, np.float32)
        self._last_ns = last_ns
        self._pending = np.concatenate([self._pending, self._resampled(block)])
        chunks: list[Stamped[Sound]] = []
        while len(self._pending) >= CHUNK_SAMPLES:
            chunk, self._pending = self._pending[:CHUNK_SAMPLES], self._pending[CHUNK_SAMPLES:]
            chunks.append(Stamped(last_ns - len(self._pending) * SAMPLE_NS, Sound(chunk)))
        return chunks

    def _fresh_resampler(self) -> av.AudioResampler | None:
        if self._rate_hz == SAMPLE_RATE_HZ:
            return None
        return av.AudioResampler("flt", "mono", SAMPLE_RATE_HZ)

    def _resampled(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._resampler is None:
            return block
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(block)[None, :], format="flt", layout="mono"
        )
        frame.sample_rate = self._rate_hz
        parts = [part.to_ndarray()[0] for part in self._resampler.resample(frame)]
        return np.concatenate(parts) if parts else np.empty(0, np.float32)

    def check_can_suspend(self) -> None:
        if self._resampler is not None and self._last_ns is not None:
            raise CannotContinue(f"sound of {self._rate_hz} Hz is being resampled")
