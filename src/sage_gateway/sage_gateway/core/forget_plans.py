"""Forgetting takes two steps: a plan with a confirmation, then the deed."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable

from sage_gateway.core.contract.answers import ForgetPlan

VALID_S = 60.0
MOST = 32


class ForgetPlans:
    """The plans that are not carried out yet, the newest 32.

    Args:
        now_s: monotonic time [s].
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._plans: OrderedDict[str, tuple[float, frozenset[str]]] = OrderedDict()

    def plan(self, ids: tuple[str, ...]) -> ForgetPlan:
        """A plan to forget these experiences."""
        confirmation = secrets.token_urlsafe(16)
        self._plans[confirmation] = self._now_s() + VALID_S, frozenset(ids)
        while len(self._plans) > MOST:
            self._plans.popitem(last=False)
        return ForgetPlan(confirmation, VALID_S, tuple(dict.fromkeys(ids)))

    def confirm(self, confirmation: str, ids: tuple[str, ...]) -> bool:
        """Whether these were planned and not carried out yet; a confirmation serves once."""
        until_s, planned = self._plans.pop(confirmation, (0.0, frozenset()))
        return self._now_s() < until_s and planned == frozenset(ids)
