"""The unit of salience: how often would a stream in which nothing happens say as much?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.state.fields import State
from sage_common.core.state.ranges import NOT_NEGATIVE, NotNegative, Range
from sage_common.core.state.stateful import Stateful

USUAL_PER_HOUR = 36_000.0
LEAST_RARITY, MOST_RARITY = math.log(2.0), 80.0
FALSE_ALARMS_PER_HOUR = 60.0
STEEPNESS = 6
STEP = 1.0
LEVELS = 20
LARGEST_TOTAL = 1.0 - 1e-7
"""Beyond it float32 has no number below 1."""
COUNTED_PER_HOUR = 600.0
OWN_RUN_S = 1.0
FORGETTING_S, LEAST_FORGETTING_S = 86_400.0, 3600.0
PRIOR_ALARMS, PRIOR_SILENCE = 20.0, 5.0
PRIOR_STEPS = 20.0
LEAST_STEP = 0.1


class Salience:
    """Salience in [0, 1) of a rarity, and back: 0.5 is as rare as false alarms were asked to be."""

    def __init__(self, false_alarms_per_hour: float = FALSE_ALARMS_PER_HOUR) -> None:
        """`false_alarms_per_hour`: false alarms, of a stream of ten or more samples a second, > 0.

        Of a slower stream it is in proportion fewer: 60 an hour are one in 600 samples.
        """
        self._half = math.log1p(USUAL_PER_HOUR / checked_rate(false_alarms_per_hour))

    def total(self, rarity: float) -> float:
        """Of a rarity >= 0, strictly increasing: with 60 an hour asked, 0.81 at 10, 0.95 at 1."""
        powered = (rarity / self._half) ** STEEPNESS
        return powered / (1.0 + powered)

    def rarity(self, total: float) -> float:
        """Of a total in [0, 1]; of the largest that float32 holds from there on."""
        known = min(total, LARGEST_TOTAL)
        return self._rarity(known / (1.0 - known))

    def weighed(self, rarity: float, habituation: float, reward: float) -> float:
        """A rarity after habituation [0, 1) has taken its share of the total, and with a value.

        The learned value (`reward`, 0..1, 0.5 unknown) multiplies the odds, by 4 at most: order is
        kept, and a rewarded but unchanging scene does not hold attention for ever.
        """
        odds = (rarity / self._half) ** STEEPNESS
        odds *= (1.0 - habituation) / (1.0 + odds * habituation)
        return self._rarity(odds * 16.0 ** (reward - 0.5))

    def _rarity(self, odds: float) -> float:
        return float(self._half * odds ** (1.0 / STEEPNESS))


def checked_rate(per_hour: float) -> float:
    """A rate of false alarms that can be asked for.

    Raises:
        InvalidInput: not a number above 0, up to 36,000 an hour.
    """
    if not isinstance(per_hour, Real) or not 0.0 < per_hour <= USUAL_PER_HOUR:
        raise InvalidInput("false_alarms_per_hour", per_hour, "a number above 0, up to 36000")
    return float(per_hour)


def rarity_of(excess: float, usual_share: float) -> float:
    """`ln(1 + usual / rate)` of a `-ln p`; `usual_share`: usual rate over that of the samples."""
    exponent = excess + math.log(usual_share)
    return max(exponent, 0.0) + math.log1p(math.exp(-abs(exponent)))


def rate_of(rarity: float, usual: float) -> float:
    """How often a rarity comes [1/h], > 0 and finite as float32, `usual` at rarity ln 2."""
    return usual / math.expm1(min(max(rarity, LEAST_RARITY), MOST_RARITY))


class FalseAlarms(Stateful):
    """Corrects predicted rates of false alarms by those that came.

    A rarity is `ln(1 + usual / rate)`: `usual` is ten a second, or the rate of the samples where
    they come slower. For each of 20 levels of rarity, the alarms that passed it are counted (runs
    declustering: Leadbetter et al. 1983, Extremes; a run ends after 1 s, or three samples, below),
    and the rate is the mean of its posterior, with a gamma prior at the rate that the levels before
    it make likely: of 20 alarms where there are more than that, because some may be true, and of 5
    where there are fewer. A level counts once one of its return periods has passed. How rates fall
    from level to level, by e if the prediction is right, is learned from the levels that count (20
    alarms speak for e), and goes on beyond them: an exponential tail, as that of excesses over a
    high threshold is (Pickands 1975). A run that passes the highest level is no false alarm, so
    rare true events do not dull the rest. Counts are forgotten over a day, or over the time watched
    while that is less, but no sooner than over an hour: what a new stream said when it knew little
    is soon outweighed.
    """

    _exposure: State[NotNegative] = 0.0
    """How often the usual has come."""
    _alarms: State[Annotated[NDArray[np.float64], NOT_NEGATIVE]]
    _above_s: State[Annotated[NDArray[np.float64], Range(0.0, math.inf)]]
    """Time since each level was last reached [s]."""
    _running: State[NDArray[np.bool_]]
    """Levels whose last run was counted, and may still turn out to be no false alarm."""
    _corrected: State[Annotated[NDArray[np.float64], NOT_NEGATIVE]]

    def __init__(self) -> None:
        self._alarms = np.zeros(LEVELS)
        self._above_s = np.full(LEVELS, np.inf)
        self._running = np.zeros(LEVELS, np.bool_)
        self._corrected = STEP * np.arange(1.0, LEVELS + 1.0)

    def corrected(self, rarity: float) -> float:
        """The rarity that a predicted one has turned out to be, >= 0, in the same order."""
        if rarity >= STEP * LEVELS:
            return max(float(self._corrected[-1]) + rarity - STEP * LEVELS, 0.0)
        place = int(rarity / STEP)
        low = float(self._corrected[place - 1]) if place else 0.0
        high = float(self._corrected[place])
        return max(low + (high - low) * (rarity / STEP - place), 0.0)

    def learn(self, rarity: float, elapsed_s: float, period_s: float, usual: float) -> None:
        """Count an observed predicted rarity, `elapsed_s` after the last one.

        Args:
            period_s: usual time between samples [s].
            usual: rate of the usual [1/h]; may change.
        """
        # Of a past that fades over the time watched half is left.
        watched_s = 2.0 * 3600.0 * self._exposure / usual
        kept = math.exp(-elapsed_s / min(max(watched_s, LEAST_FORGETTING_S), FORGETTING_S))
        self._exposure = self._exposure * kept + elapsed_s / 3600.0 * usual
        self._alarms *= kept
        self._above_s += elapsed_s
        reached = min(int(rarity / STEP), LEVELS)
        begun = self._above_s[:reached] > max(OWN_RUN_S, 3.0 * period_s)
        self._above_s[:reached] = 0.0
        if begun.any():
            self._alarms[:reached] += begun
            self._running[:reached] |= begun
            self._correct(usual)
        if reached == LEVELS:
            self._alarms = np.maximum(self._alarms - self._running, 0.0)
            self._running[:] = False

    def check_values(self, values: Mapping[str, Any]) -> None:
        NOT_NEGATIVE.check("corrected", np.diff(values["corrected"], prepend=0.0))

    def _correct(self, usual: float) -> None:
        share, last = 1.0, 0.0
        # Alarms of levels that count, and those of them that reached the next one.
        reached, passed, before = 0.0, 0.0, 0.0
        for level, alarms in enumerate(self._alarms.tolist()):
            share *= (passed + PRIOR_STEPS * math.exp(-STEP)) / (reached + PRIOR_STEPS)
            expected = self._exposure * share
            if usual * share < COUNTED_PER_HOUR and expected >= 1.0:
                prior = PRIOR_ALARMS if alarms > expected else PRIOR_SILENCE
                share *= (alarms + prior) / (expected + prior)
                if before > 0.0:
                    reached, passed = reached + before, passed + alarms
                before = alarms
            # Rates fall from level to level, also where chance counted otherwise.
            last = max(-math.log(share), last + LEAST_STEP)
            self._corrected[level] = last
