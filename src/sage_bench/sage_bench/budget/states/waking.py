"""How soon something sudden wakes a graph that rests, and what does not."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from sage.observe.attached import Attached
from sage_bench.budget.states.quiet_scene import Event, events_of
from sage_bench.budget.states.scene_graph import START_S, graph_on
from sage_common.ros.conversions.audio import audio_to_array
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.node import SageNode
from sage_msgs.msg import MetabolicState

FIRST_S, GAP_S, END_S = 45.0, 15.0, 4.0
LIVES, LIVES_QUICK, AT_ONCE = 14, 1, 5
LOUD, SOFT = 0.1, 0.04
"""Of full scale: what is loud, and by how much softer sounds are multiplied."""
LATEST_NS = 3_000_000_000


@dataclass
class Heard:
    """What was heard of the graph from outside.

    Attributes:
        woken: stamps of messages of state WAKE after REST, and why [ns].
        rests: stamps of messages of state REST [ns].
        loud_ns: capture times of first loud samples, newest last [ns].
    """

    woken: list[tuple[int, str]] = field(default_factory=list)
    rests: list[int] = field(default_factory=list)
    loud_ns: list[int] = field(default_factory=list)


class StateListenerNode(SageNode):
    """Notes states, and when it was loud."""

    default_name = "state_bench"
    watches = True

    def on_configure(self) -> None:
        self.heard = Heard()
        self._state = MetabolicState.WAKE
        self.subscribe("state", self._on_state)
        self.subscribe("microphone/audio", self._on_sound, name="front")

    def _on_state(self, message: MetabolicState) -> None:
        if message.state == self._state:
            return
        self._state = message.state
        at_ns = stamp_ns(message.header.stamp)
        if message.state == MetabolicState.REST:
            self.heard.rests.append(at_ns)
        elif message.previous == MetabolicState.REST:
            self.heard.woken.append((at_ns, message.reason))

    def _on_sound(self, message: Any) -> None:
        samples = audio_to_array(message)
        loud = np.flatnonzero(np.abs(samples) > LOUD)
        if len(loud):
            from_end_s = (len(samples) - int(loud[0])) / 16_000.0
            at_ns = stamp_ns(message.header.stamp) - round(from_end_s * 1e9)
            if not self.heard.loud_ns or at_ns - self.heard.loud_ns[-1] > 2_000_000_000:
                self.heard.loud_ns.append(at_ns)


@dataclass
class Woken:
    """What came while the graph rested.

    Attributes:
        delays_ms: of the bangs that woke, from their first sample or frame to WAKE [ms].
        missed: bangs that did not wake.
        soft_woke, soft_missed: soft sounds that did, and that did not.
    """

    delays_ms: list[float] = field(default_factory=list)
    missed: int = 0
    soft_woke: int = 0
    soft_missed: int = 0

    def count(self, delay_ms: float | None, is_soft: bool) -> None:
        """Count what came; None: it did not wake."""
        if is_soft:
            self.soft_woke += delay_ms is not None
            self.soft_missed += delay_ms is None
        elif delay_ms is None:
            self.missed += 1
        else:
            self.delays_ms.append(delay_ms)


def woken(data: Path, quick: bool) -> Woken:
    """What wakes graphs that fell asleep by themselves, each of which lives for a minute."""
    lives = _lives(data, LIVES_QUICK if quick else LIVES)
    found = Woken()
    # Processes of their own: each has the ROS domain of its graph.
    with ProcessPoolExecutor(AT_ONCE, get_context("spawn")) as pool:
        for events, heard in zip(lives, pool.map(_lived, lives), strict=True):
            for event, delay_ms in waking(heard, events):
                found.count(delay_ms, event.is_soft)
    return found


def _lives(data: Path, count: int) -> list[list[Event]]:
    """The events of each life: a loud sound, a motion, and another sound that is soft."""
    events = events_of(data, 4 * count)
    sounds, motions = events[::2], events[1::2]
    lives = []
    for number in range(count):
        # Times differ, so that they fall anywhere into cycles and chunks.
        first_s = FIRST_S + 0.37 * number
        own = (sounds[number], motions[number], sounds[count + number].softened(SOFT))
        lives.append([replace(e, time_s=first_s + GAP_S * i) for i, e in enumerate(own)])
    return lives


def _lived(events: Sequence[Event]) -> Heard:
    """What is heard of a graph that lives through a scene with these events."""
    length_s = round(events[-1].time_s + END_S + START_S)
    with (
        graph_on(length_s, events) as (_, running),
        Attached(StateListenerNode, running.namespace) as attached,
    ):
        heard = attached.node.heard
        until = time.monotonic() + START_S + events[-1].time_s
        while time.monotonic() < until and not _is_over(heard, events):
            time.sleep(0.5)
        return heard


def _is_over(heard: Heard, events: Sequence[Event]) -> bool:
    if not heard.loud_ns:
        return False
    rest_s = events[-1].time_s - events[0].time_s + END_S
    return time.time_ns() - heard.loud_ns[0] > rest_s * 1e9


def waking(heard: Heard, events: Sequence[Event]) -> list[tuple[Event, float | None]]:
    """What came in REST, and after how long it woke [ms]; None: it did not.

    Args:
        heard: from outside.
        events: in order of time; the first is a loud sound.
    """
    if not heard.loud_ns:
        raise RuntimeError("the sound of the scene was not heard")
    zero_ns = heard.loud_ns[0] - round(events[0].time_s * 1e9)
    changes = sorted([(t, True) for t in heard.rests] + [(t, False) for t, _ in heard.woken])
    found: list[tuple[Event, float | None]] = []
    for event in events:
        at_ns = zero_ns + round(event.time_s * 1e9)
        before = [rests for t, rests in changes if t < at_ns]
        if not (before and before[-1]):
            continue  # it was awake, or not known to rest
        after = [t for t, _ in heard.woken if at_ns <= t < at_ns + LATEST_NS]
        found.append((event, (after[0] - at_ns) * 1e-6 if after else None))
    return found
