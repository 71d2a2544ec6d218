"""What the encoders that collect samples have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

from sage_common.core.puzzle import Percept
from sage_common.core.state.stateful import Stateful


class Collector(Stateful, ABC):
    """An encoder that collects samples and encodes them when it is asked."""

    @abstractmethod
    def percept(self) -> Percept | None:
        """What it collected; None if nothing is new."""
