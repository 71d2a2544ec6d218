"""The plugins that take part, and the trust in each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.sections import Arrays
from sage_orchestrator.core.isolation import Isolation, IsolationRules
from sage_orchestrator.core.plugin import Plugin
from sage_orchestrator.core.slot import Slot
from sage_orchestrator.core.trust import Trust, checked_trust


class Standing(NamedTuple):
    """What is kept of a plugin: trust, belief, and about when it delivered [ns], newest last."""

    trust: float
    belief: float
    delivered: tuple[int, ...]


class Roster:
    """Slots by name, in order of name. Not locked: the owner is.

    The standing of a plugin that is not here now is kept, for when it comes back.
    """

    def __init__(self, rules: IsolationRules) -> None:
        self._rules = rules
        self._slots: dict[str, Slot] = {}
        self._absent: dict[str, Standing] = {}

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._slots.values())

    def get(self, name: str) -> Slot:
        """The slot of a plugin.

        Raises:
            InvalidInput: no such plugin; the known ones are named.
        """
        if name not in self._slots:
            known = ", ".join(self._slots) or "none is loaded"
            raise InvalidInput("plugin", name, f"one of: {known}")
        return self._slots[name]

    def add(self, create: Callable[[], Plugin[Any]]) -> Slot:
        """Take in a plugin; `create` makes it now, and again whenever its thread hangs.

        Raises:
            InvalidInput: its name is empty or taken.
        """
        plugin = create()
        if not plugin.name or plugin.name in self._slots:
            raise InvalidInput("plugin.name", plugin.name, "a name that is not taken")
        slot = Slot(plugin.name, create, plugin.interest, Trust(), Isolation(self._rules), plugin)
        if plugin.name in self._absent:
            _give(slot, self._absent.pop(plugin.name))
        self._slots = dict(sorted({**self._slots, plugin.name: slot}.items()))
        return slot

    def clear(self) -> list[Slot]:
        """Dismiss all plugins; their trust is kept. Who they were."""
        dismissed = list(self._slots.values())
        self._absent.update(self._known())
        self._slots = {}
        return dismissed

    def trusts(self) -> dict[str, float]:
        """Trust by plugin."""
        return {slot.name: slot.trust.value for slot in self}

    def set_trust(self, name: str, value: float) -> float:
        """Set trust by hand; the trust before.

        Raises:
            InvalidInput: no such plugin, or not in [0.05, 1].
        """
        trust = self.get(name).trust
        previous, trust.value = trust.value, checked_trust(value)
        return previous

    def judge(self, reward: float, name: str, start_ns: int, end_ns: int) -> list[str]:
        """Learn how something turned out; which plugins it concerned.

        Args:
            reward: [-1, 1].
            name: plugin that is judged; empty: all that delivered about start_ns..end_ns.

        Raises:
            InvalidInput: no such plugin, or reward out of range.
        """
        if name:
            judged = [self.get(name)]
        else:
            judged = [s for s in self if any(start_ns <= at <= end_ns for at in s.delivered)]
        for slot in judged:
            slot.trust.learn_outcome(reward)
        return [slot.name for slot in judged]

    def state(self) -> dict[str, NDArray[Any]]:
        """What was learned: `plugins` (names), `trust` and `belief`, float64 [N], and what each
        delivered: `deliveries` int64 [N] stamps of each in `delivered` int64 [sum] [ns]."""
        known = self._known()
        standings = [known[name] for name in sorted(known)]
        return {
            "plugins": np.array(sorted(known), dtype=np.str_),
            "trust": np.array([standing.trust for standing in standings], np.float64),
            "belief": np.array([standing.belief for standing in standings], np.float64),
            "deliveries": np.array([len(standing.delivered) for standing in standings], np.int64),
            "delivered": np.array([at for s in standings for at in s.delivered], np.int64),
        }

    def restore(self, state: Arrays) -> None:
        """Take up what `state` gave.

        Raises:
            InvalidInput: an array is absent, of the wrong length, or holds what is no trust.
        """
        for field in ("plugins", "trust", "belief", "deliveries"):
            if field not in state or state[field].shape != state["plugins"].shape:
                raise InvalidInput(field, state.get(field), "one entry for each plugin")
        ends = np.cumsum(state["deliveries"])
        standings = {
            str(name): Standing(checked_trust(float(trust)), float(belief), tuple(at.tolist()))
            for name, trust, belief, at in zip(
                state["plugins"],
                state["trust"],
                state["belief"],
                np.split(state["delivered"], ends)[: len(ends)],
                strict=True,
            )
        }
        for name, standing in standings.items():
            if name in self._slots:
                _give(self._slots[name], standing)
            else:
                self._absent[name] = standing

    def present(self) -> dict[str, Any]:
        """See `Slot.present`, by name."""
        return {slot.name: slot.present() for slot in self}

    def restore_present(self, present: Mapping[str, Any]) -> None:
        """Continue from `present()` of the same plugins."""
        for slot in self:
            slot.restore_present(present[slot.name])

    def _known(self) -> dict[str, Standing]:
        here = {
            slot.name: Standing(slot.trust.value, slot.trust.belief, tuple(slot.delivered))
            for slot in self
        }
        return {**self._absent, **here}


def _give(slot: Slot, standing: Standing) -> None:
    slot.trust = Trust(standing.trust, standing.belief)
    slot.delivered.clear()
    slot.delivered.extend(standing.delivered)
