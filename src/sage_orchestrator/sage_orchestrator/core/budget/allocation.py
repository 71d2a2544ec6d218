"""Sharing an amount of compute exactly: the parts sum to the whole, to the nanosecond."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sage_common.core.errors import InvalidInput

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
    """

    name: str
    trust: float
    salience: float
    requested_ns: int = 0
    debt_ns: int = 0
    credit_ns: int = 0


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
    """Share of each plugin that asked: a floor each, and the rest by trust x salience.

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
    rest = split(
        budget_ns - floor_ns * len(demands),
        [demand.trust * demand.salience for demand in demands],
    )
    return {demand.name: floor_ns + part for demand, part in zip(demands, rest, strict=True)}
