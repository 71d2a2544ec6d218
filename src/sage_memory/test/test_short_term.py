"""x-from-last: judged with hindsight, kept if a local maximum above what is usual."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from node_inputs import alarms_per_hour

from sage_common.core.puzzle import Percept
from sage_common.core.specs.modality import ModalitySpecs
from sage_memory.core.ingest.observer import Observer
from sage_memory.core.ingest.pose_buffer import PoseBuffer
from sage_memory.core.ingest.privacy import Privacy
from sage_memory.core.ingest.short_term import Moment, RetentionPolicy, ShortTermMemory
from sage_memory.core.ingest.utterance_buffer import HeardText, UtteranceBuffer

S = 1_000_000_000
SPECS = ModalitySpecs()
POSES = PoseBuffer(1.0, 5.0)


def moment(stamp_s: float, score: float) -> Moment:
    stamp_ns = round(stamp_s * S)
    rng = np.random.default_rng(stamp_ns % 2**32)
    codes = rng.integers(0, 10, (30, 30), dtype=np.uint8)
    embedding = rng.normal(size=8).astype(np.float32)
    percept = Percept(stamp_ns, "vision", "front", codes, embedding, "vision-1", "")
    made = Moment(percept, 0.1, 0.2, 0.3, 0.5, 0.4, score, score, f"at {stamp_s}")
    return replace(made, alarms_per_hour=alarms_per_hour(score))


def kept(memory: ShortTermMemory, series: list[tuple[float, float]]) -> list[float]:
    """Stamps [s] of what is kept of a series of (stamp [s], score)."""
    judged = [memory.add(moment(stamp, score)) for stamp, score in series]
    return [item.percept.stamp_ns / S for item in judged if item is not None]


def test_a_peak_is_kept_once_three_newer_moments_follow() -> None:
    memory = ShortTermMemory(RetentionPolicy())
    assert kept(memory, [(0.0, 0.2), (0.1, 0.9)]) == []
    assert kept(memory, [(0.2, 0.3), (0.3, 0.3)]) == []
    assert kept(memory, [(0.4, 0.3)]) == [0.1]


def test_hindsight_prefers_the_higher_peak_that_follows() -> None:
    series = [(0.0, 0.1), (0.1, 0.6), (0.2, 0.9), (0.3, 0.2), (0.4, 0.2), (0.5, 0.2)]
    assert kept(ShortTermMemory(RetentionPolicy()), series) == [0.2]
    at_once = ShortTermMemory(RetentionPolicy(newer=0))
    assert kept(at_once, series) == [0.1], "judged at once, the lower one comes first"


def test_what_comes_too_often_while_nothing_happens_is_not_kept() -> None:
    rng = np.random.default_rng(0)
    series = [(i / 30, float(rng.uniform(0.0, 0.29))) for i in range(600)]
    assert kept(ShortTermMemory(RetentionPolicy(false_alarms_per_hour=60.0)), series) == []
    assert kept(ShortTermMemory(RetentionPolicy(false_alarms_per_hour=3600.0)), series)


def test_a_moment_of_unknown_rarity_is_not_kept() -> None:
    unknown = replace(moment(0.1, 0.9), alarms_per_hour=math.inf)
    series = [unknown, *(moment(0.2 + i / 10, 0.1) for i in range(3))]
    memory = ShortTermMemory(RetentionPolicy(false_alarms_per_hour=36_000.0))
    assert [memory.add(item) for item in series] == [None] * 4


def test_a_constant_scene_is_kept_once_at_most_however_salient() -> None:
    series = [(i / 30, 0.8) for i in range(600)]
    assert len(kept(ShortTermMemory(RetentionPolicy()), series)) <= 1


@pytest.mark.parametrize("rate_hz", [10, 20, 30])
@pytest.mark.parametrize("seed", [0, 1])
def test_twenty_busy_seconds_give_some_but_not_hundreds(rate_hz, seed) -> None:
    rng = np.random.default_rng(seed)
    scores = np.clip(np.convolve(rng.normal(0.5, 0.3, 20 * rate_hz), [0.3, 0.4, 0.3], "same"), 0, 1)
    series = [(i / rate_hz, float(score)) for i, score in enumerate(scores)]
    stamps = kept(ShortTermMemory(RetentionPolicy()), series)
    assert 4 <= len(stamps) <= 20
    assert min(np.diff(stamps)) >= 1.0


def test_an_event_stands_out_of_a_busy_past() -> None:
    rng = np.random.default_rng(3)
    series = [(i / 30, float(rng.uniform(0.3, 0.6))) for i in range(600)]
    series += [(20.0 + i / 30, 0.95 if i == 5 else 0.4) for i in range(10)]
    assert kept(ShortTermMemory(RetentionPolicy()), series)[-1] == pytest.approx(20.0 + 5 / 30)


def test_rare_events_have_no_threshold_and_do_not_wait_for_ever() -> None:
    memory = ShortTermMemory(RetentionPolicy(patience_s=2.0))
    found = []
    for i in range(40):
        assert memory.add(moment(5.0 * i, 0.4)) is None or i >= 3
        found += memory.expire(round((5.0 * i + 2.5) * S))
    assert [item.percept.stamp_ns // S for item in found] == [5 * i for i in range(40)]
    assert memory.expire(10**15) == []


def test_a_recording_that_starts_again_empties_the_buffer() -> None:
    memory = ShortTermMemory(RetentionPolicy())
    kept(memory, [(100.0 + i / 10, 0.5) for i in range(8)])
    assert kept(memory, [(0.0, 0.2)]) == []
    assert len(memory) == 1
    assert kept(memory, [(0.1, 0.9), (0.2, 0.1), (0.3, 0.1), (0.4, 0.1)]) == [0.1]


def test_interrupted_and_resumed_equals_uninterrupted() -> None:
    rng = np.random.default_rng(1)
    series = [(i / 30, float(rng.uniform(0.0, 1.0))) for i in range(900)]
    whole = ShortTermMemory(RetentionPolicy())
    truth = kept(whole, series)
    for cut in (0, 1, 5, 437):
        first, second = ShortTermMemory(RetentionPolicy()), ShortTermMemory(RetentionPolicy())
        before = kept(first, series[:cut])
        second.restore(first.state())
        assert before + kept(second, series[cut:]) == truth
        assert second.threshold == whole.threshold
        for name, array in whole.state().items():
            np.testing.assert_array_equal(array, second.state()[name])


def test_restored_moments_carry_everything() -> None:
    first, second = ShortTermMemory(RetentionPolicy()), ShortTermMemory(RetentionPolicy())
    told = [moment(i / 10, 0.9 if i == 1 else 0.1) for i in range(5)]
    for item in told[:4]:
        first.add(item)
    second.restore(first.state())
    found = second.add(told[4])
    assert found is not None
    assert found.percept.embedding.dtype == np.float32
    np.testing.assert_array_equal(found.percept.embedding, told[1].percept.embedding)
    np.testing.assert_array_equal(found.percept.codes, told[1].percept.codes)
    for name in ("surprise", "novelty", "arousal", "reward", "conflict", "total", "reason"):
        assert getattr(found, name) == getattr(told[1], name)


def test_impossible_buffer_is_refused() -> None:
    with pytest.raises(ValueError, match=r"newer = 10: expected 0 to capacity - 1 = 9"):
        ShortTermMemory(RetentionPolicy(capacity=10, newer=10))


def test_the_latest_words_within_the_window_go_with_a_moment() -> None:
    words = UtteranceBuffer(10.0)
    words.add(HeardText(1 * S, "hello"))
    words.add(HeardText(5 * S, "a dog", np.ones(3, np.float32), "minilm"))
    assert words.around(0) is None, "what is said later is not heard yet"
    assert words.around(4 * S).text == "hello"
    assert words.around(5 * S).text == "a dog"
    assert words.around(15 * S).text == "a dog"
    assert words.around(15 * S + 1) is None


def test_an_embedding_completes_the_same_words_whichever_comes_first() -> None:
    vector = np.ones(3, np.float32)
    for order in ([0, 1], [1, 0]):
        words = UtteranceBuffer(10.0)
        both = [HeardText(S, "a dog"), HeardText(S, "a dog", vector, "minilm")]
        for index in order:
            words.add(both[index])
        assert words.around(S).encoder_id == "minilm"
        again = UtteranceBuffer(10.0)
        again.restore(words.state())
        np.testing.assert_array_equal(again.around(S).embedding, vector)


def test_words_without_embedding_survive_too() -> None:
    words, again = UtteranceBuffer(10.0), UtteranceBuffer(10.0)
    again.restore(words.state())
    assert again.around(S) is None
    words.add(HeardText(S, "Grüße"))
    again.restore(words.state())
    assert again.around(S) == HeardText(S, "Grüße")


def test_time_that_goes_back_leaves_a_threshold_that_can_be_used() -> None:
    memory = ShortTermMemory(RetentionPolicy())
    later = [(1000.0 + 0.1 * i, 0.5 + 0.01 * (i % 7)) for i in range(60)]
    earlier = [(10.0 + 0.1 * i, 0.5 + 0.01 * (i % 7)) for i in range(60)]
    kept(memory, later + earlier)
    assert 0.0 <= memory.threshold <= 1.0


def test_what_a_percept_says_of_itself_is_not_what_was_heard() -> None:
    observer = Observer(
        {name: SPECS[name] for name in ("diagnostics", "language", "vision")},
        RetentionPolicy(),
        10.0,
        POSES,
        Privacy({}, (), POSES),
    )
    said, seen = moment(1.0, 0.5).percept, moment(2.0, 0.9)
    fault = replace(said, modality="diagnostics", text="ERROR of /motor", encoder_id="faults-1")
    observer.perceive(fault)
    assert observer.experience(seen).text == ""
    assert observer.experience(replace(seen, percept=fault)).text == "ERROR of /motor"
    observer.perceive(replace(said, modality="language", text="stop", encoder_id="minilm"))
    assert observer.experience(seen).text == "stop"


def test_an_instance_looks_back_and_speaks_as_its_kind_does() -> None:
    specs = ModalitySpecs(("rear audio", "radio language"))
    modalities = {name: specs[name] for name in ("rear", "radio", "vision")}
    observer = Observer(modalities, RetentionPolicy(), 10.0, POSES, Privacy({}, (), POSES))
    seen = moment(2.0, 0.9)
    heard = replace(seen, percept=replace(seen.percept, modality="rear"))
    assert observer.experience(heard).start_ns == S
    observer.perceive(replace(seen.percept, modality="radio", text="stop", encoder_id="minilm"))
    assert observer.experience(seen).text == "stop"
