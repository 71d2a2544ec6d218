"""What the encoders that collect samples have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import Percept
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful

SET_BACK_S = 11.0
"""A stamp so far before the newest is not late, for no node takes one that is older than 10 s or
more than 1 s ahead: the clock was set back."""


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

    def _is_set_back(self, stamp_ns: int) -> bool:
        """Whether the clock was set back: then all stamps so far are forgotten."""
        is_set_back = self._stamp_ns - stamp_ns > SET_BACK_S * NS_PER_S
        if is_set_back:
            self._stamp_ns = self._encoded_ns = -1
        return is_set_back

    def _check_newer(self, stamp_ns: int) -> None:
        if stamp_ns <= self._stamp_ns:
            raise InvalidInput("header.stamp", stamp_ns, f"after {self._stamp_ns}")
