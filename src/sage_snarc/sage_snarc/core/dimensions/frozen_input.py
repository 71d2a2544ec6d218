"""For how long a stream has brought the same sample."""

from __future__ import annotations

from sage_common.core.state.fields import State
from sage_common.core.state.ranges import Stamp
from sage_common.core.state.stateful import Stateful


class FrozenInput(Stateful):
    """Measures how long the samples of a stream have been equal; one compare a sample.

    A living sensor has noise, so samples that are equal to the bit come from a sensor that hangs
    or from a world that is synthetic.
    """

    _content: State[bytes | None] = None
    _since_ns: State[Stamp] = 0

    def observe(self, stamp_ns: int, content: bytes) -> float:
        """Time since the first of the equal samples that end with this one [s], >= 0.

        Args:
            stamp_ns: of the sample; a stamp before the first of them begins anew.
            content: bytes that are equal for equal samples.
        """
        if content != self._content or stamp_ns < self._since_ns:
            self._content, self._since_ns = content, stamp_ns
        return (stamp_ns - self._since_ns) * 1e-9
