"""What is not well: nodes whose status worsened, went silent, or whose process ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sage_gateway.core.contract.events import Alert, Alerts

LEVELS = ("warn", "error", "silent", "ended")
"""The worst last."""


@dataclass
class _Heard:
    level: str
    message: str
    heard_s: float
    heard_wall_s: float
    since_s: float
    lacks_input: bool


class AlertTracker:
    """Follows the status of every node; times are given [s].

    Args:
        silent_after_s: a node of which no status came for so long is silent.
    """

    def __init__(self, silent_after_s: float) -> None:
        self._silent_after_s = silent_after_s
        self._nodes: dict[str, _Heard] = {}
        self._ended_since_s: dict[str, float] = {}

    def hear(
        self,
        node: str,
        level: str,
        message: str,
        now_s: float,
        wall_s: float,
        lacks_input: bool = False,
    ) -> None:
        """A node's status.

        Args:
            level: empty (well), warn or error.
            message: in words.
            now_s: monotonic time.
            wall_s: the same by the clock that people read.
            lacks_input: nothing is wrong with it but that inputs do not come.
        """
        known = self._nodes.get(node)
        since_s = known.since_s if known is not None and known.level == level else wall_s
        self._nodes[node] = _Heard(level, message, now_s, wall_s, since_s, lacks_input)

    def now(self, now_s: float, wall_s: float, ended: Mapping[str, str]) -> Alerts:
        """All that is not well, the worst first.

        A node that only lacks input is left out while another is at fault by itself.

        Args:
            ended: processes that are not back, and what became of them.
        """
        self._ended_since_s = {name: self._ended_since_s.get(name, wall_s) for name in ended}
        found = [
            Alert(name, "ended", message, self._ended_since_s[name])
            for name, message in ended.items()
        ]
        for name, heard in self._nodes.items():
            if now_s - heard.heard_s > self._silent_after_s:
                text = f"no status for more than {self._silent_after_s:g} s"
                found.append(Alert(name, "silent", text, heard.heard_wall_s))
            elif heard.level:
                found.append(Alert(name, heard.level, heard.message, heard.since_s))
        causes = [alert for alert in found if not self._lacks_input(alert)]
        found = causes or found
        found.sort(key=lambda alert: (-LEVELS.index(alert.level), alert.name))
        return Alerts(tuple(found))

    def _lacks_input(self, alert: Alert) -> bool:
        heard = self._nodes.get(alert.name)
        return heard is not None and alert.level == "warn" and heard.lacks_input
