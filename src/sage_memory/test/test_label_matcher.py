"""Labels find their moment by source and time, whichever comes first."""

from __future__ import annotations

import pytest
from experiences import numbered

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import Label, Labels
from sage_common.core.state.packing import pack
from sage_common.core.state.restoring import unpack
from sage_memory.core.experience import Experience, changed
from sage_memory.core.ingest.label_matcher import KEPT_S, LabelMatcher, Sighting

S = 1_000_000_000
T0 = 1_700_000_000 * S
BOX = (0.0, 0.0, 0.5, 0.5)


def labels(*found: tuple, model: str = "sight-1") -> Labels:
    return Labels(model, tuple(Label(*one) for one in found))


def sighting(
    at_s: float,
    seen: Labels,
    source: str = "front",
    has_boxes: bool = False,
    modality: str = "vision",
) -> Sighting:
    return Sighting(modality, source, T0 + round(at_s * S), has_boxes, seen)


def heard(at_s: float, named: Labels) -> Sighting:
    return sighting(at_s, named, modality="audio")


def moment(at_s: float, source: str = "front", modality: str = "vision") -> Experience:
    end_ns = T0 + round(at_s * S)
    made = numbered(1, start_ns=end_ns, end_ns=end_ns, source=source, modality=modality)
    return changed(made, id=b"moment at %10.3f" % at_s)


@pytest.fixture
def matcher() -> LabelMatcher:
    return LabelMatcher(0.2)


CAT, DOG = labels((0, 0.9)), labels((1, 0.8))


def test_what_came_before_goes_with_the_moment(matcher) -> None:
    for at_s, seen in ((0.85, DOG), (0.95, CAT), (1.3, DOG)):
        matcher.see(sighting(at_s, seen))
    matcher.see(sighting(1.0, DOG, source="back"))
    other = labels((3, 0.4), model="sounds-1")
    matcher.see(sighting(1.0, other))
    assert matcher.before(moment(1.0)) == [CAT, other], "the nearest of each model"
    assert matcher.before(moment(5.0)) == []


def test_what_comes_later_goes_with_the_kept_moment(matcher) -> None:
    one = moment(1.0)
    assert matcher.kept(one, []) == []
    assert matcher.see(sighting(1.1, DOG)) == [(one.id, DOG)]
    assert matcher.see(sighting(1.0, CAT)) == [(one.id, CAT)], "nearer than what it had"
    assert matcher.see(sighting(1.15, DOG)) == [], "farther than what it has"
    assert matcher.see(sighting(1.0, DOG)) == [(one.id, DOG)], "a later look at the same percept"
    assert matcher.see(sighting(1.0, CAT, source="back")) == []


def test_what_comes_while_a_moment_is_committed_is_not_lost(matcher) -> None:
    had = matcher.before(moment(1.0))
    assert had == [] and matcher.see(sighting(1.0, CAT)) == []
    assert matcher.kept(moment(1.0), had) == [(moment(1.0).id, CAT)]
    assert matcher.kept(moment(1.0), [CAT]) == []


def test_classes_and_things_of_a_percept_are_joined(matcher) -> None:
    one = moment(1.0)
    matcher.see(sighting(1.0, labels((0, 0.9), (1, 0.3))))
    boxed = labels((1, 0.5, BOX), (1, 0.4, BOX))
    matcher.see(sighting(1.0, boxed, has_boxes=True))
    both = labels((0, 0.9), (1, 0.5, BOX), (1, 0.4, BOX))
    assert matcher.before(one) == [both]
    matcher.kept(one, [both])
    (found,) = matcher.see(sighting(1.0, labels((2, 0.7))))
    assert found == (one.id, labels((2, 0.7), (1, 0.5, BOX), (1, 0.4, BOX)))


def test_a_class_is_named_once_without_a_box(matcher) -> None:
    matcher.see(sighting(1.0, labels((0, 0.9), (1, 0.3))))
    matcher.see(sighting(1.0, labels((0, 0.4), (2, 0.2)), has_boxes=True))
    assert matcher.before(moment(1.0)) == [labels((0, 0.9), (1, 0.3), (2, 0.2))]


