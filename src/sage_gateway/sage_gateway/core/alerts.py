"""What is not well, by cause: one alert for what is wrong, whatever lies behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sage_common.core.diagnosis.ended import Ended
from sage_common.core.diagnosis.node_status import (
    INACTIVE,
    LEVELS,
    SHED,
    SILENT,
    SILENT_AFTER_S,
    SUPERVISOR,
    NodeStatus,
)
from sage_common.core.diagnosis.root_causes import Cause, root_causes
from sage_gateway.core.contract.events import Alert, Alerts


@dataclass(frozen=True)
class _Heard:
    status: NodeStatus
    heard_s: float
    heard_wall_s: float
    changed_wall_s: float


class AlertTracker:
    """Follows the status of every node; times are given [s]."""

    def __init__(self) -> None:
        self._nodes: dict[str, _Heard] = {}
        self._since_s: dict[tuple[str, str], float] = {}

    def hear(self, status: NodeStatus, now_s: float, wall_s: float) -> None:
        """A node's status.

        Args:
            now_s: monotonic time.
            wall_s: the same by the clock that people read.
        """
        if status.name == SUPERVISOR:
            return  # it repeats which processes have ended
        known = self._nodes.get(status.name)
        is_as_before = known is not None and known.status.level == status.level
        changed_wall_s = known.changed_wall_s if known is not None and is_as_before else wall_s
        self._nodes[status.name] = _Heard(status, now_s, wall_s, changed_wall_s)

    def now(self, now_s: float, wall_s: float, ended: Sequence[Ended]) -> Alerts:
        """All that is not well, the worst first.

        Args:
            ended: processes that are not back.
        """
        silent_s = {name: now_s - heard.heard_s for name, heard in self._nodes.items()}
        statuses = [heard.status for heard in self._nodes.values()]
        causes = [c for c in root_causes(statuses, silent_s, ended) if _is_wrong(c)]
        keys = [(cause.name, cause.level) for cause in causes]
        self._since_s = {key: self._since_s.get(key, self._began_s(*key, wall_s)) for key in keys}
        return Alerts(
            tuple(
                Alert(c.name, c.level, _words(c), self._since_s[c.name, c.level], c.consequences)
                for c in causes
            )
        )

    def _began_s(self, name: str, level: str, wall_s: float) -> float:
        heard = self._nodes.get(name)
        if heard is None:
            return wall_s
        return heard.heard_wall_s if level == LEVELS[SILENT] else heard.changed_wall_s


def _is_wrong(cause: Cause) -> bool:
    """What was shed is no fault, nor is a node that is not active yet and that nobody lacks."""
    if cause.level == LEVELS[SHED]:
        return False
    return cause.message != INACTIVE or bool(cause.consequences)


def _words(cause: Cause) -> str:
    """The message, without how long it lasts, which `since_s` says."""
    if cause.level == LEVELS[SILENT]:
        return f"no status for more than {SILENT_AFTER_S:g} s"
    return cause.message
