"""The last second of sound as a puzzle: row 0 the lowest band, column 29 the newest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import Percept
from sage_encoders.core.log_mel import SAMPLE_RATE, LogMelStream, normalise
from sage_encoders.core.model import Model

PERIOD = SAMPLE_RATE // 10
LARGEST_BLOCK = 10 * SAMPLE_RATE
GAP_NS = 50_000_000


class AudioEncoder:
    """Encodes a stream of sound, once every 100 ms.

    Args:
        model: input `log_mel` float32 [1, 60, 100], normalised; outputs `codes` uint8
            [1, 30, 30], ordered by energy, and `embedding` float32 [1, D].
        source: name of the microphone.
    """

    def __init__(self, model: Model, source: str) -> None:
        self._model, self._source = model, source
        self._stream = LogMelStream()
        self._stamp_ns = -1
        self._waiting = 0
        self.gaps = 0

    @property
    def encoder_id(self) -> str:
        """Of the model."""
        return self._model.encoder_id

    def push(self, samples: NDArray[np.float32], stamp_ns: int) -> Percept | None:
        """Take the next block of sound.

        A block that does not continue the last one (more than 50 ms early or late) starts the
        window anew and counts in `gaps`.

        Args:
            samples: 16 kHz mono, [n], full scale 1.
            stamp_ns: capture time of the last sample.

        Returns:
            A percept if 100 ms have passed since the last one and the window is full, else None.

        Raises:
            InvalidInput: not one-dimensional, empty, longer than 10 s, or not finite.
        """
        if samples.ndim != 1 or not 1 <= len(samples) <= LARGEST_BLOCK:
            raise InvalidInput("samples", f"shape {samples.shape}", f"[1..{LARGEST_BLOCK}]")
        if not np.isfinite(samples).all():
            raise InvalidInput("samples", "NaN or infinite", "finite numbers")
        expected_ns = self._stamp_ns + len(samples) * 1_000_000_000 // SAMPLE_RATE
        if self._stamp_ns >= 0 and abs(stamp_ns - expected_ns) > GAP_NS:
            self.gaps += 1
            self._stream.reset()
            self._waiting = 0
        self._stamp_ns = stamp_ns
        self._stream.push(samples)
        self._waiting += len(samples)
        if not self._stream.full or self._waiting < PERIOD:
            return None
        self._waiting %= PERIOD
        return self._encode(stamp_ns)

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
