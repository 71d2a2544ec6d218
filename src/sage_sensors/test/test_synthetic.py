"""Synthetic signals are pure functions of seed and time, and do what their script says."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sage_common.core.clock import NS_PER_S
from sage_sensors.core.samples import CHUNK_SAMPLES, SAMPLE_NS
from sage_sensors.core.synthetic_events import KINDS, SLOT_NS, event_of_slot, events_between
from sage_sensors.core.synthetic_scene import SyntheticScene
from sage_sensors.core.synthetic_sound import NOISE_RMS, SyntheticSound
from sage_sensors.core.synthetic_walk import SyntheticWalk

seeds = st.integers(0, 2**31 - 1)
moments = st.integers(0, 3600 * NS_PER_S)


@settings(max_examples=20, deadline=None)
@given(seed=seeds, time_ns=moments)
def test_the_picture_depends_on_seed_and_time_only(seed: int, time_ns: int) -> None:
    used = SyntheticScene(64, 48, seed=seed)
    used.render(12345)
    fresh = SyntheticScene(64, 48, seed=seed)
    np.testing.assert_array_equal(used.render(time_ns), fresh.render(time_ns))


@settings(max_examples=20, deadline=None)
@given(seed=seeds, number=st.integers(0, 36_000))
def test_sound_and_walk_depend_on_seed_and_time_only(seed: int, number: int) -> None:
    used = SyntheticSound(seed)
    used.chunk(3)
    np.testing.assert_array_equal(used.chunk(number), SyntheticSound(seed).chunk(number))
    walk = SyntheticWalk(100.0, seed).reading(number)
    again = SyntheticWalk(100.0, seed).reading(number)
    np.testing.assert_array_equal(walk.angular_velocity, again.angular_velocity)
    np.testing.assert_array_equal(walk.linear_acceleration, again.linear_acceleration)


def test_other_seeds_give_other_signals() -> None:
    assert (SyntheticScene(64, 48, seed=1).render(0) != SyntheticScene(64, 48).render(0)).any()
    assert (SyntheticSound(1).chunk(0) != SyntheticSound(0).chunk(0)).any()


@given(seed=seeds, slot=st.integers(0, 1000))
def test_each_event_lies_within_its_slot(seed: int, slot: int) -> None:
    event = event_of_slot(seed, slot)
    assert slot * SLOT_NS <= event.start_ns < event.end_ns <= (slot + 1) * SLOT_NS
    assert event.kind in KINDS
    assert events_between(seed, event.start_ns, event.end_ns) == [event]
    assert event not in events_between(seed, event.end_ns, event.end_ns + NS_PER_S)
    assert event.progress(event.start_ns) == 0.0 and event.progress(event.end_ns) is None


@pytest.mark.parametrize("kind", KINDS)
def test_events_are_seen_where_and_heard_when_the_script_says(kind: str) -> None:
    slots = (event_of_slot(0, slot) for slot in range(100))
    event = next(event for event in slots if event.kind == kind)
    middle_ns = (event.start_ns + event.end_ns) // 2
    with_event = SyntheticScene(320, 240, seed=0)
    background = SyntheticScene(320, 240, seed=0)
    background.events = lambda start_ns, end_ns: []  # type: ignore[method-assign]
    changed = (with_event.render(middle_ns) != background.render(middle_ns)).any(axis=2)
    rows, columns = np.nonzero(changed)
    place = event.place if kind == "flash" else 0.5
    assert np.median(rows) == pytest.approx(event.height * 240, abs=6)
    assert np.median(columns) == pytest.approx(place * 320, abs=6)
    sound = SyntheticSound(0)
    loud = sound.chunk(event.start_ns // (CHUNK_SAMPLES * SAMPLE_NS) + (kind == "crossing"))
    assert loud.std() > 5 * NOISE_RMS


def test_between_events_there_is_only_hiss() -> None:
    sound = SyntheticSound(0)
    quiet = next(n for n in range(200) if not sound.events(n * 10**8, (n + 1) * 10**8))
    assert sound.chunk(quiet).std() == pytest.approx(NOISE_RMS, rel=0.1)


def test_items_come_at_exact_times() -> None:
    frames = list(islice(SyntheticScene(32, 32, 30.0).items(), 31))
    assert frames[30].time_ns == NS_PER_S
    assert frames[1].time_ns == 33_333_333
    chunks = list(islice(SyntheticSound().items(), 3))
    assert [chunk.time_ns for chunk in chunks] == [99_937_500, 199_937_500, 299_937_500]
    assert chunks[0].value.samples.dtype == np.float32
    assert chunks[0].value.samples.shape == (CHUNK_SAMPLES,)


def test_the_walk_is_upright_and_steps() -> None:
    walk = SyntheticWalk(100.0)
    accel = np.array([item.value.linear_acceleration for item in islice(walk.items(), 1000)])
    assert accel[:, 2].mean() == pytest.approx(9.8, abs=0.1)
    spectrum = np.abs(np.fft.rfft(accel[:, 2] - accel[:, 2].mean()))
    assert np.fft.rfftfreq(1000, 0.01)[spectrum.argmax()] == pytest.approx(1.7, abs=0.05)


def test_wrong_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="width_px"):
        SyntheticScene(8, 48)
    with pytest.raises(ValueError, match="rate_hz"):
        SyntheticWalk(0.0)
