"""Playing tracks on a clock, in step with each other, once or looped."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator
from functools import partial
from typing import Generic, TypeVar

from sage_common.core.clock import NS_PER_S
from sage_sensors.core.samples import Selective, Skipping, Stamped, Track, want_all

T = TypeVar("T")
# A later deadline than this was missed because time jumped: a suspended machine, a looped bag.
JUMP_NS = 5 * NS_PER_S
# A machine that is later than this is overloaded, and does not catch up by itself.
LATEST_NS = NS_PER_S // 4


class Schedule:
    """When each moment of a recording is due; shared by its tracks, so they stay in step.

    The deadline of every sample is computed from the start, never from the sample before it, so
    errors do not add up.

    Args:
        start_ns: when the recording starts, on the node's clock [ns].
        length_ns: where it is cut, and repeats if looped [ns]; 0: never.
        loop: play again from the start, for ever.
        rate: speed; 2.0 plays in half the time, with the stamps closer together. > 0.
    """

    def __init__(
        self, start_ns: int, length_ns: int = 0, loop: bool = False, rate: float = 1.0
    ) -> None:
        if length_ns < 0 or (loop and length_ns == 0):
            raise ValueError(f"length_ns = {length_ns}: expected above 0 to loop, else at least 0")
        if not rate > 0.0:
            raise ValueError(f"rate = {rate}: expected above 0")
        self.start_ns = start_ns
        self.length_ns = length_ns
        self.loop = loop
        self.rate = rate
        self._last_ns = start_ns

    def due_ns(self, lap: int, offset_ns: int) -> int:
        """When the moment `offset_ns` of repetition `lap` (0, 1, ...) is due [ns]."""
        elapsed_ns = lap * self.length_ns + offset_ns
        return self.start_ns + (elapsed_ns if self.rate == 1.0 else round(elapsed_ns / self.rate))

    def reached_ns(self, lap: int, now_ns: int) -> int:
        """The moment of repetition `lap` that is due at `now_ns` [ns]; may lie outside of it."""
        return round((now_ns - self.start_ns) * self.rate) - lap * self.length_ns

    def follow(self, now_ns: int) -> int:
        """Go on from here if the clock has jumped by more than 5 s; the jump [ns], else 0.

        To be called often (at least every second) with the time.
        """
        jump_ns = now_ns - self._last_ns
        self._last_ns = now_ns
        if abs(jump_ns) < JUMP_NS:
            return 0
        self.start_ns += jump_ns
        return jump_ns


class Playback(Generic[T]):
    """Reads one track ahead into a short queue, and hands out what is due.

    What is more than 250 ms late is overtaken: the newest sample that is due comes next, and those
    before it are counted. `fill` may run on a worker thread while `due` runs on another.

    Args:
        track: what to play.
        schedule: when.
        depth: samples read ahead, >= 1.
        wants: of a selective track, whether the sample that is due at a time [ns] is wanted; it is
            not read further ahead than `depth` of all its samples.

    Attributes:
        selects: the track makes only samples that are wanted.
        ended: the last sample has been handed out.
        beyond: samples of the first repetition that lie beyond the cut.
    """

    def __init__(
        self,
        track: Track[T],
        schedule: Schedule,
        depth: int,
        wants: Callable[[int], bool] = want_all,
    ) -> None:
        self.track = track
        self.selects = isinstance(track, Selective)
        self.ended = False
        self.beyond = 0
        self._overtaken = 0
        self._now_ns = schedule.start_ns
        self._schedule = schedule
        self._depth = depth
        self._wants = wants
        self._ahead_ns = round(depth * track.period_s * NS_PER_S)
        self._read_until_ns = schedule.start_ns
        self._ahead: deque[tuple[int, Stamped[T]]] = deque()
        self._source = self._endless()
        self._filling = threading.Lock()
        self._read_all = False

    @property
    def skipped(self) -> int:
        """Samples that were left out because they could not be read or taken in time."""
        return self._overtaken + (self.track.passed if isinstance(self.track, Skipping) else 0)

    @property
    def wants_filling(self) -> bool:
        """True if less than half of the queue is left and there is more to read."""
        wanted = not self._read_all and 2 * len(self._ahead) <= self._depth
        return wanted and not self._is_far_ahead(self._ahead_ns // 2)

    def fill(self) -> None:
        """Read until the queue is full or the track has ended.

        Raises:
            SourceError: the track cannot be read; what was read before is still played.
        """
        with self._filling:
            try:
                while not self._read_all and len(self._ahead) < self._depth:
                    if self._is_far_ahead(self._ahead_ns):
                        break
                    item = next(self._source, None)
                    if item is None:
                        self._read_all = True
                    elif self._is_late(item):
                        self._pass_over(item[0])
                    else:
                        self._ahead.append(item)
                        self._read_until_ns = self._due_ns(item)
            except Exception:
                self._read_all = True
                raise

    def due(self, now_ns: int, limit: int) -> list[Stamped[T]]:
        """At most `limit` samples that are due at `now_ns`, each with its due time as stamp."""
        self._now_ns = now_ns
        self._overtake()
        ready: list[Stamped[T]] = []
        while self._ahead and len(ready) < limit:
            due_ns = self._due_ns(self._ahead[0])
            if due_ns > now_ns:
                break
            _, item = self._ahead.popleft()
            ready.append(Stamped(due_ns, item.value))
        self.ended = self._read_all and not self._ahead
        return ready

    def close(self) -> None:
        """Stop reading; files are closed."""
        with self._filling:
            self._read_all = True
            self._source.close()
            self._ahead.clear()

    def _due_ns(self, item: tuple[int, Stamped[T]]) -> int:
        return self._schedule.due_ns(item[0], item[1].time_ns)

    def _is_late(self, item: tuple[int, Stamped[T]]) -> bool:
        return self._due_ns(item) < self._now_ns - LATEST_NS

    def _is_far_ahead(self, limit_ns: int) -> bool:
        """Who wants more samples from now on must not wait for few that were read before."""
        return self.selects and self._read_until_ns - self._now_ns > limit_ns

    def _overtake(self) -> None:
        """If the oldest sample is late, go on with the newest one that is due."""
        if not self._ahead or not self._is_late(self._ahead[0]):
            return
        while len(self._ahead) > 1 and self._due_ns(self._ahead[1]) <= self._now_ns:
            self._ahead.popleft()
            self._overtaken += 1

    def _pass_over(self, lap: int) -> None:
        """A sample was late before it could be queued; the track need not draw those before now."""
        self._overtaken += 1
        if isinstance(self.track, Skipping):
            self.track.skip_to(self._schedule.reached_ns(lap, self._now_ns))

    def _endless(self) -> Generator[tuple[int, Stamped[T]], None, None]:
        lap = 0
        while True:
            count = 0
            if isinstance(self.track, Selective):
                self.track.wants = partial(self._wants_of_lap, lap)
            for item in self.track.items():
                if self._schedule.length_ns and item.time_ns >= self._schedule.length_ns:
                    self.beyond += lap == 0
                    break
                count += 1
                yield lap, item
            if not self._schedule.loop or count == 0:
                return
            lap += 1

    def _wants_of_lap(self, lap: int, time_ns: int) -> bool:
        return self._wants(self._schedule.due_ns(lap, time_ns))
