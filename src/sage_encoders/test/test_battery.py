"""Batteries: what the strip chart shows, what is not measured, hostile samples, state."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from robot_streams import START_NS, S, battery_voltage

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import Percept
from sage_encoders.core.robot.battery import (
    ENCODER_ID,
    QUANTITIES,
    BatteryEncoder,
    BatterySample,
)
from sage_encoders.core.robot.strip_chart import BAR

FULL = BatterySample(
    16.0, -2.0, 0.9, 25.0, (4.0, 4.0, 4.0, 3.9), (25.0, 31.0, 26.0, 25.0), status=2, health=1
)


def watch(
    samples: Iterable[BatterySample], encoder: BatteryEncoder | None = None, first: int = 0
) -> Percept:
    """One sample a second."""
    encoder = encoder or BatteryEncoder()
    for index, sample in enumerate(samples):
        encoder.add(START_NS + (first + index) * S, sample)
    percept = encoder.percept()
    assert percept is not None
    return percept


def level(percept: Percept, quantity: str, column: int = 29) -> int:
    first = BAR * QUANTITIES.index(quantity)
    return int(percept.codes[first : first + BAR, column].sum(dtype=int))


def changed(**fields: object) -> BatterySample:
    return BatterySample(**{**FULL.__dict__, **fields})


@pytest.mark.parametrize(
    ("quantity", "field", "rising"),
    [
        ("voltage", "voltage", (3.0, 12.0, 16.0, 48.0)),
        ("current", "current", (-60.0, -5.0, 0.0, 5.0, 60.0)),
        ("charge", "percentage", (0.0, 0.3, 1.0)),
        ("temperature", "temperature", (-30.0, 0.0, 40.0, 90.0)),
        ("weakest cell", "cell_voltages", ((4.0, 2.0), (3.9, 3.3), (4.2, 4.2))),
        ("spread of cells", "cell_voltages", ((4.0, 4.0), (4.0, 3.8), (4.0, 3.0))),
        ("hottest cell", "cell_temperatures", ((20.0, 10.0), (30.0, 50.0), (80.0,))),
        ("flow", "status", (2, 3, 1, 4)),
        ("fault", "health", (1, 2)),
    ],
)
def test_more_is_higher(quantity: str, field: str, rising: tuple[object, ...]) -> None:
    heights = [level(watch([changed(**{field: value})]), quantity) for value in rising]
    assert heights == sorted(heights) and len(set(heights)) == len(rising)


def test_sag_is_below_the_highest_of_the_minute_and_is_forgotten_after_it() -> None:
    sagging = watch([FULL] * 20 + [changed(voltage=14.4)] * 2)
    assert level(sagging, "sag") > 10 and level(sagging, "sag", 24) == 1
    settled = watch([FULL] * 20 + [changed(voltage=14.4)] * 80)
    assert level(settled, "sag") == 1


def test_what_is_not_measured_is_blank() -> None:
    percept = watch([BatterySample(12.0)])
    known = {name for name in QUANTITIES if level(percept, name)}
    assert known == {"voltage", "sag"}
    without = watch([BatterySample(math.nan, percentage=0.5)])
    assert {name for name in QUANTITIES if level(without, name)} == {"charge"}


def test_a_drop_is_far_at_any_voltage_and_noise_is_near() -> None:
    for volts in (3.7, 12.0, 14.8, 24.0, 48.0):
        before = watch([BatterySample(volts, -2.0)]).embedding
        assert np.linalg.norm(before - watch([BatterySample(0.9 * volts, -2.0)]).embedding) > 0.3
        assert np.linalg.norm(before - watch([BatterySample(1.001 * volts, -2.0)]).embedding) < 0.01
    assert np.linalg.norm(watch([FULL]).embedding - watch([changed(status=1)]).embedding) > 0.1
    assert np.linalg.norm(watch([FULL]).embedding - watch([changed(health=2)]).embedding) > 0.3


@pytest.mark.parametrize(
    ("sample", "field"),
    [
        (BatterySample(math.nan), "voltage"),
        (BatterySample(-1.0), "voltage"),
        (BatterySample(math.inf), "voltage"),
        (BatterySample(12.0, current=-math.inf), "current"),
        (BatterySample(12.0, percentage=87.0), "percentage"),
        (BatterySample(12.0, percentage=-0.1), "percentage"),
        (BatterySample(12.0, cell_voltages=(4.0, math.inf)), "cell_voltages"),
        (BatterySample(12.0, status=9), "power_supply_status"),
        (BatterySample(12.0, health=99), "power_supply_health"),
    ],
)
def test_a_bad_sample_is_refused_by_field(sample: BatterySample, field: str) -> None:
    encoder = BatteryEncoder()
    with pytest.raises(InvalidInput) as refused:
        encoder.add(START_NS, sample)
    assert refused.value.field == field
    assert encoder.percept() is None


NUMBER = st.floats(allow_nan=True, allow_infinity=True, width=32)


@settings(max_examples=200, deadline=None)
@given(
    samples=st.lists(
        st.builds(
            BatterySample,
            voltage=NUMBER | st.floats(0.0, 60.0),
            current=NUMBER,
            percentage=NUMBER | st.floats(0.0, 1.0),
            temperature=NUMBER,
            cell_voltages=st.lists(NUMBER, max_size=4).map(tuple),
            cell_temperatures=st.lists(NUMBER, max_size=4).map(tuple),
            status=st.integers(0, 6),
            health=st.integers(0, 10),
        ),
        max_size=10,
    )
)
def test_any_samples_are_encoded_or_refused(samples: list[BatterySample]) -> None:
    encoder = BatteryEncoder()
    for index, sample in enumerate(samples):
        try:
            encoder.add(START_NS + index * S, sample)
        except InvalidInput as refused:
            assert refused.field and refused.expected
            continue
        percept = encoder.percept()
        assert percept is not None and encoder.percept() is None
        assert percept.codes.shape == (30, 30) and int(percept.codes.max()) <= 9
        assert percept.embedding.shape == (22,) and percept.embedding.dtype == np.float32
        assert np.linalg.norm(percept.embedding) == pytest.approx(1.0, abs=1e-4)
        assert percept.encoder_id == ENCODER_ID


def test_a_restored_encoder_goes_on_to_the_bit() -> None:
    rng = np.random.default_rng(0)
    samples = [changed(voltage=battery_voltage(rng, 0.8, -2.0)) for _ in range(60)]
    whole, first, resumed = (BatteryEncoder() for _ in range(3))
    watch(samples[:40], whole)
    watch(samples[:40], first)
    resumed.restore(first.state())
    ours, theirs = (watch(samples[40:], encoder, 40) for encoder in (whole, resumed))
    assert np.array_equal(ours.codes, theirs.codes)
    assert np.array_equal(ours.embedding, theirs.embedding)


def test_a_clock_that_is_set_back_starts_anew() -> None:
    encoder = BatteryEncoder()
    watch([FULL], encoder, first=3600)
    percept = watch([FULL], encoder)
    assert percept.stamp_ns == START_NS
    assert level(percept, "voltage") and not level(percept, "voltage", column=28)
    with pytest.raises(InvalidInput, match="stamp"):
        encoder.add(START_NS - 10 * S, FULL)
