"""Which nodes are deactivated when memory is tight, and when they come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sage_common.core.health import PressureLevel
from sage_common.core.state.fields import State, Transient
from sage_common.core.state.stateful import Stateful


@dataclass(frozen=True)
class Transition:
    """One node to deactivate or to activate again.

    Attributes:
        node: its name.
        activate: True: bring it back.
        level: of pressure at which it was, or is, shed.
    """

    node: str
    activate: bool
    level: PressureLevel


class Shedding(Stateful):
    """A stack of what was shed: at red encoders in a fixed order, at critical the largest node.

    One at a time, and the next only if the level is called for after a pause: what the last one
    gave back must show first. They come back in reverse order, below the level at which they were
    shed.

    Args:
        encoders: nodes that are shed at red, the first first.
        optional: nodes of which the largest is stopped at critical.
        pause_ns: between two transitions.

    Attributes:
        shed: name of each that was, and the level at which it was, the newest last. They are kept
            over a restart, or nobody would bring them back.
    """

    shed: State[list[tuple[str, int]]]
    _changed_ns: Transient[int | None] = None

    def __init__(self, encoders: Sequence[str], optional: Sequence[str], pause_ns: int) -> None:
        self.shed = []
        self._encoders = tuple(encoders)
        self._optional = tuple(optional)
        self._pause_ns = pause_ns

    def next(
        self,
        now_ns: int,
        level: int,
        reached_ns: Mapping[str, int],
        held_bytes: Mapping[str, int],
    ) -> Transition | None:
        """What to do now; None: nothing.

        Args:
            now_ns: monotonic time [ns].
            level: of pressure.
            reached_ns: when each level was last called for, by its word.
            held_bytes: of each node that is there; others are no candidates.
        """
        if self._changed_ns is not None and now_ns - self._changed_ns < self._pause_ns:
            return None
        if self.shed and self.shed[-1][1] > level:
            node, shed_at = self.shed[-1]
            return Transition(node, True, PressureLevel(shed_at))
        after_ns = None if self._changed_ns is None else self._changed_ns + self._pause_ns
        called = [
            at
            for at in (PressureLevel.RED, PressureLevel.CRITICAL)
            if at <= level and (after_ns is None or reached_ns.get(at.word, 0) >= after_ns)
        ]
        return self._to_shed(max(called, default=PressureLevel.GREEN), held_bytes)

    def done(self, now_ns: int, transition: Transition) -> None:
        """A transition was made, or was not to be had and is not tried again."""
        self._changed_ns = now_ns
        if transition.activate:
            self.shed = [entry for entry in self.shed if entry[0] != transition.node]
        else:
            self.shed.append((transition.node, int(transition.level)))

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of those that are shed, the newest last."""
        return tuple(node for node, _ in self.shed)

    def failed(self, now_ns: int) -> None:
        """A transition failed: it is tried again after the pause."""
        self._changed_ns = now_ns

    def _to_shed(self, level: int, held_bytes: Mapping[str, int]) -> Transition | None:
        if level >= PressureLevel.CRITICAL:
            left = [
                name for name in self._optional if name in held_bytes and name not in self.nodes
            ]
            if left:
                largest = max(left, key=lambda name: held_bytes[name])
                return Transition(largest, False, PressureLevel.CRITICAL)
        if level >= PressureLevel.RED:
            for name in self._encoders:
                if name in held_bytes and name not in self.nodes:
                    return Transition(name, False, PressureLevel.RED)
        return None
