"""Which time span an outcome judges."""

from __future__ import annotations

from collections import OrderedDict

from sage_common.core.errors import InvalidInput
from sage_common.core.state.arrays import Arrays, json_of
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_common.ros.conversions.stamps import stamp_ns
from sage_msgs.msg import Experience, Outcome

REMEMBERED = 1024


class OutcomeResolver(Stateful):
    """Resolves outcomes to time spans; remembers when the last 1,024 experiences were."""

    _spans: State[OrderedDict[str, tuple[int, int]]]

    def __init__(self) -> None:
        self._spans = OrderedDict()

    def note(self, message: Experience) -> None:
        """Remember when an experience was."""
        self._spans[message.id] = (stamp_ns(message.start), stamp_ns(message.end))
        while len(self._spans) > REMEMBERED:
            self._spans.popitem(last=False)

    def span(self, message: Outcome) -> tuple[int, int]:
        """Start and end of what an outcome judges [ns]; both 0 if that is a plugin only.

        Raises:
            InvalidInput: it judges an experience that is not among those remembered.
        """
        if not message.experience_id:
            return stamp_ns(message.start), stamp_ns(message.end)
        if message.experience_id not in self._spans:
            expected = f"one of the {len(self._spans)} kept last"
            raise InvalidInput("experience_id", message.experience_id, expected)
        return self._spans[message.experience_id]

    def from_old(self, old: Arrays) -> dict[str, object]:
        return {"spans": {name: (start, end) for name, start, end in json_of(old["spans"])}}
