"""The governor: says how tight memory is, and deactivates nodes when it is too tight for all."""

from __future__ import annotations

import os
from typing import Any

from sage_common.core.clock import NS_PER_S
from sage_common.core.health import PressureLevel
from sage_common.core.state.fields import State
from sage_common.ros.graph_states import save_states
from sage_common.ros.node import SageNode
from sage_common.ros.pressure import announce
from sage_orchestrator.backends.board import BoardReading, read_board
from sage_orchestrator.backends.processes import ProcessReader
from sage_orchestrator.core.pressure.governor import Governor
from sage_orchestrator.core.pressure.levels import LevelTracker
from sage_orchestrator.core.pressure.reading import PressureReading
from sage_orchestrator.core.pressure.shedding import Shedding, Transition
from sage_orchestrator.core.pressure.targets import MemoryTargets, ReclaimLevel
from sage_orchestrator.nodes.governed_nodes import GovernedNodes
from sage_orchestrator.nodes.pressure_messages import GraphMemory, facts, health, pressure_message
from sage_orchestrator.nodes.pressure_watch import PressureWatch
from sage_orchestrator.params import GovernorParameters

TICK_S, LOOK_S, REPORT_S = 0.25, 2.0, 10.0
PAUSE_NS = 4 * NS_PER_S
"""Between two nodes that are shed: two readings of the kernel's."""


class GovernorNode(SageNode):
    """Reads, says and sheds. In lock-step it reads nothing, and says only what is forced."""

    default_name = "governor"
    parameters_type = GovernorParameters
    parameters: GovernorParameters
    _governor: State[Governor]

    def on_configure(self) -> None:
        hold_ns = round(self.parameters.hold_s * NS_PER_S)
        encoders = [f"{name}_encoder" for name in self.parameters.shed_modalities]
        targets, self._fault = MemoryTargets.usable(os.environ)
        shedding = Shedding(encoders, self.parameters.optional_nodes, PAUSE_NS)
        self._governor = Governor(LevelTracker(hold_ns), ReclaimLevel(targets, hold_ns), shedding)
        self._reading = PressureReading()
        self._memory = GraphMemory()
        self._processes = ProcessReader()
        self._board = BoardReading()
        self._nodes = GovernedNodes(self)
        self._watch = PressureWatch(self, self._take)
        self._changes = self.worker("changes")
        self._output = self.publisher("pressure")
        self.service("governor/force_level", self._on_force)
        self.timer(TICK_S, self._tick, steady=True)
        if self.time_is_measured:
            self.timer(LOOK_S, self._look, steady=True)
            self.timer(REPORT_S, self._publish, steady=True)

    def on_activate(self) -> None:
        if self._fault:
            self.log.warning(self._fault)
            self.set_health("warn", self._fault)
        if self.time_is_measured:
            self._watch.open()

    def on_deactivate(self) -> None:
        self._watch.close()

    def _tick(self) -> None:
        if self._governor.expire(self.clock.now_ns()):
            self._publish()
        self._watch.keep_on()

    def _take(self, now_ns: int, reading: PressureReading, triggered: PressureLevel) -> None:
        with self.guard:
            if not self.active:
                return
            is_new = reading.ignored not in ("", self._reading.ignored)
            self._reading = reading
            if is_new:
                self.log.warning(reading.ignored)
                self._publish()
            if self._governor.observe(now_ns, reading, triggered):
                self.log.info(f"pressure {self._word}: {self._governor.reason}")
                self._publish()
                self._look()

    def _look(self) -> None:
        self._changes.submit(self._change)

    def _change(self) -> None:
        """Take stock of what the graph holds, and shed or bring back one node if that is due."""
        is_tight = self._governor.level >= PressureLevel.RED
        processes = self._processes.read(self.stopwatch_ns(), is_tight)
        memory = GraphMemory(self._nodes.reclaimables(), processes)
        # Clients of all nodes are made when the first is to be shed, and not before.
        names = self._nodes.names() if is_tight else set()
        board = read_board()
        now_ns = self.stopwatch_ns()
        with self.guard:
            self._memory, self._board = memory, board
            if self._governor.account(now_ns, memory.cache_mb, memory.optional_mb):
                self._publish()
            transition = self._governor.next_transition(now_ns, memory.sizes_bytes(names))
        if transition is not None and self.active:
            self._make(transition)

    def _make(self, transition: Transition) -> None:
        name, level = transition.node, transition.level.word
        if not transition.activate and transition.level == PressureLevel.CRITICAL:
            for failure in save_states(self).failures:
                self.log.warning(f"not saved: {failure}")
        failure = self._nodes.set_active(name, transition.activate)
        with self.guard:
            if failure:
                self._governor.shedding.failed(self.stopwatch_ns())
                self.log.warning(failure)
                return
            self._governor.shedding.done(self.stopwatch_ns(), transition)
            over = " is over: back" if transition.activate else ": shed"
            self.log.info(f"{name}: pressure {level}{over}")
            self._publish()
        if self._checkpointer is not None:
            self._checkpointer.save_or_report()

    def _publish(self) -> None:
        governor, reading = self._governor, self._reading
        now_ns = self.clock.now_ns()
        message = pressure_message(now_ns, governor, reading, self._memory, self._board)
        if self.time_is_measured:
            announce(self._output.topic, message)
        self._output.publish(message)
        self.diagnose(**facts(governor, reading))
        self.set_health(*health(governor, reading, self._fault))

    def _on_force(self, request: Any, response: Any) -> Any:
        with self.guard:
            now_ns, clock_ns = self.stopwatch_ns(), self.clock.now_ns()
            self._governor.force(now_ns, clock_ns, request.level, request.duration_s)
            self._publish()
        if self.time_is_measured:
            self._look()
        forced = f" for {request.duration_s:g} s" if request.duration_s else ", as it is read"
        response.success, response.message = True, f"{self._word}{forced}"
        return response

    @property
    def _word(self) -> str:
        return PressureLevel(self._governor.level).word
