"""When messages came, and the longest time between two of a topic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import pairwise


class Arrivals:
    """Times of arrival by topic; noted on one thread, asked on another.

    Args:
        now_s: a monotonic clock [s].
        topics: that are expected.
    """

    def __init__(self, now_s: Callable[[], float], topics: Iterable[str]) -> None:
        self._now_s = now_s
        self._expected = tuple(topics)
        self._times_s: dict[str, list[float]] = defaultdict(list)

    def note(self, topic: str) -> None:
        """A message of this topic has come."""
        self._times_s[topic].append(self._now_s())

    def all_since(self, time_s: float) -> bool:
        """Whether a message of every expected topic has come after a time."""
        times_s = (self._times_s[topic][-1:] for topic in self._expected)
        return all(last and last[0] > time_s for last in times_s)

    def silent(self) -> list[str]:
        """Expected topics of which nothing came yet."""
        return [topic for topic in self._expected if not self._times_s[topic]]

    def longest_gap_s(self, topics: Iterable[str], begin_s: float, end_s: float) -> float:
        """The longest time between two messages of one topic that overlaps with a window [s].

        A topic of which nothing came before `begin_s` is left out. What has not come by `end_s`
        counts as if it came then. 0 if there is no topic.
        """
        return max((self._gap_s(topic, begin_s, end_s) for topic in topics), default=0.0)

    def _gap_s(self, topic: str, begin_s: float, end_s: float) -> float:
        times_s = tuple(self._times_s[topic])
        before = [time_s for time_s in times_s if time_s <= begin_s]
        if not before:
            return 0.0
        inside = [time_s for time_s in times_s if begin_s < time_s < end_s]
        return max(later - earlier for earlier, later in pairwise([before[-1], *inside, end_s]))
