"""Where the time of a cycle goes, in a case that was made up and is known."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sage_common.core.diagnosis import stages
from sage_common.core.diagnosis.cycle_profile import CycleProfile, Way, cycle_profile
from sage_common.core.diagnosis.timing import KEY_ENDING, TimingFacts

STREAMS = {"vision": "camera", "audio": "microphone"}
TIMINGS = {
    "sense camera": TimingFacts(1.0, 1.0, 2.0, 30.0),
    "encode vision": TimingFacts(4.0, 3.9, 8.0, 30.0),
    "encode audio": TimingFacts(2.0, 2.0, 3.0, 10.0),
    "score vision": TimingFacts(2.0, 2.0, 3.0, 30.0),
    "fuse vision": TimingFacts(1.0, 1.0, 2.0, 30.0),
    "fuse audio": TimingFacts(9.0, 9.0, 9.0, 10.0),
    "attend": TimingFacts(0.5, 0.5, 1.0, 40.0),
    "to salience vision": TimingFacts(10.0, 9.0, 20.0, 30.0),
    "to salience audio": TimingFacts(99.0, 90.0, 200.0, 10.0),
    "to refinement vision": TimingFacts(110.0, 100.0, 200.0, 4.0),
    "refine look vision": TimingFacts(40.0, 40.0, 60.0, 1.0),
    "refine recognise vision": TimingFacts(20.0, 20.0, 30.0, 3.0),
    "refine hear audio": TimingFacts(500.0, 500.0, 500.0, 1.0),
}


def shares(way: Way | None) -> dict[str, float]:
    assert way is not None
    return {part.name: round(part.share, 4) for part in way.parts}


def test_the_way_to_salience_adds_up_and_names_what_lies_between() -> None:
    found = cycle_profile(TIMINGS, STREAMS)
    assert found.modality == "vision"
    assert shares(found.salience) == {
        "encode vision": 0.4, "score vision": 0.2, "hand over": 0.2, "sense camera": 0.1,
        "fuse vision": 0.1,
    }  # fmt: skip
    assert found.salience is not None
    assert found.salience.parts[0].facts == TIMINGS["encode vision"]
    assert found.salience.relief == (
        "encode vision takes 40 % of it (4.0 of 10.0 ms on average); "
        "weights of int8 relieve it: `precision` of vision_encoder"
    )


def test_the_way_on_to_refinement_has_plugins_by_how_often_they_ran_and_the_wait() -> None:
    found = cycle_profile(TIMINGS, STREAMS)
    assert found.refinement is not None
    parts_ms = {part.name: round(part.mean_ms, 6) for part in found.refinement.parts}
    assert parts_ms == {
        "wait": 75.0, "refine recognise vision": 15.0, "refine look vision": 10.0,
        "encode vision": 4.0, "score vision": 2.0, "hand over": 2.0, "sense camera": 1.0,
        "fuse vision": 1.0,
    }  # fmt: skip
    assert (
        next(iter(parts_ms)) == "wait" and "`cycle_ms` of orchestrator" in found.refinement.relief
    )
    assert sum(part.share for part in found.refinement.parts) == pytest.approx(1.0)


def test_work_has_all_that_overlaps_and_adds_up() -> None:
    work = cycle_profile(TIMINGS, STREAMS).work
    assert sum(part.share for part in work) == pytest.approx(1.0)
    per_second_ms = {part.name: part.mean_ms for part in work}
    assert per_second_ms["encode vision"] == 120.0 and per_second_ms["refine hear audio"] == 500.0
    assert not [name for name in per_second_ms if name.startswith(("sense", "to "))]
    assert work[0].name == "refine hear audio"


def test_measured_parts_that_are_more_than_the_whole_still_add_up() -> None:
    slow = {**TIMINGS, "to salience vision": TimingFacts(5.0, 5.0, 5.0, 30.0)}
    found = cycle_profile(slow, STREAMS)
    assert sum(shares(found.salience).values()) == pytest.approx(1.0, abs=1e-3)
    assert shares(found.salience)["hand over"] == 0.0


def test_without_a_camera_the_next_modality_is_followed_and_without_any_nothing() -> None:
    deaf = {name: facts for name, facts in TIMINGS.items() if "vision" not in name}
    found = cycle_profile(deaf, STREAMS)
    assert found.modality == "audio" and found.refinement is None
    assert cycle_profile({}, STREAMS) == CycleProfile("", None, None, ())


def test_timings_are_read_from_what_nodes_report() -> None:
    facts = TIMINGS["encode vision"]
    values = [
        SimpleNamespace(key=stages.encode("vision") + KEY_ENDING, value=facts.words),
        SimpleNamespace(key="viewers", value="1"),
    ]
    assert stages.read_timings([SimpleNamespace(values=values)]) == {"encode vision": facts}
