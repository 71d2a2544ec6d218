"""Joints by name: which body part they belong to, and which slots they fill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sage_common.core.errors import InvalidInput
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_encoders.core.body_layout import PARTS, SLOTS, TORSO, TORSO_JOINT_SLOT, Values

_WORDS = {
    "head": ("head", "neck", "eye", "pan", "tilt", "camera"),
    "effectors": ("hand", "wrist", "gripper", "finger", "thumb", "tool", "effector"),
    "torso": ("torso", "waist", "spine", "chest"),
    "lower": ("hip", "thigh", "knee", "ankle", "leg", "foot", "wheel", "track", "caster"),
    "upper": ("shoulder", "elbow", "arm", "upper"),
}


def part_of(joint: str, assigned: Mapping[str, str]) -> str:
    """Body part of a joint: as assigned, else by the words in its name, else upper."""
    if joint in assigned:
        return assigned[joint]
    name = joint.lower()
    return next(
        (part for part, words in _WORDS.items() if any(word in name for word in words)), "upper"
    )


def assignments(pairs: Sequence[str]) -> dict[str, str]:
    """Parse "joint=part" pairs.

    Raises:
        InvalidInput: no "=", or an unknown part.
    """
    found = {}
    for pair in pairs:
        joint, _, part = pair.partition("=")
        if not joint or part not in PARTS:
            raise InvalidInput("joint_parts", pair, f"joint=part, part one of {', '.join(PARTS)}")
        found[joint] = part
    return found


@dataclass
class Joints(Stateful):
    """The newest known position, velocity and effort of every joint.

    Attributes:
        assigned: body parts of joints whose names do not tell.
    """

    assigned: Mapping[str, str] = field(default_factory=dict)
    _values: State[dict[str, tuple[float, float, float]]] = field(default_factory=dict)

    def update(
        self,
        names: Sequence[str],
        position: Sequence[float],
        velocity: Sequence[float],
        effort: Sequence[float],
    ) -> None:
        """Take a joint state; each list is empty (not known) or as long as `names`.

        Raises:
            InvalidInput: a list of another length, or a number that is not finite.
        """
        lists = {"position": position, "velocity": velocity, "effort": effort}
        columns = []
        for label, values in lists.items():
            if len(values) not in (0, len(names)):
                raise InvalidInput(label, f"{len(values)} values", f"0 or {len(names)}")
            column = np.asarray(values if len(values) else [np.nan] * len(names), np.float64)
            if len(values) and not np.isfinite(column).all():
                raise InvalidInput(label, "NaN or infinite", "finite numbers")
            columns.append(column.tolist())
        for name, *triple in zip(names, *columns, strict=True):
            self._values[name] = (triple[0], triple[1], triple[2])

    def fill(self, body: Values) -> None:
        """Write the joints into their slots of a body [5, 12].

        The joints of a part are taken in order of name and dealt evenly to its four joint slots
        (one in the torso); joints that share a slot are averaged.
        """
        for index, part in enumerate(PARTS):
            names = sorted(n for n in self._values if part_of(n, self.assigned) == part)
            first = TORSO_JOINT_SLOT if index == TORSO else 0
            room = (SLOTS - first) // 3
            for place, members in enumerate(np.array_split(np.array(names, dtype=object), room)):
                if len(members):
                    triple = np.mean([self._values[name] for name in members], axis=0)
                    body[index, first + 3 * place : first + 3 * place + 3] = triple

    def __len__(self) -> int:
        return len(self._values)
