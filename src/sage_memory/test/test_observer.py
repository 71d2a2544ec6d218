"""When what was noticed is kept."""

from __future__ import annotations

from dataclasses import replace

from test_privacy import S, observer_of
from test_short_term import moment

from sage_memory.core.ingest.observer import SOUND_AFTER_NS, Observer, Scored
from sage_memory.core.ingest.short_term import Moment


def noticed(observer: Observer, modality: str) -> Moment | None:
    """What is kept at once of something salient at second 2."""
    percept = replace(moment(2.0, 0.9).percept, modality=modality)
    observer.perceive(percept)
    scored = Scored(0.1, 0.2, 0.3, 0.5, 0.4, 0.9, 0.9, 1.0, "it stands out")
    return observer.score(modality, percept.stamp_ns, scored)


def stamps(moments: list[Moment]) -> list[int]:
    return [one.percept.stamp_ns for one in moments]


def test_a_picture_is_kept_at_once_and_a_sound_once_more_of_it_was_heard() -> None:
    observer = observer_of()
    assert noticed(observer, "vision") is not None
    assert noticed(observer, "audio") is None
    assert observer.expire(2 * S + SOUND_AFTER_NS - 1) == []
    assert stamps(observer.expire(2 * S + SOUND_AFTER_NS)) == [2 * S]
    assert observer.expire(3 * S) == [], "once"


def test_neither_a_clock_that_was_set_back_nor_a_restart_loses_a_sound() -> None:
    observer = observer_of()
    assert noticed(observer, "audio") is None
    state = observer.state()
    assert stamps(observer.expire(2 * S - 1)) == [2 * S]
    other = observer_of()
    other.restore(state)
    assert stamps(other.expire(60 * S)) == [2 * S]
