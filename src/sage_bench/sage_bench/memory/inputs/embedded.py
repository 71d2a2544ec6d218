"""Real sentences, pictures or seconds of sound, and what an encoder makes of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Embedded:
    """What was really said, seen or heard, as the graph's encoder of it sees it.

    Attributes:
        texts: the sentences, or names of what was seen or heard; all different, in an order
            without meaning.
        embeddings: float32 [n, D], unit length.
        codes: puzzles, uint8 [n, 30, 30].
        encoder_id: of the encoder.
    """

    texts: tuple[str, ...]
    embeddings: NDArray[np.float32]
    codes: NDArray[np.uint8]
    encoder_id: str

    @property
    def digest(self) -> str:
        """SHA-256 of all texts and embeddings, hex."""
        digest = hashlib.sha256("\n".join(self.texts).encode())
        digest.update(self.embeddings.tobytes())
        return digest.hexdigest()
