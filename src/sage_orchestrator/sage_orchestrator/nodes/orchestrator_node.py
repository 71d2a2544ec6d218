"""The orchestrator node: shares the compute of each cycle among refinement plugins."""

from __future__ import annotations

from dataclasses import replace

from sage_common.core.clock import NS_PER_S
from sage_common.core.diagnosis import stages
from sage_common.core.shared_work.thread_work import THREAD_WORK
from sage_common.core.state.fields import State, Transient, renamed
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.node import SageNode
from sage_msgs.msg import FusedSalience, Outcome
from sage_orchestrator.core.budget.meter import MeasuredMeter, NominalMeter
from sage_orchestrator.core.budget.rating import ProcessorRating
from sage_orchestrator.core.hosting.crash_records import CrashRecords
from sage_orchestrator.core.scheduling.interpreter_watch import InterpreterWatch
from sage_orchestrator.core.scheduling.job_queue import MOST_WAITING
from sage_orchestrator.core.scheduling.orchestrator import Orchestrator
from sage_orchestrator.core.scheduling.policy import CyclePolicy
from sage_orchestrator.core.scheduling.rated_workers import RatedWorkers
from sage_orchestrator.nodes.capabilities import Capabilities
from sage_orchestrator.nodes.jobs import Jobs
from sage_orchestrator.nodes.messages import budget_state
from sage_orchestrator.nodes.metabolism.budget_output import BudgetOutput
from sage_orchestrator.nodes.metabolism.governor import MetabolicGovernor
from sage_orchestrator.nodes.plugin_services import PluginServices
from sage_orchestrator.nodes.results import Results
from sage_orchestrator.nodes.triggers import TriggerBuffer
from sage_orchestrator.nodes.workers import PluginWorkers
from sage_orchestrator.params import OrchestratorParameters


class OrchestratorNode(SageNode):
    """Plugins work on workers; the timer only settles accounts and hands out the next shares."""

    default_name = "orchestrator"
    parameters_type = OrchestratorParameters
    parameters: OrchestratorParameters
    old_keys = renamed(orchestrator="")
    new_keys = frozenset({"governor"})
    _workers: Transient[PluginWorkers]
    _budget: Transient[BudgetOutput]
    _orchestrator: State[Orchestrator]
    _triggers: Transient[TriggerBuffer]
    _governor: State[MetabolicGovernor]

    def modalities_in_use(self) -> tuple[str, ...]:
        return self.parameters.modalities

    def on_configure(self) -> None:
        self._triggers = TriggerBuffer()
        self._capabilities = Capabilities(self, self.parameters)
        self._results = Results(self, self._capabilities, self.parameters.modalities)
        self._crashes = CrashRecords(self.home / "state" / f"{self.name}.crashes")
        self._workers = PluginWorkers(self.worker, self.time_is_measured, self._crashes.assign)
        measured = MeasuredMeter(self.stopwatch_ns, THREAD_WORK.now_ns)
        meter = measured if self.time_is_measured else NominalMeter()
        self._rating = ProcessorRating(self.stopwatch_ns)
        watch = InterpreterWatch(self.stopwatch_ns, self.parameters.policy().period_ns)
        self._orchestrator = Orchestrator(
            self.parameters.safeguards(), meter, self.stopwatch_ns,
            RatedWorkers(self._workers, self._rating) if self.time_is_measured else self._workers,
            self._results.publish,
            watch if self.time_is_measured else None,
        )  # fmt: skip
        self._jobs = Jobs(self, self._orchestrator, self._triggers, self._cycle)
        self._plugins = PluginServices(
            self._orchestrator, self._capabilities, self._crashes, self._read_parameters,
            self._jobs.wait_for,
        )  # fmt: skip
        self._budget = BudgetOutput(self)
        self._governor = MetabolicGovernor(self, self.parameters, self._loaded)
        self.subscribe("fused_salience", self._on_salience)
        self.subscribe("attention", self._triggers.on_attention)
        self.subscribe("outcome", self._on_outcome)
        self.service("orchestrator/set_trust", self._plugins.on_set_trust)
        self.service("orchestrator/load_plugin", self._plugins.on_load)
        self.service("orchestrator/unload_plugin", self._plugins.on_unload)
        self.service("orchestrator/list_plugins", self._plugins.on_list)
        self.action("orchestrator/refine", self._jobs.on_refine, 1 + MOST_WAITING)
        tick = self.timing(stages.DECIDE).around(self._tick)
        self.timer(self.parameters.policy().period_ns / NS_PER_S, tick)

    def on_activate(self) -> None:
        self._orchestrator.reopen()
        if self.time_is_measured:
            self._record_crashes()
        names = self._plugins.load_all(self.parameters.plugins)
        for name, why in self._plugins.left_out.items():
            self.log.warning(f"plugin {name} is left out: {why}")
        self.diagnose(plugins=", ".join(names) or "none")
        self._governor.begin()
        self._show_health()

    def on_deactivate(self) -> None:
        self._governor.end()
        self._orchestrator.close()
        self._capabilities.close()
        self._crashes.close()
        self._triggers.clear()

    def _on_salience(self, message: FusedSalience) -> None:
        self._triggers.on_salience(message)
        self._governor.on_salience(message)

    def _tick(self) -> None:
        if self._governor.tick():
            self._cycle()

    def _cycle(self) -> None:
        rating, policy = self._rating.value, self._rated(self._governor.cycle_policy)
        report = self._orchestrator.cycle(self._triggers.newest(), policy)
        self._governor.settle(report)
        if report is None:
            return
        self._budget.publish(budget_state(report, rating, self.clock.now_ns()))
        names = ", ".join(line.name for line in report.lines) or "none"
        self.diagnose(plugins=names, rating=self._rating.words)
        self._show_health()

    def _rated(self, policy: CyclePolicy) -> CyclePolicy:
        """With as much budget as the processor keeps now."""
        return replace(policy, budget_ns=self._rating.rated_ns(policy.budget_ns, policy.period_ns))

    def _show_health(self) -> None:
        abandoned, isolated = self._orchestrator.health()
        out = ", ".join(isolated) or "none"
        names = ", ".join(left_out := dict(self._plugins.left_out)) or "none"
        self.diagnose(abandoned_threads=abandoned, isolated_plugins=out, plugins_left_out=names)
        self.set_health(*self._results.health(self._orchestrator.troubles(), left_out))

    def _record_crashes(self) -> None:
        try:
            self._crashes.open()
        except OSError as error:
            self.log.warning(f"crashes of plugins are not recorded: {error}")

    def _loaded(self) -> list[str]:
        return [status.name for status in self._orchestrator.statuses()]

    def _on_outcome(self, message: Outcome) -> None:
        self._orchestrator.learn_outcome(
            message.reward, message.plugin, stamp_ns(message.start), stamp_ns(message.end)
        )

    def _read_parameters(self) -> OrchestratorParameters:
        """As they are now: a plugin that was installed since has its own, too."""
        read: OrchestratorParameters = self._host.read_parameters(self.parameters_type)
        return read
