"""Reputation stays in its bounds and in the right order, and goes stale; the sidecar."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sleep_home as home

from sage_common.core.errors import InvalidInput
from sage_common.core.specs.modality import ModalitySpecs
from sage_memory.core.ingest.payload_policy import WEIGHTS, affect, keeps_payload
from sage_memory.core.store.entities import Entity, Evidence, named, sources_of, updated

DAY_NS = 86400 * 10**9
SPECS = ModalitySpecs()
HALF_LIFE_S = 7 * 86400.0


def after(evidence: list[Evidence], name: str = "sensor:front") -> Entity:
    entity = named(name)
    for one in evidence:
        entity = updated(entity, one, HALF_LIFE_S)
    return entity


def some_evidence(seed: int, count: int = 50) -> list[Evidence]:
    rng = np.random.default_rng(seed)
    return [
        Evidence(
            int(rng.integers(0, 100)) * DAY_NS,
            None if rng.random() < 0.3 else float(rng.uniform(-1, 1)),
            None if rng.random() < 0.3 else float(rng.random()),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("seed", range(30))
def test_every_figure_stays_in_its_range(seed) -> None:
    entity = after(some_evidence(seed))
    assert -1.0 <= entity.reward <= 1.0
    for value in (entity.coherence, entity.conflict, entity.trust):
        assert 0.0 <= value <= 1.0
    assert 0.0 <= entity.trust_at(10**19, HALF_LIFE_S) <= 1.0


@pytest.mark.parametrize("seed", range(30))
def test_better_news_never_means_less_trust(seed) -> None:
    past = some_evidence(seed)
    bad = Evidence(100 * DAY_NS, -0.5, 0.8)
    for good in (replace(bad, reward=0.5), replace(bad, conflict=0.1)):
        assert after([*past, good]).trust > after([*past, bad]).trust


def test_extremes_are_approached_and_never_passed() -> None:
    good = after([Evidence(0, 1.0, 0.0)] * 500)
    bad = after([Evidence(0, -1.0, 1.0)] * 500)
    assert 0.95 < good.trust < 1.0 and 0.0 < bad.trust < 0.05
    assert good.reward > 0.95 and bad.conflict > 0.95 and good.observations == 500


def test_trust_goes_half_way_to_one_half_in_a_half_life() -> None:
    entity = replace(named("speaker:anna"), trust=0.9, last_ns=0)
    assert entity.trust_at(7 * DAY_NS, HALF_LIFE_S) == pytest.approx(0.7)
    assert entity.trust_at(0, HALF_LIFE_S) == 0.9
    assert entity.trust_at(-DAY_NS, HALF_LIFE_S) == 0.9
    assert entity.trust_at(700 * DAY_NS, HALF_LIFE_S) == pytest.approx(0.5)


def test_no_news_changes_no_figure() -> None:
    entity = after(some_evidence(3))
    seen = updated(entity, Evidence(10**18), HALF_LIFE_S)
    assert replace(seen, last_ns=entity.last_ns) == entity and seen.last_ns == 10**18


@pytest.mark.parametrize("name", ["front", "ghost:x", "sensor:", "sensor:" + 130 * "x"])
def test_wrong_names_are_refused(name) -> None:
    with pytest.raises(InvalidInput, match="entity"):
        named(name)


def test_wrong_evidence_is_refused() -> None:
    with pytest.raises(InvalidInput, match="reward"):
        updated(named("device:x"), Evidence(0, 1.5), HALF_LIFE_S)
    with pytest.raises(InvalidInput, match="conflict"):
        updated(named("device:x"), Evidence(0, None, float("nan")), HALF_LIFE_S)


def test_experiences_count_for_their_sensor_device_and_speaker(tmp_path) -> None:
    with home.opened(tmp_path) as memory:
        kept = memory.remember(
            home.moment(1, modality="language", entity="anna", reward=1.0, conflict=0.0)
        ).result()
        assert sources_of(kept, SPECS["language"]) == [
            "sensor:language/front",
            "device:robot",
            "speaker:anna",
        ]
        for _ in range(3):
            memory.learn_about(kept, HALF_LIFE_S).result()
        known = memory.entities()
    assert set(known) == {"sensor:language/front", "device:robot", "speaker:anna"}
    with home.opened(tmp_path) as memory:
        assert memory.entities() == known
    anna = known["speaker:anna"]
    assert anna.observations == 3 and anna.trust > 0.7 and anna.kind == "speaker"


def test_sensors_of_one_name_are_told_apart_by_their_kind() -> None:
    names = [
        sources_of(home.moment(1, modality=modality), SPECS[modality])[0]
        for modality in ("vision", "audio", "proprioception", "scan")
    ]
    assert names == ["camera:front", "microphone:front", "imu:front", "sensor:scan/front"]
    assert [named(name).kind for name in names] == ["camera", "microphone", "imu", "sensor"]


def test_affect_is_a_weighted_mean() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1.0)
    calm = home.moment(surprise=0.0, arousal=0.0, reward=0.5, conflict=0.0)
    assert affect(calm) == 0.0
    for reward in (0.0, 1.0):
        moved = replace(calm, surprise=1.0, arousal=1.0, reward=reward, conflict=1.0)
        assert affect(moved) == pytest.approx(1.0)
    for name in ("surprise", "arousal", "conflict"):
        assert affect(replace(calm, **{name: 0.8})) == pytest.approx(0.8 * WEIGHTS[name])


def test_payloads_are_kept_of_what_moves_and_what_is_pinned() -> None:
    calm, moving = home.moment(surprise=0.0, arousal=0.0), home.moment(surprise=0.9, arousal=0.9)
    assert not keeps_payload(calm, 0.3) and keeps_payload(moving, 0.3)
    assert keeps_payload(replace(calm, pinned=True), 0.3)
    assert keeps_payload(calm, 0.0)
