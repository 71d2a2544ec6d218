"""For how long a stream has brought the same sample."""

from __future__ import annotations

import numpy as np

from sage_common.core.sections import Arrays


class Stillness:
    """Measures how long the samples of a stream have been equal; one compare a sample.

    A living sensor has noise, so samples that are equal to the bit come from a sensor that hangs
    or from a world that is synthetic.
    """

    def __init__(self) -> None:
        self._content: bytes | None = None
        self._since_ns = 0

    def observe(self, stamp_ns: int, content: bytes) -> float:
        """Time since the first of the equal samples that end with this one [s], >= 0.

        Args:
            stamp_ns: of the sample; a stamp before the first of them begins anew.
            content: bytes that are equal for equal samples.
        """
        if content != self._content or stamp_ns < self._since_ns:
            self._content, self._since_ns = content, stamp_ns
        return (stamp_ns - self._since_ns) * 1e-9

    def state(self) -> Arrays:
        """The newest sample, and since when it has been so."""
        seen = self._content is not None
        content = np.frombuffer(self._content or b"", np.uint8)
        return {"content": content, "since": np.array([seen, self._since_ns], np.int64)}

    def restore(self, state: Arrays) -> None:
        """Continue from `state()`."""
        seen, self._since_ns = (int(value) for value in state["since"])
        self._content = state["content"].tobytes() if seen else None
