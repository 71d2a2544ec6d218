"""What the encoders that collect samples have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import Percept
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful


class View(NamedTuple):
    """What of a percept was sensed; see `Percept`."""

    codes: NDArray[np.uint8]
    embedding: NDArray[np.float32]
    text: str = ""


class Collector(Stateful, ABC):
    """An encoder that collects samples and encodes them when it is asked.

    Args:
        modality, source: of its percepts.
    """

    encoder_id: ClassVar[str]
    _stamp_ns: State[int] = -1
    _encoded_ns: State[int] = -1

    def __init__(self, modality: str, source: str) -> None:
        self._modality, self._source = modality, source

    def percept(self) -> Percept | None:
        """Encode the present; None if nothing arrived since the last percept."""
        if self._stamp_ns <= self._encoded_ns:
            return None
        view = self._view()
        self._encoded_ns = self._stamp_ns
        return Percept(
            stamp_ns=self._stamp_ns,
            modality=self._modality,
            source=self._source,
            codes=view.codes,
            embedding=view.embedding,
            encoder_id=self.encoder_id,
            text=view.text,
        )

    @abstractmethod
    def _view(self) -> View:
        """What is now, since `_encoded_ns`."""

    def _check_newer(self, stamp_ns: int) -> None:
        if stamp_ns <= self._stamp_ns:
            raise InvalidInput("header.stamp", stamp_ns, f"after {self._stamp_ns}")
