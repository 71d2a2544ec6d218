"""A process hangs when it could have shown a sign of life and has not, by a clock of the test's."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from sage.run.hang_detection import HANG_S, LATE_S, NO_BEAT, NO_TURN, STOPPED, HangDetector
from sage.run.process_state import ProcessState
from sage_common.heartbeat import Beat, Phase

POLL_S = 0.05
BEGIN_S = 100.0
FIRST, OTHER = 7, 8


@dataclass
class Watched:
    """A process of one thread that spins and one that beats, watched for a while at a time."""

    now_s: float = BEGIN_S
    beaten_s: float = BEGIN_S
    turned_s: float = BEGIN_S
    phase: Phase = Phase.RUNNING
    cpu_s: float = 0.0
    first_cpu_s: float = 0.0
    crowding: float = 1.0
    threads: dict[int, str] = field(default_factory=lambda: {FIRST: "S", OTHER: "S"})

    def __post_init__(self) -> None:
        self.detector = HangDetector(self.now_s, self.state, lambda: self.crowding)

    def state(self) -> ProcessState:
        return ProcessState(dict(self.threads), FIRST, self.cpu_s, self.first_cpu_s)

    def run(self, seconds: float, *, beats: bool, turns: bool, cpu: float = 0.0) -> str:
        """What is said first within that time; `cpu`: the share of a core that it gets."""
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.now_s += POLL_S
            self.cpu_s += cpu * POLL_S
            self.first_cpu_s += cpu * POLL_S if self.threads[FIRST] == "R" else 0.0
            self.beaten_s = self.now_s if beats else self.beaten_s
            self.turned_s = self.now_s if turns else self.turned_s
            if why := self.detector.look(
                self.now_s, Beat(self.phase, self.beaten_s, self.turned_s)
            ):
                return why
        return ""

    @property
    def silent_s(self) -> float:
        return self.now_s - min(self.beaten_s, self.turned_s)


def test_a_process_that_beats_never_hangs() -> None:
    watched = Watched()
    assert watched.run(1000.0, beats=True, turns=True, cpu=1.0) == ""
    assert watched.detector.most_s == 0.0


@pytest.mark.parametrize(
    ("threads", "beats", "words"),
    [
        ("TT", False, f"{STOPPED}: no heartbeat"),
        ("SS", False, f"{NO_BEAT}: no heartbeat"),
        ("SS", True, f"{NO_TURN}: no turn of its executor"),
    ],
)
def test_what_is_stopped_or_asleep_is_seen_within_a_second(
    threads: str, beats: bool, words: str
) -> None:
    watched = Watched(threads=dict(zip((FIRST, OTHER), threads, strict=True)))
    assert watched.run(1.0, beats=beats, turns=False).startswith(words)
    assert LATE_S < watched.silent_s < 1.0


def test_an_endless_callback_is_seen_by_the_processor_time_that_it_takes() -> None:
    alone = Watched(threads={FIRST: "R", OTHER: "S"})
    assert alone.run(1.0, beats=True, turns=False, cpu=1.0).startswith(NO_TURN)
    crowded = Watched(threads={FIRST: "R", OTHER: "S"}, crowding=2.0)
    assert crowded.run(8.0, beats=True, turns=False, cpu=0.1) == ""
    assert crowded.run(20.0, beats=True, turns=False, cpu=0.1).startswith(NO_TURN)
    assert crowded.first_cpu_s == pytest.approx(2.0 * HANG_S, abs=0.1)


@pytest.mark.parametrize("thread", ["R", "D", "t"])
@pytest.mark.parametrize("beats", [False, True])
def test_who_waits_for_a_core_a_disk_or_a_debugger_does_not_hang(thread: str, beats: bool) -> None:
    watched = Watched(threads={FIRST: thread, OTHER: "S"}, crowding=2.0)
    assert watched.run(100.0, beats=beats, turns=False) == ""


def test_on_a_crowded_machine_who_sleeps_has_longer_and_who_is_stopped_has_not() -> None:
    asleep = Watched(crowding=10.0)
    assert asleep.run(10 * HANG_S, beats=True, turns=False) == ""
    assert asleep.run(1.0, beats=True, turns=False).startswith(NO_TURN)
    stopped = Watched(crowding=10.0, threads={FIRST: "T", OTHER: "T"})
    assert stopped.run(1.0, beats=False, turns=False).startswith(STOPPED)


def test_a_machine_that_stood_still_is_no_fault_of_its_processes() -> None:
    watched = Watched()
    watched.run(1.0, beats=True, turns=True)
    watched.now_s += 3600.0
    assert watched.run(0.3, beats=False, turns=False) == ""
    assert watched.run(10.0, beats=True, turns=True) == ""


def test_a_heartbeat_in_between_begins_the_count_anew() -> None:
    watched = Watched()
    for _ in range(50):
        assert watched.run(LATE_S + HANG_S / 2, beats=False, turns=False) == ""
        assert watched.run(POLL_S, beats=True, turns=True) == ""


def test_starting_and_ending_take_longer_and_the_first_heartbeat_longest() -> None:
    for phase, seconds in ((Phase.STARTING, 9.0), (Phase.ENDING, 9.0)):
        watched = Watched(phase=phase)
        assert watched.run(seconds, beats=False, turns=False) == ""
        assert watched.run(10.0, beats=False, turns=False).startswith(NO_BEAT)
    ending = Watched(phase=Phase.ENDING)
    assert ending.run(1000.0, beats=True, turns=False) == "", "it saves, and its executor is closed"
    unheard = Watched(phase=Phase.UNHEARD, beaten_s=0.0, turned_s=0.0)
    assert unheard.run(55.0, beats=False, turns=False) == ""
    assert unheard.run(10.0, beats=False, turns=False).startswith(NO_BEAT)
