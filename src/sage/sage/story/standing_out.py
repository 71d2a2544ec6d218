"""What stood out in a run, and what plugins called it: the evidence for a report. No ROS."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from sage_common.core.clock import NS_PER_S

STANDS_OUT = 0.5
"""As rare as the false alarms that were asked for."""
APART_NS = 3 * NS_PER_S // 2
"""What stands out again within this time is still the same."""
MOST = 2000


@dataclass(frozen=True)
class StoodOut:
    """A run of moments that stood out.

    Attributes:
        first_ns, last_ns: the first and the last of them [ns].
        total, reason, modality: of the most salient, its main sense.
    """

    first_ns: int
    last_ns: int
    total: float
    modality: str
    reason: str


@dataclass(frozen=True)
class Named:
    """What a plugin made of a percept.

    Attributes:
        stamp_ns: of the percept, or the end of what was said [ns].
        plugin: who.
        modality: of the percept.
        words: the answer.
    """

    stamp_ns: int
    plugin: str
    modality: str
    words: str


class StandingOut:
    """Keeps the last 2,000 of each."""

    def __init__(self) -> None:
        self.moments: deque[StoodOut] = deque(maxlen=MOST)
        self.names: deque[Named] = deque(maxlen=MOST)

    def look(self, stamp_ns: int, total: float, modality: str, reason: str) -> None:
        """The next moment of fused salience."""
        if total < STANDS_OUT:
            return
        last = self.moments[-1] if self.moments else None
        if last is None or stamp_ns - last.last_ns > APART_NS:
            self.moments.append(StoodOut(stamp_ns, stamp_ns, total, modality, reason))
        elif total > last.total:
            self.moments[-1] = StoodOut(last.first_ns, stamp_ns, total, modality, reason)
        else:
            self.moments[-1] = replace(last, last_ns=max(stamp_ns, last.last_ns))

    def name(self, named: Named) -> None:
        """A plugin has an answer."""
        self.names.append(named)
