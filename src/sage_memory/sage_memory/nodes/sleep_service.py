"""Sleep on request, when idle and in a state of dreaming, and what people ask of experiences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sage_common.core.clock import NS_PER_S
from sage_common.core.state.fields import State, Transient
from sage_common.core.state.stateful import Stateful
from sage_common.ros.node import SageNode
from sage_memory.core.identifiers import id_text, parse_id
from sage_memory.core.memory import Memory
from sage_memory.core.sleep.report import format_report
from sage_memory.params import MemoryParameters
from sage_msgs.action import Sleep
from sage_msgs.msg import FusedSalience, MetabolicState
from sage_msgs.srv import Forget, SetPin, UndoSleep

COPIED = (
    "rolled_back", "summaries", "merged", "payloads_removed", "texts_removed",
    "vectors_removed", "bytes_before", "bytes_after", "recall_before", "recall_after",
)  # fmt: skip
"""Fields of the result of the action that are named as in the report."""


class SleepService(Stateful):
    """Serves memory/sleep, memory/undo_sleep, memory/pin and memory/forget, and sleeps when idle.

    Args:
        node: that serves them.
        opened: gives the open memory, or raises MemoryFailure.
        parameters: of the node.
    """

    _salient_ns: State[int | None] = None
    _slept_ns: State[int | None] = None
    _dreams: Transient[bool] = False

    def __init__(
        self, node: SageNode, opened: Callable[[], Memory], parameters: MemoryParameters
    ) -> None:
        self._node = node
        self._opened = opened
        self._parameters = parameters
        self._asleep = False
        self._last = ""
        self._worker = node.worker("sleep")
        node.subscribe("state", self._on_state)
        node.action("memory/sleep", self._sleep)
        node.service("memory/undo_sleep", self._undo)
        node.service("memory/pin", self._pin)
        node.service("memory/forget", self._forget)

    def facts(self) -> dict[str, str]:
        """What the last sleep had to say, for the diagnostics."""
        return {"last_sleep": self._last}

    def note_salience(self, fused: FusedSalience, stamp_ns: int) -> None:
        """Something happened: what is rare enough is no time to sleep."""
        most = self._parameters.sleep_idle_false_alarms_per_hour
        if fused.valid and fused.alarms_per_hour <= most:
            self._salient_ns = stamp_ns

    def tick(self, now_ns: int) -> None:
        """Sleep if nothing has happened for long enough; the run ends when something does."""
        p = self._parameters
        if p.sleep_idle_s <= 0.0 or self._asleep:
            return
        if self._salient_ns is None:
            self._salient_ns = now_ns  # the idling begins with the node
        idle = now_ns - self._salient_ns >= p.sleep_idle_s * NS_PER_S
        if idle and self._is_due(now_ns):
            self._slept_ns, self._asleep = now_ns, True
            self._worker.submit(self._sleep_idle, self._salient_ns)

    def _is_due(self, now_ns: int) -> bool:
        every_ns = self._parameters.sleep_every_s * NS_PER_S
        return self._slept_ns is None or now_ns - self._slept_ns >= every_ns

    def _on_state(self, message: MetabolicState) -> None:
        """Sleep as a state of consolidation begins, if it is due; its end ends the run."""
        begins = message.consolidation and not self._dreams
        self._dreams = message.consolidation
        now_ns = self._node.clock.now_ns()
        if begins and not self._asleep and self._is_due(now_ns):
            self._slept_ns, self._asleep = now_ns, True
            self._worker.submit(self._sleep_alone, "dream", lambda: not self._dreams)

    def _sleep_idle(self, since_ns: int) -> None:
        self._sleep_alone("idle", lambda: self._salient_ns != since_ns)

    def _sleep_alone(self, cause: str, is_over: Callable[[], bool]) -> None:
        try:
            options = replace(self._parameters.sleep_options(), cause=cause)
            report = self._opened().sleep(
                options, should_stop=lambda: is_over() or not self._node.active
            )
            self._last = format_report(report)
            self._node.log.info(f"slept: {self._last}")
        finally:
            self._asleep = False

    def _sleep(
        self,
        goal: Sleep.Goal,
        publish_feedback: Callable[[Any], None],
        cancel_requested: Callable[[], bool],
    ) -> Sleep.Result:
        options = self._parameters.sleep_options()
        options = replace(options, dry_run=goal.dry_run, max_duration_s=goal.max_duration_s)
        if goal.target_share:
            options = replace(options, target_share=goal.target_share)

        def progress(share: float, stage: str) -> None:
            publish_feedback(Sleep.Feedback(progress=share, stage=stage))

        report = self._opened().sleep(options, progress, cancel_requested)
        self._last = format_report(report)
        result = Sleep.Result(success=True, message=self._last)
        if report.run_id:
            result.run_id = id_text(report.run_id)
        for name in COPIED:
            setattr(result, name, getattr(report, name))
        return result

    def _undo(self, request: UndoSleep.Request, response: UndoSleep.Response) -> UndoSleep.Response:
        run = parse_id(request.run_id, "run_id") if request.run_id else None
        undone = self._opened().undo_sleep(run)
        response.success = True
        response.restored = undone.restored
        response.message = f"{undone.restored} experiences are as they were"
        if undone.note:
            response.message += f"; not restored: {undone.note}"
        return response

    def _pin(self, request: SetPin.Request, response: SetPin.Response) -> SetPin.Response:
        self._opened().pin(parse_id(request.id), request.pinned).result()
        response.success = True
        return response

    def _forget(self, request: Forget.Request, response: Forget.Response) -> Forget.Response:
        wanted = [parse_id(text, "ids") for text in request.ids]
        forgotten = self._opened().forget(wanted, request.reason).result()
        response.success = True
        response.forgotten, response.bytes_freed = forgotten.count, forgotten.bytes_freed
        return response
