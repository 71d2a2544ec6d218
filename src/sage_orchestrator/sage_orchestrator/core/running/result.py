"""How a run ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sage_orchestrator.core.budget.trust import RunQuality
from sage_orchestrator.core.running.recognised import Recognised
from sage_orchestrator.core.running.states import PluginState
from sage_orchestrator.core.running.words import RecognisedWords


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Attributes:
        state: DONE, SPENT, TIMED_OUT or FAILED.
        reason: in words.
        output: the answer; empty after a failure.
        quality: what trust learns; None: nothing (failures are learned apart).
        telemetry: how it went, and as `details` the plugin's own; empty after a failure.
        recognised: classes and objects that it named, by the model that did.
        words: that it read or heard, and that all shall know; None: none.
        halted: the plugin ended it by itself.
    """

    state: PluginState
    reason: str
    output: Mapping[str, Any] = field(default_factory=dict)
    quality: RunQuality | None = None
    telemetry: Mapping[str, Any] = field(default_factory=dict)
    recognised: tuple[Recognised, ...] = ()
    words: RecognisedWords | None = None
    halted: bool = False

    @property
    def answer(self) -> str:
        """The answer in words; empty if there are none."""
        return str(self.output.get("summary", ""))

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of what it recognised, best first."""
        return tuple(self.output.get("labels", ()))
