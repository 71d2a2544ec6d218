"""What is private, and what is held of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_short_term import moment
from test_whereabouts import place

from sage_common.core.errors import InvalidInput
from sage_common.core.specs.modality import ModalitySpecs
from sage_common.core.words.quoting import with_quote, without_quotes
from sage_memory import Memory, Query
from sage_memory.core.ingest.observer import Observer, Scored
from sage_memory.core.ingest.pose_buffer import PoseBuffer
from sage_memory.core.ingest.privacy import WITHHELD, Privacy
from sage_memory.core.ingest.short_term import RetentionPolicy
from sage_memory.core.ingest.utterance_buffer import HeardText
from sage_memory.core.places.named_place import named_at
from sage_memory.core.sleep.options import SleepOptions

S = 1_000_000_000
SPECS = ModalitySpecs()
BATHROOM = replace(named_at("bathroom", "map", (0.0, 0.0, 0.0), 0.0, 1), is_private=True)


def observer_of(*modalities: str, places: tuple[str, ...] = ()) -> Observer:
    poses = PoseBuffer(1.0, 5.0)
    private = Privacy({name: SPECS[name] for name in modalities}, places, poses)
    remembered = {name: SPECS[name] for name in ("vision", "audio", "language")}
    return Observer(remembered, RetentionPolicy(newer=0), 10.0, poses, private)


def test_nothing_is_private_unless_it_is_said() -> None:
    observer = observer_of()
    assert not observer.privacy.is_set
    assert observer.privacy.why("vision", S) == ""
    assert observer.hear(HeardText(S, "hello"), "")
    seen = moment(2.0, 0.9)
    assert observer.experience(seen).text == "hello"
    assert observer.facts(S).keys() == {"unmatched_saliences", "vague_poses", "place_sigma_m"}


def test_of_a_private_modality_only_when_where_and_how_salient_is_held() -> None:
    observer = observer_of("vision")
    observer.poses.add(S, place(1.0))
    seen = moment(2.0, 0.9)
    observer.perceive(seen.percept)
    said = with_quote("vision: novelty 0.9", 'a "secret" door')
    scored = Scored(0.1, 0.2, 0.3, 0.5, 0.4, 0.9, 0.9, 1.0, said)
    kept = observer.score("vision", 2 * S, scored)
    assert kept is not None and "secret" not in kept.reason
    assert not kept.percept.codes.any() and kept.percept.encoder_id == WITHHELD
    for one in (observer.experience(kept), observer.experience(seen, HeardText(S, "look"))):
        assert (one.modality, one.end_ns, one.total) == ("vision", 2 * S, kept.total)
        assert one.place is not None and one.place.position[0] == 1.0
        assert (one.text, one.entity, one.text_embedding) == ("", "", None)
        assert one.encoder_id == WITHHELD and one.embedding.tolist() == [1.0]
        assert not one.codes.any() and one.reason == "private: vision"
    heard = moment(2.5, 0.9)
    heard = replace(heard, percept=replace(heard.percept, modality="audio"))
    assert observer.experience(heard).codes.any()


@pytest.mark.parametrize(
    ("private", "source", "noted"),
    [
        ("language", "", False),
        ("language", "read", False),
        ("vision", "read", False),
        ("vision", "listen", True),
        ("vision", "", True),
        ("audio", "listen", False),
        ("audio", "read", True),
    ],
)
def test_words_are_as_private_as_what_they_were_found_in(
    private: str, source: str, noted: bool
) -> None:
    observer = observer_of(private)
    assert observer.hear(HeardText(S, "EXIT 12"), source) == noted
    assert (observer.utterances.around(S) is not None) == noted
    made = replace(moment(2.0, 0.9).percept, modality="language", source=source, text="EXIT 12")
    observer.perceive(made)
    assert (observer.utterances.around(2 * S) is not None) == noted
    kept = observer.experience(replace(moment(2.0, 0.9), percept=made))
    assert (kept.text == "EXIT 12") == noted


@pytest.mark.parametrize(
    ("private", "said_s", "source", "kept_s"),
    [
        ((), 4.0, "listen", 4.0),
        ((), 3.5, "listen", 4.0),
        ((), 4.0, "anna", None),
        ((), 13.0, "listen", None),
        (("language",), 4.0, "listen", None),
        (("audio",), 4.0, "listen", None),
    ],
    ids=[
        "at their end",
        "the first after it",
        "not heard",
        "too late",
        "private",
        "heard in private",
    ],
)
def test_words_that_follow_a_kept_sound_are_kept_with_the_sound_at_their_end(
    private: tuple[str, ...], said_s: float, source: str, kept_s: float | None
) -> None:
    observer = observer_of(*private)
    for at_s, total in ((2.0, 0.9), (3.0, 0.1), (4.0, 0.1), (13.0, 0.1)):
        heard = replace(moment(at_s, total).percept, modality="audio")
        rare_ph = 1.0 if total > 0.5 else 1000.0
        scored = Scored(0.1, 0.2, 0.3, 0.5, 0.4, total, total, rare_ph, "audio: a voice")
        observer.perceive(heard)
        observer.score("audio", heard.stamp_ns, scored)
    said = moment(said_s, 0.1).percept
    said = replace(said, modality="language", source=source, text="mind the cyclist")
    found = observer.spoken(said)
    assert (found and found.percept.stamp_ns / S) == kept_s


def test_words_by_hand_are_not_kept_where_words_are_private() -> None:
    observer = observer_of("language")
    assert observer.experience(moment(1.0, 0.9), HeardText(S, "remember this")).text == ""
    observer.perceive(replace(moment(1.0, 0.9).percept, modality="language", text="stop"))
    assert observer.utterances.around(S) is None


def test_a_private_place_is_its_area_and_what_may_be_in_it() -> None:
    observer = observer_of()
    privacy, poses = observer.privacy, observer.poses
    hall = replace(BATHROOM, name="hall", centre=(9.0, 0.0, 0.0), is_private=False)
    privacy.know([BATHROOM, hall])
    assert privacy.why("vision", S) == "private: where it was is not known"
    poses.add(S, place(2.1, sigma_m=0.1))
    assert privacy.why("vision", S) == "private: bathroom", "as far as the pose is known"
    poses.add(2 * S, place(9.0))
    assert privacy.why("vision", round(1.5 * S)) == "private: bathroom", "on the way out"
    assert privacy.why("vision", 2 * S) == ""
    assert privacy.why("vision", 9000 * S) == "", "it has not moved since"
    poses.add(9001 * S, place(9.0, frame="odom"))
    assert privacy.why("vision", 9002 * S) == "private: bathroom may be here, in frame odom"
    poses.add(9003 * S, place(9.0, sigma_m=5.0))
    assert privacy.why("vision", 9003 * S) == "private: where it was is not known"
    poses.add(9004 * S, place(9.0))
    assert privacy.why("vision", 9004 * S) == ""
    privacy.know([hall])
    assert privacy.why("vision", 9004 * S) == ""


def test_words_of_a_private_place_do_not_leave_it() -> None:
    observer = observer_of()
    observer.privacy.know([BATHROOM])
    observer.poses.add(S, place(0.0))
    assert not observer.hear(HeardText(S, "in the bath"), "")
    observer.poses.add(2 * S, place(9.0))
    assert observer.hear(HeardText(2 * S, "in the hall"), "")
    assert observer.experience(moment(3.0, 0.9)).text == "in the hall"
    observer.poses.add(4 * S, place(0.0))
    inside = observer.experience(moment(4.0, 0.9))
    assert (inside.text, inside.reason) == ("", "private: bathroom")


def test_a_place_is_private_by_its_name_once_it_has_one() -> None:
    observer = observer_of(places=("bathroom",))
    assert observer.privacy.nowhere == {"bathroom"}
    assert "no place of this name yet" in str(observer.facts(S)["private_places"])
    observer.privacy.know([replace(BATHROOM, is_private=False)])
    assert observer.privacy.nowhere == frozenset()
    assert observer.facts(S) == {
        "unmatched_saliences": 0, "vague_poses": 0, "place_sigma_m": "nan",
        "private_modalities": "none", "private_places": "bathroom (2.0 m)",
        "private_here": "private: where it was is not known",
    }  # fmt: skip


def test_private_moments_are_kept_asked_for_by_time_and_slept_on(tmp_path: Path) -> None:
    observer = observer_of("vision")
    moments = [moment(10.0 + second, 0.3) for second in range(12)]
    with Memory.open(tmp_path) as memory:
        for one in moments:
            memory.remember(observer.experience(one)).result()
        memory.remember(observer_of().experience(moment(40.0, 0.9))).result()
        asked = Query(start_ns=11 * S, end_ns=13 * S)
        private = memory.recall(asked)
        assert [answer.experience.reason for answer in private] == ["private: vision"] * 3
        with pytest.raises(InvalidInput, match="not private: nothing of this one can be compared"):
            memory.recall(Query(example_id=private[0].experience.id))
        slept = memory.sleep(SleepOptions(target_share=0.05, salience_floor=0.8))
        assert not slept.rolled_back
        assert len(memory.recall(Query(min_salience=0.8))) == 1
        assert memory.inspect() == []


def test_a_quote_is_left_out_whatever_was_said() -> None:
    for words in ("stop", 'say "a; "b" c', "x" * 500, "; ", '"'):
        line = with_quote("language: novelty 0.90", words)
        assert line != "language: novelty 0.90" and len(line) < 200
        assert without_quotes(line + "; audio contradicts") == (
            "language: novelty 0.90; audio contradicts"
        )
    assert with_quote("language: quiet", "") == "language: quiet"


def test_a_restored_moment_that_has_become_private_is_held_without_what_was_sensed() -> None:
    before = observer_of()
    seen = moment(2.0, 0.9)
    before.perceive(seen.percept)
    before.score("vision", 2 * S, Scored(0.1, 0.2, 0.3, 0.5, 0.4, 0.9, 0.9, 1.0, "why"))
    after = observer_of("vision")
    after.restore(before.state())
    newest = after.newest("vision")
    assert newest is not None
    assert not np.any(after.experience(newest).codes)
