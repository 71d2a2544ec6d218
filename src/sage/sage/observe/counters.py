"""What nodes count in /diagnostics, over the whole time and over their restarts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sage_common.core.diagnosis.node_status import node_name

_ENDINGS = (" dropped", " rejected", " refused", " overruns", " in place", " by copy")
_NAMES = ("tensors late", "tensors missed", "outdated", "tiles frames")
_LOSSES = (" dropped", " rejected", " overruns", "tensor refused")
_LOST = ("tensors missed", "outdated")


class Counters:
    """Adds up what each node counts; one that was started anew begins at 0, and goes on here."""

    def __init__(self) -> None:
        self._before: dict[tuple[str, str], int] = {}
        self._latest: dict[tuple[str, str], int] = {}

    def note(self, status: Any) -> None:
        """Take one node's diagnostic_msgs/DiagnosticStatus."""
        node = node_name(status)
        for item in status.values:
            # `... refused` of a subscription is a reason in words, and no count.
            if _is_counter(item.key) and item.value.isdecimal():
                self.set(node, item.key, int(item.value))

    def set(self, node: str, key: str, count: int) -> None:
        """A node has counted so far."""
        place = (node, key)
        latest = self._latest.get(place, 0)
        if count < latest:
            self._before[place] = self._before.get(place, 0) + latest
        self._latest[place] = count

    def total(self, node: str, key: str) -> int:
        """Counted by all that had this name; 0 for what was never counted."""
        return self._before.get((node, key), 0) + self._latest.get((node, key), 0)

    def dropped(self) -> dict[str, dict[str, int]]:
        """Messages, frames and jobs that went no further: by node, and what dropped them."""
        found: dict[str, dict[str, int]] = {}
        for node, key in sorted(self._latest.copy()):  # another thread counts on
            count = self.total(node, key)
            if count and (key in _LOST or key.endswith(_LOSSES)):
                found.setdefault(node, {})[key] = count
        return found


def callback_errors(statuses: Iterable[Any]) -> dict[str, str]:
    """Nodes whose callbacks or jobs have raised since they started: how often, and the last."""
    found = {}
    for status in statuses:
        values = {item.key: item.value for item in status.values}
        if count := values.get("callback_errors"):
            last = values.get("last_callback_error", "")
            found[node_name(status)] = f"errors in callbacks: {count}, the last: {last}"
    return found


def worst_place(dropped: Mapping[str, Mapping[str, int]], nodes: list[str]) -> str:
    """Where most was dropped, in words, of these nodes; empty: nowhere."""
    places = [
        (count, f"{node}, {what}: {count}")
        for node in nodes
        for what, count in dropped.get(node, {}).items()
    ]
    return max(places)[1] if places else ""


def _is_counter(key: str) -> bool:
    return key in _NAMES or key.endswith(_ENDINGS)
