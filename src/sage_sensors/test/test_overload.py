"""A machine that is too slow: each stream skips to its newest sample and holds no other up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from sage_common.core.clock import NS_PER_S
from sage_sensors.core.playback import LATEST_NS, Schedule
from sage_sensors.core.rate_limit import RateLimit
from sage_sensors.core.samples import Stamped, Words
from sage_sensors.feeds.device import DeviceFeed
from sage_sensors.feeds.playback import LONGEST_TURN_NS, PlaybackFeed

START = 1_700_000_000 * NS_PER_S
TICK_NS = 2_000_000
MS = 1_000_000
COST_NS = 50_000
PERIODS_NS = {"camera": 33 * MS, "microphone": 100 * MS, "imu": 5 * MS, "text": 700 * MS}


class Machine:
    """A clock that goes on only when something is done; the node and the worker of the feeds."""

    def __init__(self) -> None:
        self.now_ns = START

    def stopwatch_ns(self) -> int:
        return self.now_ns

    def submit(self, job: Callable[..., None], *arguments: Any) -> bool:
        job(*arguments)
        return True


@dataclass
class Track:
    """Numbered samples without end."""

    period_ns: int
    source: str = "test"
    length_ns: int = 0

    @property
    def period_s(self) -> float:
        return self.period_ns / NS_PER_S

    def items(self) -> Iterator[Stamped[Words]]:
        number = 0
        while True:
            yield Stamped(number * self.period_ns, Words(str(number)))
            number += 1


@dataclass
class Stream:
    """Notes what is delivered and how late; each delivery takes `cost_ns`."""

    node: Machine
    kind: str
    cost_ns: int
    late_ns: list[int] = field(default_factory=list)
    rate_limit: RateLimit = field(default_factory=RateLimit)

    def begin(self, backend: str, period_s: float) -> None:
        assert (backend, period_s) == ("test", PERIODS_NS[self.kind] / NS_PER_S)

    watch = begin

    def deliver(self, sample: Stamped[Words], chosen: bool = False) -> None:
        self.late_ns.append(self.node.now_ns - sample.time_ns)
        self.node.now_ns += self.cost_ns


def play(costs_ns: dict[str, int], seconds: int) -> dict[str, tuple[Stream, PlaybackFeed[Any]]]:
    """All streams on one machine, ticked as the recording node ticks them."""
    machine = Machine()
    schedule = Schedule(START)
    played: dict[str, tuple[Stream, PlaybackFeed[Any]]] = {}
    for kind, period_ns in PERIODS_NS.items():
        stream = Stream(machine, kind, costs_ns.get(kind, COST_NS))
        feed = PlaybackFeed(Track(period_ns), schedule, stream, machine)  # type: ignore[arg-type]
        played[kind] = (stream, feed)
    while machine.now_ns < START + seconds * NS_PER_S:
        now_ns = machine.now_ns
        for _, feed in played.values():
            feed.tick(machine.now_ns)
        machine.now_ns = max(machine.now_ns, now_ns + TICK_NS)
    return played


def test_a_machine_that_is_fast_enough_skips_nothing() -> None:
    for kind, (stream, feed) in play({}, 10).items():
        assert feed.overruns == 0
        assert abs(len(stream.late_ns) - 10 * NS_PER_S / PERIODS_NS[kind]) <= 1
        assert max(stream.late_ns) <= TICK_NS + 4 * COST_NS


@pytest.mark.parametrize("slow", ["camera", "imu"])
def test_a_stream_that_costs_more_than_its_period_skips_and_the_others_are_on_time(
    slow: str,
) -> None:
    cost_ns = 3 * PERIODS_NS[slow]
    played = play({slow: cost_ns}, 30)
    for kind, (stream, feed) in played.items():
        expected = 30 * NS_PER_S // PERIODS_NS[kind]
        if kind == slow:
            assert expected / 4 < len(stream.late_ns) < expected / 2
            assert feed.overruns > expected / 2
            assert max(stream.late_ns) <= LATEST_NS + cost_ns
        else:
            assert feed.overruns == 0
            assert len(stream.late_ns) >= expected - cost_ns // PERIODS_NS[kind] - 1
            assert max(stream.late_ns) <= cost_ns + 4 * LONGEST_TURN_NS


def test_where_all_are_too_slow_every_stream_still_comes_and_none_is_later_than_stated() -> None:
    costs = {"camera": 60 * MS, "microphone": 60 * MS, "imu": 10 * MS}
    for kind, (stream, feed) in play(costs, 60).items():
        delivered, due = len(stream.late_ns), 60 * NS_PER_S // PERIODS_NS[kind]
        assert abs(delivered + feed.overruns - due) <= 64
        assert delivered > 300 if kind != "text" else feed.overruns == 0
        assert max(stream.late_ns) <= LATEST_NS + sum(costs.values())


class Polled:
    """A device that is read ten times a second."""

    source, period_s, polled, overruns = "test", 0.033, True, 2

    def open(self) -> None: ...

    def read(self) -> None: ...

    def close(self) -> None: ...


class Quiet:
    """A log that nobody reads, and a clock that is asked once."""

    def now_ns(self) -> int:
        return START

    def info(self, text: str) -> None: ...


def test_readings_of_a_device_that_were_left_out_are_counted() -> None:
    machine = Machine()
    stream = Stream(machine, "camera", COST_NS)
    quiet: Any = Quiet()
    feed: DeviceFeed[Any] = DeviceFeed(Polled(), stream, machine, quiet, quiet)  # type: ignore[arg-type]
    for passed in (1, 1, 5, 1):
        feed.tick(machine.now_ns)
        machine.now_ns += passed * PERIODS_NS["camera"]
    feed.tick(machine.now_ns)
    assert feed.overruns == 2 + 4