@pytest.fixture
def ears() -> LabelMatcher:
    return LabelMatcher(0.2, sounds=["audio"], after_s=2.5)


def sound(at_s: float) -> Experience:
    return moment(at_s, modality="audio")


def test_a_sound_takes_the_surest_name_that_is_found_while_it_goes_on(ears) -> None:
    began, unsure, sure = sound(1.0), labels((1, 0.55)), labels((0, 0.9))
    assert ears.kept(began, []) == []
    assert ears.see(heard(1.1, unsure)) == [(began.id, unsure)]
    assert ears.see(heard(2.1, sure)) == [(began.id, sure)]
    assert ears.see(heard(3.1, labels((1, 0.6)))) == [], "less sure than what it has"
    assert ears.see(heard(3.6, labels((1, 0.99)))) == [], "too late"
    ears.see(sighting(2.1, sure))
    assert ears.before(moment(1.0)) == [], "a picture is what it is"


def test_a_sound_is_kept_with_what_was_heard_of_it_before(ears) -> None:
    for at_s, named in ((1.1, DOG), (2.1, CAT), (2.9, labels())):
        ears.see(heard(at_s, named))
    assert ears.before(sound(1.0)) == [CAT]
    assert ears.before(sound(3.0)) == [labels()], "what is over is no name of it"


def test_a_sound_gives_back_the_name_of_the_next_one(ears) -> None:
    slam, dog = sound(1.0), sound(2.4)
    ears.kept(slam, [])
    assert ears.see(heard(1.1, labels((1, 0.2)))) == [(slam.id, labels((1, 0.2)))]
    assert ears.see(heard(2.6, CAT)) == [(slam.id, CAT)]
    assert ears.kept(dog, [CAT]) == [(slam.id, labels((1, 0.2)))]
    assert ears.see(heard(3.3, labels((1, 0.95)))) == [(dog.id, labels((1, 0.95)))]
    alone = sound(10.0)
    ears.kept(alone, [])
    ears.see(heard(12.0, CAT))
    assert ears.kept(sound(12.1), [CAT]) == [(alone.id, labels())], "then it has none"


def test_moments_long_ago_get_no_labels_any_more(matcher) -> None:
    old, new = moment(1.0), moment(1.0 + 2 * KEPT_S)
    matcher.kept(old, [])
    matcher.kept(new, [])
    assert matcher.see(sighting(1.0, CAT)) == []


def test_the_model_is_the_last_that_has_the_classes(matcher) -> None:
    assert matcher.model_of("vision", ["cat"]) == ""
    matcher.announce("vision", "sight-1", ["cat", "dog"])
    matcher.announce("vision", "sight-2", ["cat", "car"])
    assert matcher.model_of("vision", ["cat"]) == "sight-2"
    assert matcher.model_of("vision", ["dog", "cat"]) == "sight-1"
    assert matcher.model_of("vision", ["dog", "car"]) == matcher.model_of("audio", ["cat"]) == ""
    matcher.announce("vision", "sight-1", ["cat", "dog"])
    assert matcher.model_of("vision", ["cat"]) == "sight-1"
    assert matcher.vocabulary("vision", "sight-1").names == ("cat", "dog")
    with pytest.raises(InvalidInput, match=r"vocabulary\[0\]"):
        matcher.announce("vision", "sight-3", [""])


def test_a_snapshot_goes_on_where_it_was(matcher) -> None:
    matcher.announce("vision", "sight-1", ["cat", "dog"])
    matcher.see(sighting(1.0, labels((0, 0.9), (1, 0.3, BOX))))
    matcher.kept(moment(2.0), [])
    again = LabelMatcher(0.2)
    unpack(again, pack(matcher))
    assert again.before(moment(1.0)) == matcher.before(moment(1.0))
    assert again.see(sighting(2.0, CAT)) == [(moment(2.0).id, CAT)]
    assert again.vocabulary("vision", "sight-1").names == ("cat", "dog")
    assert not matcher.state()
