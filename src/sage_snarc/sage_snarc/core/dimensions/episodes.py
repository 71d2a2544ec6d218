"""Habituation to courses of events: the second bang is known from its onset to its end."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from sage_common.core.state.fields import State
from sage_common.core.state.ranges import FINITE, NOT_NEGATIVE, Count, NotNegative, Share
from sage_common.core.state.stateful import Stateful
from sage_snarc.core.dimensions.habituation import RECOVERY_S

REMEMBERED, LONGEST = 24, 40
ONSET_SALIENCE = 0.3
QUIET_SALIENCE = 0.05
QUIET_S, QUIET_PERIODS = 1.5, 3.0
BACKGROUND_HORIZON = 100
SHIFT = 2
ALIKE = 0.3
SAME = 0.5
IDENTICAL = 0.97
ONSET = 100.0
DOSE, MOST_DOSE = 6.0, 5.0
QUIET_HORIZON = 1000
BY_CHANCE = 0.2
SHARED = 4.0
"""Numbers of a stream that have as much in common as to count as one direction."""


class Courses(Stateful):
    """The courses of past episodes, what they have in common, and how much of each one has had.

    Attributes:
        rows: what each sample added to the background, float64 [24, 40, size].
        sizes: squared lengths of those, float64 [24, 40].
        kinds: of episodes alike, int64 [24]; 0: nothing remembered.
        largest: the largest weight that a sample of each has in a comparison, float64 [24].
        doses: float64 [24], >= 0.
    """

    rows: State[Annotated[NDArray[np.float64], FINITE]]
    sizes: State[Annotated[NDArray[np.float64], NOT_NEGATIVE]]
    kinds: State[Annotated[NDArray[np.int64], NOT_NEGATIVE]]
    largest: State[Annotated[NDArray[np.float64], NOT_NEGATIVE]]
    doses: State[Annotated[NDArray[np.float64], NOT_NEGATIVE]]

    def __init__(self, size: int) -> None:
        self.rows = np.zeros((REMEMBERED, LONGEST, size))
        self.sizes = np.zeros((REMEMBERED, LONGEST))
        self.kinds = np.zeros(REMEMBERED, np.int64)
        self.largest = np.zeros(REMEMBERED)
        self.doses = np.zeros(REMEMBERED)

    def learn(
        self, course: NDArray[np.float64], likeness: NDArray[np.float64], dose: float, noise: float
    ) -> None:
        """Add a dose of an episode to those alike; remember its course unless one is the same."""
        nearest = int(likeness.argmax())
        known = bool(likeness[nearest] >= SAME)
        kind = int(self.kinds[nearest]) if known else int(self.kinds.max()) + 1
        before = float(self.doses[nearest]) if known else 0.0
        if likeness[nearest] < IDENTICAL:
            slot = int(self.doses.argmin())
            self.rows[slot] = 0.0
            self.rows[slot, : len(course)] = course
            self.sizes[slot] = (self.rows[slot] ** 2).sum(axis=1)
            self.largest[slot] = _weight(float(self.sizes[slot].max()), noise)
            self.kinds[slot] = kind
        self.doses[self.kinds == kind] = min(before + dose, MOST_DOSE)


class Alignment(Stateful):
    """How alike what is going on is to each known course, if it began at a certain sample."""

    new_keys = frozenset({"weight"})
    place: State[Count] = 0
    _difference: State[Annotated[NDArray[np.float64], NOT_NEGATIVE]]
    _extent: State[Annotated[NDArray[np.float64], NOT_NEGATIVE]]
    _weight: State[Annotated[NDArray[np.float64], NOT_NEGATIVE]]
    _own: State[NotNegative] = 0.0

    def __init__(self) -> None:
        self._difference = np.zeros(REMEMBERED)
        self._extent = np.zeros(REMEMBERED)
        self._weight = np.zeros(REMEMBERED)

    def begin(self) -> None:
        """The next sample is the first."""
        self.place, self._own = 0, 0.0
        self._difference[:] = 0.0
        self._extent[:] = 0.0
        self._weight[:] = 0.0

    def add(self, offset: NDArray[np.float64], known: Courses, noise: float) -> None:
        """The next sample, as an offset from the background that varies by `noise` (squared)."""
        if self.place < LONGEST:
            first = max(self.place - SHIFT, 0)
            squared = ((known.rows[:, first : self.place + SHIFT + 1] - offset) ** 2).sum(axis=2)
            nearest = squared.argmin(axis=1)
            rows = np.arange(REMEMBERED)
            size = float(offset @ offset)
            sizes = 0.5 * (size + known.sizes[rows, first + nearest])
            # What is hardly off the background says nothing of what it is.
            weights = np.maximum(sizes - noise, 0.0)
            self._difference += weights * squared[rows, nearest]
            self._extent += weights * sizes
            self._weight += weights
            self._own = max(self._own, _weight(size, noise))
        self.place += 1

    def likeness(self, known: Courses, noise: float, quiet: float) -> NDArray[np.float64]:
        """To each course, float64 [24] in [0, 1]; 1: the same so far.

        Args:
            noise: squared length by which the background varies.
            quiet: the largest length that it lately had.
        """
        # Of the doubt of its first samples a course has the benefit, unless it is another by far.
        doubt = np.where(known.largest <= ONSET * self._own, known.largest, 0.0)
        ratio = self._difference / (self._extent + doubt + 1e-300)
        alike = 1.0 / (1.0 + (ratio / ALIKE) ** 3)
        chance = self._chance(noise, quiet, known.rows.shape[2])
        return np.where(known.kinds > 0, alike / (1.0 + (chance / BY_CHANCE) ** 4), 0.0)

    def _chance(self, noise: float, quiet: float, size: int) -> NDArray[np.float64]:
        """That another event is as near to each course by chance, float64 [24] in [0, 1].

        Its length may be anything beyond the background's, to half of which lengths tell nothing,
        and its direction one of as many dimensions as its numbers have on their own.
        """
        weight = self._weight + 1e-300
        length = np.sqrt(self._extent / weight) + 1e-150
        apart = np.sqrt(np.maximum(self._difference / weight - 2.0 * noise, 0.0))
        apart = np.minimum(apart + 0.5 * quiet, length)
        beyond = np.maximum(length - quiet, apart)
        return np.asarray(
            apart / np.maximum(beyond, 1e-150) * (apart / length) ** ((size - 1) / SHARED)
        )


class EpisodeHabituation(Stateful):
    """How used one is to what is just happening, from how alike it is to what has happened before.

    An episode begins with a sample of salience 0.3, and ends when there was none above 0.05 for
    1.5 s or three samples. Its course, what its samples add to the background before it, is
    compared sample by sample, give or take two, with the courses of the last 24 kinds of episodes:
    the squared differences so far over the squared sizes of the two courses, of samples that are
    farther from the background than it varies. So a window that mixes the end of a bang with
    whatever follows is known for the bang that it belongs to, which no comparison of single
    samples can. Which kind it is of is told by its salient samples, not by the quiet after them,
    in which the place does what it likes. A kind's dose grows by six times the fourth power of its
    largest salience (that of what noise does each minute is less), to 5 at most, and fades with
    the time constant of `Habituation`. Likeness counts as far as it is not by chance: the spikes
    of a noise of one number are alike, and nothing that repeats.
    What is salient anew after a quiet sample may be another event: it is compared as if it began
    there, too, and the better of the two counts.
    """

    new_keys = frozenset({"salience_sum", "known", "quiet"})
    _background: State[Annotated[NDArray[np.float64], FINITE]]
    _noise: State[NotNegative] = 0.0
    _quiet: State[NotNegative] = 0.0
    _quiet_count: State[Count] = 0
    _courses: State[Courses]
    _from_onset: State[Alignment]
    _from_newest: State[Alignment]
    _current: State[Annotated[NDArray[np.float64], FINITE]]
    _going_on: State[bool] = False
    _peak: State[Share] = 0.0
    _salience_sum: State[NotNegative] = 0.0
    _known: State[Annotated[NDArray[np.float64], NOT_NEGATIVE]]
    """Sums over what is going on: of its salience, and of that times the likeness to each."""
    _quiet_s: State[NotNegative] = 0.0

    def __init__(self, size: int) -> None:
        """`size`: components of the vectors."""
        self._background = np.zeros(size)
        self._courses = Courses(size)
        self._from_onset = Alignment()
        self._from_newest = Alignment()
        self._current = np.zeros((LONGEST, size))
        self._known = np.zeros(REMEMBERED)

    def strength(
        self,
        vector: NDArray[np.float64],
        salience: float,
        elapsed_s: float,
        period_s: float,
        learns: bool = True,
    ) -> float:
        """Habituation to what is going on, [0, 1); then follow it.

        Args:
            vector: float64 [size].
            salience: salience before habituation, corrected by the false alarms that came, [0, 1).
            elapsed_s: time since the last sample [s], >= 0.
            period_s: usual time between samples [s].
            learns: False: what ends now is not got used to.
        """
        self._courses.doses *= math.exp(-elapsed_s / RECOVERY_S)
        offset = vector - self._background
        if salience >= ONSET_SALIENCE and not self._going_on:
            self._from_onset.begin()
            self._from_newest.begin()
            self._going_on, self._peak, self._salience_sum, self._quiet_s = True, 0.0, 0.0, 0.0
            self._known[:] = 0.0
        elif salience >= ONSET_SALIENCE and self._quiet_s > 0.0:
            self._from_newest.begin()
        if not self._going_on:
            self._follow(offset)
            return 0.0
        if self._from_onset.place < LONGEST:
            self._current[self._from_onset.place] = offset
        for alignment in (self._from_onset, self._from_newest):
            alignment.add(offset, self._courses, self._noise)
        self._peak = max(self._peak, salience)
        self._quiet_s = self._quiet_s + elapsed_s if salience < QUIET_SALIENCE else 0.0
        likeness = np.maximum(
            self._from_onset.likeness(self._courses, self._noise, self._quiet),
            self._from_newest.likeness(self._courses, self._noise, self._quiet),
        )
        strength = 1.0 - math.exp(-float((likeness * self._courses.doses).max()))
        self._salience_sum += salience
        self._known += salience * likeness
        if self._quiet_s > max(QUIET_S, QUIET_PERIODS * period_s):
            course = self._current[: self._from_onset.place]
            known = self._known / self._salience_sum
            if learns:
                self._courses.learn(course, known, DOSE * self._peak**4, self._noise)
            self._going_on = False
        return strength

    def _follow(self, offset: NDArray[np.float64]) -> None:
        self._quiet_count += 1
        rate = 1.0 / min(self._quiet_count, BACKGROUND_HORIZON)
        size = float(offset @ offset)
        self._noise += rate * (size - self._noise)
        faded = self._quiet * (1.0 - 1.0 / QUIET_HORIZON)
        self._quiet = max(faded, math.sqrt(size))
        self._background += rate * offset


def _weight(size: float, noise: float) -> float:
    """Of a sample of this squared length in a comparison of courses."""
    return max(size - noise, 0.0) * size
