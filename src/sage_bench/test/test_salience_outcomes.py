"""Outcomes: who judges what, when, and what is learned from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from sage_bench.salience.outcomes import (
    Person,
    carried_over,
    learned_along,
    learned_from_first,
)
from sage_bench.salience.streams.percepts import MODALITIES, Percepts, stamp_ns
from sage_bench.salience.streams.schedule import Event
from sage_bench.salience.trace import EQUAL, FUSED, LEARNED, fuse, score
from sage_snarc.core.fusion import Fusion

EVENTS = (Event("cut", 45.0, 45.5), Event("knock", 55.0, 55.4))


@pytest.fixture(scope="module")
def percepts(random_percepts: Callable[..., Percepts]) -> Percepts:
    """70 s, constant for 56 s; background: 30 to 44, 47.5 to 54, 57.4 to 70."""
    made: Percepts = random_percepts(700)
    for sensed in made.sensed.values():
        sensed.embeddings[:560] = sensed.embeddings[0]
        sensed.codes[:560] = sensed.codes[0]
    return dataclasses.replace(made, events=EVENTS, ignored=((0.0, 30.0),))


class RecordingFusion(Fusion):
    """Notes what it learns."""

    def __init__(self) -> None:
        super().__init__(MODALITIES)
        self.learned: list[tuple[int, int, float]] = []

    def learn(self, start_ns: int, end_ns: int, reward: float, stamp: int | None = None) -> bool:
        self.learned.append((start_ns, end_ns, reward))
        return super().learn(start_ns, end_ns, reward, stamp)


def test_events_are_praised_and_only_loud_background_is_blamed(percepts: Percepts) -> None:
    fusion = RecordingFusion()
    scored = score(percepts, 3)
    trace = Person().accompany(scored, percepts, fusion)
    praised = [start_ns for start_ns, _, reward in fusion.learned if reward > 0]
    assert praised == [stamp_ns(event.onset_s, 3) + 1 for event in EVENTS]
    blamed = [start_ns for start_ns, _, reward in fusion.learned if reward < 0]
    assert len(blamed) >= 1
    assert min(blamed) > stamp_ns(57.0, 3)
    ends = [end_ns for _, end_ns, _ in fusion.learned]
    assert ends == sorted(ends)
    assert np.isfinite(trace.scores[FUSED]).all()


def test_what_does_not_interest_is_background(percepts: Percepts) -> None:
    fusion = RecordingFusion()
    Person(("knock",)).accompany(score(percepts), percepts, fusion)
    cut, knock = (stamp_ns(event.onset_s) + 1 for event in EVENTS)
    rewards = {start_ns: reward for start_ns, _, reward in fusion.learned}
    assert rewards.get(cut, 0.0) <= 0.0
    assert rewards[knock] == 1.0


def test_scores_are_from_before_their_outcome(percepts: Percepts) -> None:
    """Until the first window is judged nothing differs from a run without outcomes."""
    scored = score(percepts)
    fusion = RecordingFusion()
    taught = Person().accompany(scored, percepts, fusion)
    alone = fuse(scored)
    judged_ns = fusion.learned[0][1]
    before = np.array([stamp_ns(time_s) <= judged_ns for time_s in scored.times_s])
    assert (taught.scores[LEARNED][before] == alone.scores[LEARNED][before]).all()
    assert (taught.scores[LEARNED][~before] != alone.scores[LEARNED][~before]).any()
    assert (taught.scores[EQUAL] == alone.scores[EQUAL]).all()


def test_the_first_outcomes_are_learned_and_no_more(percepts: Percepts) -> None:
    scored = [score(percepts, number) for number in range(2)]
    states = learned_from_first((1, 2, 1000), scored, [percepts, percepts])
    assert list(states) == [1, 2]
    fusion = Fusion(MODALITIES)
    for count, state in states.items():
        fusion.restore(state)
        report = fusion.weights.report()
        assert report.successes + report.failures == count


def test_what_was_learned_along_streams_is_carried_over_and_left_alone(percepts: Percepts) -> None:
    fusion = Fusion(MODALITIES)
    scored = [score(percepts, number) for number in range(2)]
    learned_along(scored, [percepts, percepts], fusion)
    state = fusion.state()
    first, second = carried_over(scored, state), carried_over(scored, state)
    assert (first[0].scores[LEARNED] == second[0].scores[LEARNED]).all()
    assert (first[0].scores[LEARNED] != first[0].scores[EQUAL]).any()
