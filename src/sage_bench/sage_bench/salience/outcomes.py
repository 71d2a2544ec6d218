"""A person who says what mattered: outcomes, and what fusion learns from them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np

from sage_bench.salience.streams.percepts import MODALITIES, Percepts, stamp_ns
from sage_bench.salience.streams.schedule import FAMILIES
from sage_bench.salience.streams.windows import ROUNDING_S, WINDOW_S, judged_windows
from sage_bench.salience.trace import Scored, Trace, fuse
from sage_common.core.state.arrays import Arrays
from sage_snarc.core.fusion import FusedResult, Fusion

AfterOutcome = Callable[[Fusion], None]
"""Called with what has just learned from an outcome."""

ANNOYING = 0.8
FIRST_HEARD = 10


class Person:
    """Judges a stream window by window, each right after its end.

    After the window of an event: it mattered (+1). After a window of background: it did not (-1),
    if this was a false alarm, that is, if the fused salience in it exceeded four fifths of the
    background windows that the person has seen, of which the first ten only teach her what is
    usual. Of everything else she says nothing. Events of families that do not interest her are
    background to her.
    """

    def __init__(self, interests: Collection[str] = FAMILIES) -> None:
        self._interests = interests
        self._background: list[float] = []

    def accompany(
        self,
        scored: Scored,
        percepts: Percepts,
        fusion: Fusion,
        after_outcome: AfterOutcome | None = None,
    ) -> Trace:
        """Fuse a stream whose outcomes are told to `fusion`; each score is from before its outcome.

        Args:
            scored: the stream's percepts, scored.
            percepts: of which the events are known.
            fusion: learns.
        """
        windows = judged_windows([percepts]).of_interest(self._interests)
        waiting = sorted(zip(windows.start_s.tolist(), windows.positive.tolist(), strict=True))
        heard = np.zeros(len(scored.times_s))

        def judge(tick: int, fused: FusedResult, _: Fusion) -> None:
            heard[tick] = fused.total
            while waiting and waiting[0][0] + WINDOW_S <= scored.times_s[tick] + ROUNDING_S:
                start_s, mattered = waiting.pop(0)
                within = scored.times_s[: tick + 1] > start_s + ROUNDING_S
                reward = self._reward(float(heard[: tick + 1][within].max()), mattered)
                if reward:
                    first_ns = stamp_ns(start_s, scored.number) + 1
                    last_ns = stamp_ns(start_s + WINDOW_S, scored.number)
                    fusion.learn(first_ns, last_ns, reward)
                    if after_outcome is not None:
                        after_outcome(fusion)

        return fuse(scored, fusion, judge)

    def _reward(self, score: float, mattered: bool) -> float:
        if mattered:
            return 1.0
        before = self._background
        annoyed = len(before) >= FIRST_HEARD and score > np.quantile(before, ANNOYING)
        before.append(score)
        return -1.0 if annoyed else 0.0


def learned_along(
    scored: Sequence[Scored],
    percepts: Sequence[Percepts],
    fusion: Fusion,
    interests: Collection[str] = FAMILIES,
) -> list[Trace]:
    """Streams one after the other, in the order of their numbers, taught to one fusion."""
    person = Person(interests)
    return [
        person.accompany(stream, known, fusion)
        for stream, known in zip(scored, percepts, strict=True)
    ]


def learned_from_first(
    counts: Collection[int],
    scored: Sequence[Scored],
    percepts: Sequence[Percepts],
    interests: Collection[str] = FAMILIES,
) -> dict[int, Arrays]:
    """What a fusion has learned from so many outcomes, by their number; of those that came."""
    states: dict[int, Arrays] = {}

    def note(fusion: Fusion) -> None:
        found = fusion.weights.report()
        if found.successes + found.failures in counts:
            states[found.successes + found.failures] = fusion.state()

    fusion, person = Fusion(MODALITIES), Person(interests)
    for stream, known in zip(scored, percepts, strict=True):
        if len(states) < len(counts):
            person.accompany(stream, known, fusion, note)
    return states


def carried_over(scored: Sequence[Scored], state: Arrays) -> list[Trace]:
    """Each stream fused from the same learned state, without any outcome."""
    traces = []
    for stream in scored:
        fusion = Fusion(MODALITIES)
        fusion.restore(state)
        traces.append(fuse(stream, fusion))
    return traces
