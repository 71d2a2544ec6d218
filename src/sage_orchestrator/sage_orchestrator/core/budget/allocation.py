"""Sharing an amount of compute exactly: the parts sum to the whole, to the nanosecond."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sage_common.core.errors import InvalidInput
from sage_orchestrator.core.choice.curve import Segment

_WEIGHT_STEPS = 1 << 32


@dataclass(frozen=True)
class Demand:
    """One plugin that asks for compute in this cycle.

    Attributes:
        name: plugin.
        trust: [0.05, 1].
        salience: [0, 1], of what it would work on.
        requested_ns: what it thinks that it needs; reported, it does not bound the share.
        debt_ns: what its last step overran, to be paid from this share first.
        credit_ns: unspent time of earlier cycles, kept to cover a step that is still in flight.
        mandatory_ns: expected cost of what is left of its mandatory part; 0: nothing, or unknown.
        segments: what it could gain beyond that, by falling gain per time; empty: unknown.
        open_ended: it may need more than that; nobody let it come to an end.
    """

    name: str
    trust: float
    salience: float
    requested_ns: int = 0
    debt_ns: int = 0
    credit_ns: int = 0
    mandatory_ns: int = 0
    segments: tuple[Segment, ...] = ()
    open_ended: bool = True

    @property
    def weight(self) -> float:
        """What its gains count, [0, 1]."""
        return self.trust * self.salience


def split(amount_ns: int, weights: Sequence[float]) -> list[int]:
    """Parts of `amount_ns` in proportion to `weights`, by largest remainder; they sum to it.

    Ties go to the earlier part. If all weights are 0 the parts are equal.

    Raises:
        InvalidInput: a weight is negative or not finite, or `amount_ns` is negative.
    """
    if amount_ns < 0:
        raise InvalidInput("amount_ns", amount_ns, "at least 0")
    for weight in weights:
        if not math.isfinite(weight) or weight < 0.0:
            raise InvalidInput("weights", weight, "finite numbers, at least 0")
    if not weights:
        return []
    whole = _whole_weights(weights)
    total = sum(whole)
    parts = [amount_ns * weight // total for weight in whole]
    by_remainder = sorted(range(len(whole)), key=lambda i: (-(amount_ns * whole[i] % total), i))
    for i in by_remainder[: amount_ns - sum(parts)]:
        parts[i] += 1
    return parts


def _whole_weights(weights: Sequence[float]) -> list[int]:
    """Weights on an integer scale: floating-point quotients would not sum to the amount."""
    largest = max(weights)
    if largest == 0.0:
        return [1] * len(weights)
    return [round(weight / largest * _WEIGHT_STEPS) for weight in weights]


def allocate(budget_ns: int, floor: float, demands: Sequence[Demand]) -> dict[str, int]:
    """Share of each plugin that asked.

    A floor each; then what mandatory parts lack, as in the imprecise computation model (Liu et al.
    1991); then the steps that gain most per time, weighted by trust x salience, as far as they are
    known; then debts, if nobody could need what is left; and the rest by trust x salience.

    Args:
        budget_ns: what the cycle may spend.
        floor: [0, 1] part of the budget that each one gets at least; where the floors together
            exceed the budget, all get the same.
        demands: plugins that ask; names are unique.

    Returns:
        Nanoseconds by name; they sum to `budget_ns` unless nobody asked.
    """
    if not demands:
        return {}
    floor_ns = min(int(floor * budget_ns), budget_ns // len(demands))
    shares = {demand.name: floor_ns for demand in demands}
    rest = budget_ns - floor_ns * len(demands)
    rest -= _give_mandatory(shares, rest, demands)
    rest -= _give_steps(shares, rest, demands)
    if not any(demand.open_ended for demand in demands):
        rest -= _give_debts(shares, rest, demands)
    parts = split(rest, [demand.weight for demand in demands])
    return {d.name: shares[d.name] + part for d, part in zip(demands, parts, strict=True)}


def _give_mandatory(shares: dict[str, int], rest: int, demands: Sequence[Demand]) -> int:
    """Add what the mandatory parts lack, those that matter most first; what that took.

    Who is in debt gets what it would get without, and pays the debt of that: others get no less.
    """
    left = rest
    for demand in sorted(demands, key=lambda d: -d.weight):
        if demand.mandatory_ns:
            lacking = demand.mandatory_ns - shares[demand.name]
            part = min(left, max(0, lacking))
            shares[demand.name] += part
            left -= part
    return rest - left


def _give_steps(shares: dict[str, int], rest: int, demands: Sequence[Demand]) -> int:
    """Add what the best steps cost, each as far as its plugin's share does not pay it already."""
    left = rest
    unused = {d.name: max(0, shares[d.name] - d.mandatory_ns) for d in demands}
    steps = [
        (demand.weight * segment.gain_per_ms, demand.name, segment.cost_ns)
        for demand in demands
        for segment in demand.segments
    ]
    for _, name, cost_ns in sorted(steps, key=lambda step: -step[0]):
        covered = min(unused[name], cost_ns)
        unused[name] -= covered
        part = min(left, cost_ns - covered)
        shares[name] += part
        left -= part
    return rest - left


def _give_debts(shares: dict[str, int], rest: int, demands: Sequence[Demand]) -> int:
    """Add what those in debt lack to do all that they could."""
    left = rest
    for demand in sorted(demands, key=lambda d: -d.weight):
        steps_ns = sum(segment.cost_ns for segment in demand.segments)
        lacking = demand.debt_ns + demand.mandatory_ns + steps_ns - shares[demand.name]
        part = min(left, max(0, lacking)) if demand.debt_ns else 0
        shares[demand.name] += part
        left -= part
    return rest - left
