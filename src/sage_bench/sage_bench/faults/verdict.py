"""What was seen of one cell of the matrix, and whether it passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SHARE = 0.8
"""Of its messages that a node has to go on publishing."""
NAMED_S = 5.0
WELL_S = 30.0
FEWEST_HZ = 1.0
"""A node that publishes less has no rate that could be measured within seconds."""


@dataclass
class Seen:
    """One fault at one node, from `begin_s` on. Times are monotonic [s]; 0: it did not happen.

    Attributes:
        fault, node: which.
        ends_s: within which its end is to be seen, and within which it is to be active again; 0: it
            does not end.
        is_named: whether it has to be named.
        effect: how often the fault took effect, as far as that can be counted.
        begin_s, lifted_s: when it was inflicted, and taken back.
        named_s: when the diagnostics named it.
        noticed_s: when the supervisor knew that the process had ended or hung.
        active_s: when its process was active again.
        well_s: when all nodes were as well as before, at their rates.
        expected: messages a second of each node that does not depend on this one, before.
        during: the same while it lasted.
        unwell_before, unwell: nodes that are not as at the start of the run, before it and at the
            end, and why.
        lost: ids of experiences that were acknowledged and are not in the store.
        left: files in shared memory that the process that ended has left.
        refused: saved states that were set aside.
        unreachable: whether a program that came after it did not hear the node.
    """

    fault: str
    node: str
    ends_s: tuple[float, float] = (0.0, 0.0)
    is_named: bool = True
    effect: int = 0
    begin_s: float = 0.0
    lifted_s: float = 0.0
    named_s: float = 0.0
    noticed_s: float = 0.0
    active_s: float = 0.0
    well_s: float = 0.0
    expected: Mapping[str, float] = field(default_factory=dict)
    during: Mapping[str, float] = field(default_factory=dict)
    unwell_before: Mapping[str, str] = field(default_factory=dict)
    unwell: Mapping[str, str] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    unreachable: bool = False

    def failures(self, control: bool = False) -> list[str]:
        """What does not hold, in words; empty: the cell passes."""
        return [*self._effect(control), *self._meanwhile(), *self._afterwards(), *self._kept()]

    def _effect(self, control: bool) -> list[str]:
        found = [f"not well before: {_words(self.unwell_before)}"] if self.unwell_before else []
        return found if self.effect or control else [*found, "the fault did not take effect"]

    def _meanwhile(self) -> list[str]:
        slow = [
            f"{node} {self.during.get(node, 0.0):.1f} of {hz:.1f} messages/s"
            for node, hz in sorted(self.expected.items())
            if hz >= FEWEST_HZ and self.during.get(node, 0.0) < SHARE * hz
        ]
        return [f"meanwhile: {', '.join(slow)}"] if slow else []

    def _afterwards(self) -> list[str]:
        found = []
        if self.is_named and not 0.0 < self.named_s - self.begin_s <= NAMED_S:
            found.append(_late("named", self.named_s - self.begin_s, NAMED_S))
        if all(self.ends_s):
            found += self._restart()
        if not self.well_s:
            found.append(f"not well {WELL_S:g} s after: {_words(self.unwell)}")
        return found

    def _restart(self) -> list[str]:
        found = []
        for what, at_s, goal_s in zip(
            ("seen", "active again"), (self.noticed_s, self.active_s), self.ends_s, strict=True
        ):
            if not 0.0 < at_s - self.begin_s <= goal_s:
                found.append(_late(what, at_s - self.begin_s, goal_s))
        return found

    def _kept(self) -> list[str]:
        named = {
            "acknowledged and lost": self.lost,
            "left in /dev/shm": self.left,
            "state refused": self.refused,
        }
        found = [f"{what}: {', '.join(names)}" for what, names in named.items() if names]
        return [*found, "not heard by who came later"] if self.unreachable else found


def _words(states: Mapping[str, str]) -> str:
    return ", ".join(f"{node}: {why}" for node, why in sorted(states.items()))


def _late(what: str, after_s: float, goal_s: float) -> str:
    if after_s <= 0.0:
        return f"not {what}"
    return f"{what} after {after_s:.1f} s, not {goal_s:g} s"
