"""Which experiences to live through again: salient and surprising ones, new among old."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_memory.core.sleep.selection.survey import Survey

OLD_EVERY = 2
"""One of so many replayed experiences is an old one, drawn evenly: what is known is not lost over
what is new (interleaving, McClelland et al. 1995)."""


@dataclass(frozen=True)
class ReplayView:
    """What replay is drawn from; one value an experience.

    Attributes:
        number: row number, int64 [n].
        total, surprise: [0, 1], float64 [n].
        new: not replayed in an earlier run, bool [n].
    """

    number: NDArray[np.int64]
    total: NDArray[np.float64]
    surprise: NDArray[np.float64]
    new: NDArray[np.bool_]


def replay_view(seen: Survey, last_horizon: int) -> ReplayView:
    """Moments of a survey; new are those after the newest one of the last run."""
    moments = seen.covers == 0
    number = seen.number[moments]
    return ReplayView(number, seen.total[moments], seen.surprise[moments], number > last_horizon)


def draw(view: ReplayView, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Row numbers in the order of replay, at most `count`, none twice; int64.

    New ones come with a chance proportional to salience x surprise, old ones evenly, in turns;
    where one kind is used up the other follows. A pure function of its arguments.

    Raises:
        InvalidInput: a negative count.
    """
    if count < 0:
        raise InvalidInput("count", count, "0 or more")
    weight = np.where(view.new, view.total * view.surprise, 0.0)
    fresh = _without_replacement(weight, rng)
    old = rng.permutation(np.flatnonzero(~view.new))
    order: list[int] = []
    taken = {True: 0, False: 0}
    pools = {True: old, False: fresh}
    while len(order) < count and sum(taken.values()) < len(old) + len(fresh):
        turn = len(order) % OLD_EVERY == OLD_EVERY - 1
        if taken[turn] == len(pools[turn]):
            turn = not turn
        order.append(int(pools[turn][taken[turn]]))
        taken[turn] += 1
    return view.number[np.array(order, np.int64)]


def _without_replacement(
    weight: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Rows of positive weight, likelier ones earlier (Efraimidis and Spirakis 2006)."""
    keys = -np.log(1.0 - rng.random(len(weight)))
    rows = np.flatnonzero(weight > 0.0)
    return rows[np.argsort(keys[rows] / weight[rows], kind="stable")]


def augmented(
    vector: NDArray[np.float32], rng: np.random.Generator, noise: float = 0.05
) -> NDArray[np.float32]:
    """A unit vector with a little noise: same meaning, another moment; float32 [D].

    Args:
        noise: length of what is added, relative to the vector's.
    """
    step = rng.normal(size=vector.size)
    step *= noise * float(np.linalg.norm(vector)) / float(np.linalg.norm(step))
    changed = vector + step
    return np.asarray(changed / np.linalg.norm(changed), np.float32)
