"""What happens in the day: scenes in random order, and as much time in which nothing happens."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from sage.soak.day.clip import Clip, ClipMessage
from sage_common.core.clock import NS_PER_S

HOUR_NS = 3600 * NS_PER_S
LIVELY_NS = HOUR_NS // 2
"""Of each hour; in the rest the robot stands where nothing moves, so that it rests and sleeps."""
SHORTEST_S, LONGEST_S = 30, 180


def day_of(
    lively: Sequence[Clip], quiet: Clip, begin_ns: int, end_ns: int, seed: int = 0
) -> Iterator[ClipMessage]:
    """The messages of a day: every hour is made alike, and none is like another.

    Args:
        lively: clips of which a scene is one, 30 s to 3 min long.
        quiet: what the second half of each hour is.
        begin_ns, end_ns: when the day begins and ends.
        seed: decides the scenes.
    """
    choice = random.Random(seed)
    for hour_ns in range(begin_ns, end_ns, HOUR_NS):
        lively_end_ns = min(hour_ns + LIVELY_NS, end_ns)
        now_ns = hour_ns
        while now_ns < lively_end_ns:
            length_ns = choice.randint(SHORTEST_S, LONGEST_S) * NS_PER_S
            then_ns = min(now_ns + length_ns, lively_end_ns)
            yield from choice.choice(lively).played(now_ns, then_ns)
            now_ns = then_ns
        yield from quiet.played(now_ns, min(hour_ns + HOUR_NS, end_ns))
