"""A battery as a strip chart of one minute, and an embedding of how it is.

Rows: ten quantities of three rows each, in the order of `QUANTITIES`; columns: 2 s each, the newest
at the right. A bar is as high as its value in its range: voltage and that of the weakest cell by
ratio, from 1 to 100 V and from 1 to 5 V; sag, how far the voltage is below its highest of the
minute, up to 20 %; current, charging above the middle and discharging below it, finer around 0;
charge from empty to full; temperatures from -20 to 80 degC; spread of the cells up to 0.5 V; flow:
discharging, not charging, charging, full; fault: none, or any that `power_supply_health` names.
Blank is what the battery does not measure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.state.fields import State
from sage_encoders.core.robot import polar
from sage_encoders.core.robot.collector import Collector, View
from sage_encoders.core.robot.strip_chart import BARS, StripChart, bars, chart_places, signed_level

Floats = NDArray[np.float64]

QUANTITIES = (
    "voltage",
    "sag",
    "current",
    "charge",
    "temperature",
    "weakest cell",
    "spread of cells",
    "hottest cell",
    "flow",
    "fault",
)
VOLTAGE, SAG, CURRENT, CELL = 0, 1, 2, 5
COLUMN_S = 2.0
LOWEST = np.array([1.0, 0.0, -200.0, 0.0, -20.0, 1.0, 0.0, -20.0, 0.0, 0.0])
HIGHEST = np.array([100.0, 0.2, 200.0, 1.0, 80.0, 5.0, 0.5, 80.0, 1.0, 1.0])
"""V, share of the voltage, A, share of full, degC, V, V, degC, and the two levels as they are."""
OCTAVE = 2.0
"""Ratio of voltages that is a whole turn of the embedding, so that 5 % are 26 degrees anywhere."""
WEIGHTS = np.array([0.0, 1.0, 1.0, 1.0, 1.0, 0.5, 1.0, 0.5, 1.0, 2.0])
"""Of the levels in the embedding; that of the voltage is far coarser than its direction."""
FLOWS = (math.nan, 2.0 / 3.0, 0.0, 1.0 / 3.0, 1.0)
"""Level by `power_supply_status`: unknown, charging, discharging, not charging, full."""
HEALTH_UNKNOWN, HEALTH_GOOD, HEALTHS = 0, 1, 9
ENCODER_ID = polar.encoder_id("battery", 1, (COLUMN_S, *LOWEST, *HIGHEST, OCTAVE, *WEIGHTS))
PLACES = chart_places(QUANTITIES, COLUMN_S)

_CHARGE_ROUNDING = 0.01


@dataclass(frozen=True)
class BatterySample:
    """What a battery says of itself, as in `sensor_msgs/BatteryState`; NaN: not measured.

    Attributes:
        voltage: [V], at least 0.
        current: [A], negative while it discharges.
        percentage: charge, 0 to 1.
        temperature: [degC].
        cell_voltages, cell_temperatures: of each cell [V], [degC]; empty: not measured.
        status: `power_supply_status`, 0 to 4.
        health: `power_supply_health`, 0 to 8.
    """

    voltage: float
    current: float = math.nan
    percentage: float = math.nan
    temperature: float = math.nan
    cell_voltages: tuple[float, ...] = ()
    cell_temperatures: tuple[float, ...] = ()
    status: int = 0
    health: int = 0


class BatteryEncoder(Collector):
    """Collects samples; `percept` encodes the last minute."""

    encoder_id = ENCODER_ID
    _chart: State[StripChart]
    _now: State[NDArray[np.float64]]

    def __init__(self, modality: str = "battery", source: str = "battery") -> None:
        super().__init__(modality, source)
        self._chart = StripChart(BARS, round(COLUMN_S * NS_PER_S))
        self._now = np.full(BARS, np.nan)

    def add(self, stamp_ns: int, sample: BatterySample) -> None:
        """Take a sample.

        Raises:
            InvalidInput: out of range, nothing measured at all, or not newer than the last sample.
        """
        _check(sample)
        if self._is_set_back(stamp_ns):
            self._chart = StripChart(BARS, round(COLUMN_S * NS_PER_S))
        self._check_newer(stamp_ns)
        self._stamp_ns = stamp_ns
        self._now = self._quantities(sample)
        self._chart.add(stamp_ns, self._now)

    def _view(self) -> View:
        return View(bars(levels_of(self._chart.values)), embedding(self._now))

    def _quantities(self, sample: BatterySample) -> Floats:
        """The ten quantities; NaN where not measured."""
        highest = float(np.nanmax([*self._chart.values[VOLTAGE], sample.voltage, 0.0]))
        cells, heats = _known(sample.cell_voltages), _known(sample.cell_temperatures)
        return np.array(
            [
                sample.voltage,
                1.0 - sample.voltage / highest if highest > 0.0 else math.nan,
                sample.current,
                sample.percentage,
                sample.temperature,
                cells.min() if len(cells) else math.nan,
                np.ptp(cells) if len(cells) else math.nan,
                heats.max() if len(heats) else math.nan,
                FLOWS[sample.status],
                math.nan if sample.health == HEALTH_UNKNOWN else sample.health != HEALTH_GOOD,
            ]
        )


def levels_of(values: Floats) -> Floats:
    """Quantities [10, ...] as levels 0..1, NaN where not measured; see the module."""
    shape = (BARS,) + (1,) * (values.ndim - 1)
    low, high = LOWEST.reshape(shape), HIGHEST.reshape(shape)
    inside = np.clip(values, low, high)
    levels: Floats = (inside - low) / (high - low)
    for row in (VOLTAGE, CELL):
        levels[row] = np.log(inside[row] / low[row]) / np.log(high[row] / low[row])
    levels[CURRENT] = signed_level(inside[CURRENT], high[CURRENT])
    return levels


def embedding(now: Floats) -> NDArray[np.float32]:
    """How the battery is, as a unit vector [22].

    A constant, the voltage as a direction (a whole turn for each doubling), the levels of the other
    quantities, and for each whether it is measured.

    Args:
        now: the ten quantities; NaN: not measured.
    """
    known, voltage = ~np.isnan(now), now[VOLTAGE]
    direction = [0.0, 0.0]
    if voltage > 0.0:
        angle = 2.0 * math.pi * math.log(voltage) / math.log(OCTAVE)
        direction = [math.cos(angle), math.sin(angle)]
    levels = np.where(known, levels_of(now) * WEIGHTS, 0.0)
    vector = np.concatenate(([1.0], direction, levels[VOLTAGE + 1 :], 0.5 * known))
    unit: NDArray[np.float32] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit


def _check(sample: BatterySample) -> None:
    for name in (item.name for item in fields(BatterySample)):
        values = np.atleast_1d(getattr(sample, name))
        if np.isinf(values).any():
            raise InvalidInput(name, float(values[np.isinf(values)][0]), "a number, or NaN")
    for name, lowest, highest in (("voltage", 0.0, math.inf), ("percentage", 0.0, 1.0)):
        value = getattr(sample, name)
        if not math.isnan(value) and not lowest <= value <= highest + _CHARGE_ROUNDING:
            expected = f"{lowest:g} to {highest:g}, or NaN" if highest < math.inf else "at least 0"
            raise InvalidInput(name, value, expected)
    if sample.status not in range(len(FLOWS)):
        raise InvalidInput("power_supply_status", sample.status, f"0 to {len(FLOWS) - 1}")
    if sample.health not in range(HEALTHS):
        raise InvalidInput("power_supply_health", sample.health, f"0 to {HEALTHS - 1}")
    if math.isnan(sample.voltage) and math.isnan(sample.percentage):
        raise InvalidInput("voltage", sample.voltage, "a number, unless percentage is one")


def _known(values: tuple[float, ...]) -> Floats:
    array = np.array(values, np.float64)
    return array[~np.isnan(array)]
