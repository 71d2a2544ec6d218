"""The orchestrator node: shares the compute of each cycle among refinement plugins."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from sage_common.core.clock import NS_PER_S
from sage_common.core.state.fields import State, Transient, renamed
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.node import SageNode
from sage_msgs.action import Refine
from sage_msgs.msg import Outcome
from sage_orchestrator.core.budget.meter import MeasuredMeter, NominalMeter
from sage_orchestrator.core.running.run import Run, RunResult
from sage_orchestrator.core.scheduling.job import Job
from sage_orchestrator.core.scheduling.orchestrator import Orchestrator
from sage_orchestrator.nodes.capabilities import Capabilities
from sage_orchestrator.nodes.jobs import FEEDBACK_PERIOD_S, execute_job, job_of
from sage_orchestrator.nodes.messages import budget_state, refinement
from sage_orchestrator.nodes.plugin_services import PluginServices
from sage_orchestrator.nodes.recognition import Recognition
from sage_orchestrator.nodes.triggers import TriggerBuffer
from sage_orchestrator.nodes.workers import PluginWorkers
from sage_orchestrator.params import OrchestratorParameters


class OrchestratorNode(SageNode):
    """Plugins work on workers; the timer only settles accounts and hands out the next shares."""

    default_name = "orchestrator"
    parameters_type = OrchestratorParameters
    parameters: OrchestratorParameters
    old_keys = renamed(orchestrator="")
    _workers: Transient[PluginWorkers]
    _orchestrator: State[Orchestrator]
    _triggers: Transient[TriggerBuffer]

    def modalities_in_use(self) -> tuple[str, ...]:
        return self.parameters.modalities

    def on_configure(self) -> None:
        self._policy = self.parameters.policy()
        self._triggers = TriggerBuffer()
        self._capabilities = Capabilities(self, self.parameters)
        self._workers = PluginWorkers(self.worker)
        self._orchestrator = Orchestrator(
            self.parameters.safeguards(),
            MeasuredMeter(self.stopwatch_ns) if self.time_is_measured else NominalMeter(),
            self.stopwatch_ns,
            self._workers,
            self._on_result,
        )
        self._plugins = PluginServices(
            self._orchestrator, self._capabilities, self._read_parameters, self._wait_for_change
        )
        self._budget = self.publisher("budget")
        self._refinement = self.publisher("refinement")
        self._recognition = Recognition(self, self.parameters.modalities)
        self.subscribe("fused_salience", self._triggers.on_salience)
        self.subscribe("attention", self._triggers.on_attention)
        self.subscribe("outcome", self._on_outcome)
        self.service("orchestrator/set_trust", self._plugins.on_set_trust)
        self.service("orchestrator/load_plugin", self._plugins.on_load)
        self.service("orchestrator/unload_plugin", self._plugins.on_unload)
        self.service("orchestrator/list_plugins", self._plugins.on_list)
        self.action("orchestrator/refine", self._on_refine)
        self.timer(self._policy.period_ns / NS_PER_S, self._cycle)

    def on_activate(self) -> None:
        self._orchestrator.reopen()
        names = self._plugins.load_all(self.parameters.plugins)
        for name, why in self._plugins.left_out.items():
            self.log.warning(f"plugin {name} is left out: {why}")
        self.diagnose(plugins=", ".join(names) or "none")
        self._show_health()

    def on_deactivate(self) -> None:
        self._orchestrator.close()
        self._capabilities.close()
        self._triggers.clear()

    def _cycle(self) -> None:
        report = self._orchestrator.cycle(self._triggers.newest(), self._policy)
        if report is None:
            return
        self._budget.publish(budget_state(report, self.clock.now_ns()))
        self.diagnose(plugins=", ".join(line.name for line in report.lines) or "none")
        self._show_health()

    def _show_health(self) -> None:
        abandoned, isolated = self._orchestrator.health()
        out = ", ".join(isolated) or "none"
        left_out = dict(self._plugins.left_out)
        names = ", ".join(left_out) or "none"
        self.diagnose(abandoned_threads=abandoned, isolated_plugins=out, plugins_left_out=names)
        troubles = self._orchestrator.troubles()
        wrong = [f"plugin {name}: {words}" for name, words in troubles.items()]
        wrong += [f"plugin {name} is left out: {why}" for name, why in left_out.items()]
        self.set_health(*(("warn", "; ".join(wrong)) if wrong else ("ok", "running")))

    def _on_outcome(self, message: Outcome) -> None:
        self._orchestrator.learn_outcome(
            message.reward, message.plugin, stamp_ns(message.start), stamp_ns(message.end)
        )

    def _on_result(self, run: Run, result: RunResult) -> None:
        name = run.name
        self.diagnose(**{f"{name} last": result.reason}, **self._capabilities.facts())
        if run.history.energies or result.state.failed:  # else there was nothing to work on
            self._refinement.publish(refinement(run, result))
        self._recognition.publish(run.task, result.recognised)
        self._recognition.utter(name, run.task, result.words)
        if result.state.failed:
            self.log.warning(f"{name}: {result.reason}", throttle_s=1.0, key=name)
        elif result.telemetry:
            self.diagnose(**{f"{name} telemetry": json.dumps(dict(result.telemetry))})

    def _on_refine(
        self, goal: Refine.Goal, feedback: Callable[[Any], None], cancelled: Callable[[], bool]
    ) -> Refine.Result:
        began_ns = self.stopwatch_ns()
        return execute_job(
            self._orchestrator,
            goal.plugin,
            job_of(goal, self._triggers.region(goal.input.modality)),
            wait=self._wait,
            elapsed_ns=lambda: self.stopwatch_ns() - began_ns,
            feedback=feedback,
            cancelled=cancelled,
        )

    def _wait(self, job: Job) -> RunResult | None:
        if not self.time_is_measured:
            # Simulated time stands still during an action: the cycles pass here.
            self._cycle()
        return job.wait(FEEDBACK_PERIOD_S if self.time_is_measured else 0.0)

    def _wait_for_change(self, done: Future[None], timeout_s: float) -> None:
        if not self.time_is_measured and not done.done():
            self._cycle()
        done.result(timeout_s if self.time_is_measured else 0.0)

    def _read_parameters(self) -> OrchestratorParameters:
        """As they are now: a plugin that was installed since has its own, too."""
        read: OrchestratorParameters = self._host.read_parameters(self.parameters_type)
        return read
