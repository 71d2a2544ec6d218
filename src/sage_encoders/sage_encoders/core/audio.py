"""The last second of sound as a puzzle: row 0 the lowest band, column 29 the newest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import GRID, Percept
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_encoders.core.log_mel import BANDS, FRAMES, SAMPLE_RATE, LogMelStream, normalise
from sage_encoders.core.model import Model
from sage_encoders.core.signature import Signature, Tensor
from sage_encoders.core.sound_example import last_second, window_of

MODEL = "audio_encoder"
PERIOD = SAMPLE_RATE // 10
LARGEST_BLOCK = 10 * SAMPLE_RATE
TOLERANCE_NS = 50_000_000
LONGEST_BRIDGE_NS = 300_000_000
LOUDEST = 8.0

SIGNATURE = Signature(
    inputs={"log_mel": Tensor("float32", ("N", BANDS, FRAMES))},
    outputs={
        "codes": Tensor("uint8", ("N", GRID, GRID)),
        "embedding": Tensor("float32", ("N", "D")),
    },
)


class AudioEncoder(Stateful):
    """Encodes a stream of sound, once every 100 ms.

    Where up to 300 ms of sound are missing, the window holds the last spectrum through them and
    stays valid: silence in their place would look like an event. After a longer gap, or after a
    block from the past, the window starts anew.

    Args:
        model: input `log_mel` float32 [1, 60, 100], normalised; outputs `codes` uint8
            [1, 30, 30], ordered by energy, and `embedding` float32 [1, D].
        source: name of the microphone.

    Attributes:
        gaps: how often the window started anew.
        bridged: how many short gaps the window was held through.
        bridged_ns: how long these were in total [ns].
    """

    _stream: State[LogMelStream]
    _stamp_ns: State[int] = -1
    _waiting: State[int] = 0
    gaps: State[int] = 0
    bridged: State[int] = 0
    bridged_ns: State[int] = 0

    def __init__(self, model: Model, source: str) -> None:
        self._model, self._source = model, source
        self._stream = LogMelStream()

    @property
    def encoder_id(self) -> str:
        """Of the model."""
        return self._model.encoder_id

    def push(self, samples: NDArray[np.float32], stamp_ns: int) -> Percept | None:
        """Take the next block of sound.

        A block continues the last one if it comes no more than 50 ms early or late.

        Args:
            samples: 16 kHz mono, [n], full scale 1. Louder sound, to 8 (18 dB over full scale),
                is taken as it is; beyond that the samples are not in this scale.
            stamp_ns: capture time of the last sample.

        Returns:
            A percept if 100 ms have passed since the last one and the window is full, else None.

        Raises:
            InvalidInput: not one-dimensional, empty, longer than 10 s, not finite, or beyond 8.
        """
        _check(samples)
        self._close_gap(len(samples), stamp_ns)
        self._stamp_ns = stamp_ns
        self._stream.push(samples)
        self._waiting += len(samples)
        if not self._stream.full or self._waiting < PERIOD:
            return None
        self._waiting %= PERIOD
        return self._encode(stamp_ns)

    def embed(self, samples: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
        """The embedding of a sound by itself, float32 [D]; what was pushed has no part in it.

        Args:
            samples: mono, [n], full scale 1; its last second counts, and silence comes before
                less than that.
            rate_hz: 1000 to 384000.

        Raises:
            InvalidInput: as `push`, and for another rate.
        """
        frames = normalise(window_of(checked_second(samples, rate_hz)))
        return np.asarray(self._model.run(log_mel=frames[None])["embedding"][0], np.float32)

    def _close_gap(self, count: int, stamp_ns: int) -> None:
        if self._stamp_ns < 0:
            return
        missing_ns = stamp_ns - self._stamp_ns - count * 1_000_000_000 // SAMPLE_RATE
        if abs(missing_ns) <= TOLERANCE_NS:
            return
        if 0 < missing_ns <= LONGEST_BRIDGE_NS:
            missing = missing_ns * SAMPLE_RATE // 1_000_000_000
            self.bridged += 1
            self.bridged_ns += missing_ns
            self._stream.bridge(missing)
            self._waiting += missing
            return
        self.gaps += 1
        self._stream.reset()
        self._waiting = 0

    def _encode(self, stamp_ns: int) -> Percept:
        outputs = self._model.run(log_mel=normalise(self._stream.window())[None])
        return Percept(
            stamp_ns=stamp_ns,
            modality="audio",
            source=self._source,
            codes=outputs["codes"][0],
            embedding=outputs["embedding"][0],
            encoder_id=self._model.encoder_id,
        )


def checked_second(samples: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """What `AudioEncoder.embed` takes of a sound: its end at 16 kHz, at most 1.05 s.

    Raises:
        InvalidInput: as `AudioEncoder.embed`.
    """
    window = last_second(samples, rate_hz)
    _check(window)
    return window


def _check(samples: NDArray[np.float32]) -> None:
    if samples.ndim != 1 or not 1 <= len(samples) <= LARGEST_BLOCK:
        raise InvalidInput("samples", f"shape {samples.shape}", f"[1..{LARGEST_BLOCK}]")
    if not np.issubdtype(samples.dtype, np.floating):
        raise InvalidInput("samples", str(samples.dtype), "float32, full scale 1")
    loudest = float(np.abs(samples).max())
    if not np.isfinite(loudest):
        raise InvalidInput("samples", "NaN or infinite", "finite numbers")
    if loudest > LOUDEST:
        raise InvalidInput(
            "samples",
            f"{loudest:g}",
            f"full scale 1, at most {LOUDEST:g}; are these whole numbers?",
        )
