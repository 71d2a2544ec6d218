"""A process hangs when it could have shown a sign of life and has not, by a clock of the test's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from sage.run.hang_detection import HANG_S, LATE_S, NO_BEAT, NO_TURN, STOPPED, HangDetector
from sage.run.process_state import HostState, ProcessState, ThreadState
from sage_common.heartbeat import Beat, Phase

POLL_S = 0.05
BEGIN_S = 100.0
FIRST, OTHER = 7, 8
SLICE_S = 0.004
POLLING_S = 0.00002


@dataclass
class Thread:
    """A thread that sleeps, or wants a core all the time and gets a share of one, or polls."""

    letter: str = "S"
    share: float = 1.0
    polls_hz: float = 0.0
    ran_s: float = 0.0
    waited_s: float = 0.0
    times: int = 0

    def live(self, seconds: float) -> None:
        if self.polls_hz:
            self.times += round(seconds * self.polls_hz)
            self.ran_s += seconds * self.polls_hz * POLLING_S
            self.waited_s += (1.0 - self.share) * seconds
        elif self.letter == "R" and self.share:
            self.ran_s += self.share * seconds
            self.waited_s += (1.0 - self.share) * seconds
            self.times += max(round(self.share * seconds / SLICE_S), 1)

    def state(self) -> ThreadState:
        return ThreadState(self.letter, self.ran_s, self.waited_s, self.times)


def of_letters(letters: str, share: float = 1.0) -> dict[int, Thread]:
    return {FIRST + n: Thread(letter, share) for n, letter in enumerate(letters)}


@dataclass
class Watched:
    """A process of one thread that spins and one that beats, watched for a while at a time."""

    now_s: float = BEGIN_S
    beaten_s: float = BEGIN_S
    turned_s: float = BEGIN_S
    phase: Phase = Phase.RUNNING
    crowding: float = 1.0
    threads: dict[int, Thread] = field(default_factory=lambda: of_letters("SS"))

    def __post_init__(self) -> None:
        self.detector = HangDetector(self.now_s, self.state, self.host)

    def host(self) -> HostState:
        return HostState(self.now_s, self.now_s, self.crowding)

    def state(self) -> ProcessState:
        return ProcessState({number: t.state() for number, t in self.threads.items()}, FIRST)

    def run(
        self,
        seconds: float,
        *,
        beats: bool,
        turns: bool,
        meanwhile: Callable[[float], None] = lambda now_s: None,
    ) -> str:
        """What is said first within that time."""
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.now_s += POLL_S
            for thread in self.threads.values():
                thread.live(POLL_S)
            meanwhile(self.now_s)
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
    watched = Watched(threads=of_letters("RR"))
    assert watched.run(1000.0, beats=True, turns=True) == ""
    assert watched.detector.most_s == 0.0


@pytest.mark.parametrize(
    ("letters", "beats", "words"),
    [
        ("TT", False, f"{STOPPED}: no heartbeat"),
        ("SS", False, f"{NO_BEAT}: no heartbeat"),
        ("SS", True, f"{NO_TURN}: no turn of its executor"),
        ("RS", True, f"{NO_TURN}: no turn of its executor"),
        ("SR", True, f"{NO_TURN}: no turn of its executor"),
        ("RS", False, f"{NO_BEAT}: no heartbeat"),
    ],
)
def test_what_hangs_where_cores_are_free_is_seen_within_a_second(
    letters: str, beats: bool, words: str
) -> None:
    watched = Watched(threads=of_letters(letters))
    assert watched.run(1.0, beats=beats, turns=False).startswith(words)
    assert LATE_S < watched.silent_s < 1.0


@pytest.mark.parametrize("share", [1.0, 0.8, 0.2])
def test_who_keeps_the_interpreter_and_sleeps_is_seen_while_others_ask_for_it(share: float) -> None:
    asking = [Thread(polls_hz=1000.0, share=share) for _ in range(4)]
    watched = Watched(threads={FIRST: Thread(), **dict(enumerate(asking, OTHER))})
    for thread in asking:
        thread.letter = "R"
    assert watched.run(1.0, beats=False, turns=False).startswith(NO_BEAT)


def test_an_endless_callback_is_seen_by_the_processor_time_that_it_takes() -> None:
    alone = Watched(threads=of_letters("RS"))
    assert alone.run(1.0, beats=True, turns=False).startswith(NO_TURN)
    crowded = Watched(threads=of_letters("RS", share=0.1))
    assert crowded.run(LATE_S + 9.0 * HANG_S, beats=True, turns=False) == ""
    assert crowded.run(2.0 * HANG_S, beats=True, turns=False).startswith(NO_TURN)
    more = Watched(threads=of_letters("RS", share=0.1), crowding=2.0)
    assert more.run(LATE_S + 18.0 * HANG_S, beats=True, turns=False) == ""


@pytest.mark.parametrize(("letter", "share"), [("R", 0.0), ("D", 1.0), ("t", 1.0)])
@pytest.mark.parametrize("beats", [False, True])
def test_who_waits_for_a_core_a_disk_or_a_debugger_does_not_hang(
    letter: str, share: float, beats: bool
) -> None:
    watched = Watched(threads=of_letters(f"{letter}S", share))
    assert watched.run(100.0, beats=beats, turns=False) == ""


@pytest.mark.parametrize("wait_s", [0.1, 0.3, 2.0])
def test_a_thread_that_gets_a_core_seldom_is_waited_for_wherever_the_looks_fall(
    wait_s: float,
) -> None:
    """It runs for 10 ms at a time; the kernel adds a wait when it ends, and not before."""
    slow = Thread("R", share=0.0)
    watched = Watched(threads={FIRST: Thread(), OTHER: slow})
    ready_s = BEGIN_S

    def meanwhile(now_s: float) -> None:
        nonlocal ready_s
        if now_s - ready_s >= wait_s:
            slow.waited_s += now_s - ready_s
            slow.ran_s += 0.01
            slow.times += 1
            ready_s = now_s

    assert watched.run(100.0, beats=False, turns=False, meanwhile=meanwhile) == ""
    assert watched.detector.most_s <= POLL_S + 1e-6


def test_a_disk_that_is_waited_for_at_every_other_look_counts_for_all_of_the_time() -> None:
    reading = Thread("D")
    watched = Watched(threads={FIRST: reading, OTHER: Thread()})

    def meanwhile(now_s: float) -> None:
        reading.letter = "S" if reading.letter == "D" else "D"

    assert watched.run(100.0, beats=True, turns=False, meanwhile=meanwhile) == ""


def test_on_a_crowded_machine_who_sleeps_has_longer_and_who_is_stopped_has_not() -> None:
    asleep = Watched(crowding=10.0)
    assert asleep.run(10 * HANG_S, beats=True, turns=False) == ""
    assert asleep.run(1.0, beats=True, turns=False).startswith(NO_TURN)
    stopped = Watched(crowding=10.0, threads=of_letters("TT"))
    assert stopped.run(1.0, beats=False, turns=False).startswith(STOPPED)


def test_a_machine_that_stood_still_is_no_fault_of_its_processes() -> None:
    watched = Watched()
    watched.run(1.0, beats=True, turns=True)
    watched.now_s += 3600.0
    assert watched.run(0.3, beats=False, turns=False) == ""
    assert watched.run(10.0, beats=True, turns=True) == ""


def test_who_may_have_waited_for_another_has_as_long_again() -> None:
    watched = Watched()
    assert watched.run(LATE_S + 0.9 * HANG_S, beats=False, turns=False) == ""
    watched.detector.begin_anew()
    assert watched.run(0.9 * HANG_S, beats=False, turns=False) == ""
    assert watched.run(0.5, beats=False, turns=False).startswith(NO_BEAT)


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
