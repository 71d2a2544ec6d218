"""How far the learned score is trusted beside equal weights."""

from __future__ import annotations

import math
from typing import Annotated

from sage_common.core.state.fields import State, renamed
from sage_common.core.state.ranges import Range, Share
from sage_common.core.state.stateful import Stateful
from sage_snarc.core.learning.auroc import Advantage

STAKE = 1.0
LARGEST_PURSE = 2.0
REFILL = 1.0 / 512.0
ROUNDING = 1e-9
DOUBT = -1.0
LARGEST_EVIDENCE = 4.0
LARGEST_STEP = 2.0
LEAST_ERROR = 1e-6
UNCLEAR = 1.0


class Trust(Stateful):
    """Share of the learned score in the fused one, earned and lost by outcomes.

    Two forecasters say how probable it was that a moment mattered: equal weights (made a
    probability by a monotone map, so its order is kept) and the learned weights. Fused says
    `(1 - trust) p_equal + trust p_learned`. Trust is what is both wanted and affordable:

    - wanted: `2 posterior - 1`, at least 0, where the posterior of "learned forecasts better"
      starts at 0.27 and its log-odds stay within [-1, 4], so old merits do not blind it (as with
      fixed shares: Herbster and Warmuth 1998); times how clearly the learned score orders the
      last outcomes better: 0 up to one standard error of the difference in AUROC, 1 from two.
    - affordable: a purse (in nats) holds what fused has gained on equal weights in logarithmic
      loss: at most 2, 0 at the start, never below the stake of -1. `trust <= 1 - exp(-1 - purse)`,
      and one outcome can lose at most `-log(1 - trust)`: so fused can never lose more than the
      purse holds. Below 0 it is refilled by 1/512 an outcome, or it would stay empty for ever.

    The bound, on any stream of outcomes whatsoever: over any n outcomes in a row the logarithmic
    loss of fused (weighted as the outcomes are) is at most `3 + n/512` nats above that of equal
    weights, and from the start at most `1 + n/512`. (Proof: a purse changes by gain + refill, cut
    at 2; over n outcomes it falls by at most 3.) AUROC knows no such bound: who sees both scores
    can choose outcomes that split pairs across a change of trust. Tests let such adversaries
    choose every outcome and find the AUROC of fused, once 128 outcomes have come, at most 0.05
    below that of equal weights.
    """

    old_keys = renamed(trust=("trust", "purse", "evidence"))
    trust: State[Share] = 0.0
    _purse: State[Annotated[float, Range(-STAKE - ROUNDING, LARGEST_PURSE)]] = 0.0
    _evidence: State[Annotated[float, Range(DOUBT, LARGEST_EVIDENCE)]] = DOUBT

    def judge(self, equal: float, learned: float, count: float, order: Advantage) -> None:
        """Follow one outcome.

        Args:
            equal, learned: what each forecaster gave for what came, > 0, <= 1.
            count: how much the outcome counts, 0..1.
            order: of the learned score over equal weights, on the last outcomes.
        """
        ratio = learned / equal
        gain = count * math.log1p(self.trust * (ratio - 1.0))
        refill = REFILL if self._purse < 0.0 else 0.0
        self._purse = min(self._purse + gain + refill, LARGEST_PURSE)
        step = min(max(math.log(ratio), -LARGEST_STEP), LARGEST_STEP)
        self._evidence = min(max(self._evidence + count * step, DOUBT), LARGEST_EVIDENCE)
        wanted = max(math.tanh(0.5 * self._evidence), 0.0)
        clarity = order.difference / max(order.error, LEAST_ERROR) - UNCLEAR
        affordable = max(1.0 - math.exp(-STAKE - self._purse), 0.0)
        self.trust = min(wanted * min(max(clarity, 0.0), 1.0), affordable)
