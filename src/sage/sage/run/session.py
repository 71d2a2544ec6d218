"""One run of the graph: environment, lock, processes, and an observer beside them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import IO, Any

from sage.graph.description import Graph
from sage.graph.environment import DomainLease, enter, graph_environment, without_pictures
from sage.graph.modality_settings import instances_of
from sage.graph.namespace_claim import claimed
from sage.graph.runtime_file import GraphLock, RunningGraph
from sage.observe.attached import Attached
from sage.observe.observer_node import ObserverNode, RunObserver
from sage.run.log_files import keep_small
from sage.run.memory_watch import MemoryWatch
from sage.run.restart_policy import RestartLimits
from sage.run.sd_notify import ServiceNotifier
from sage.run.summary import summary_of
from sage.run.supervisor import POLL_S, Supervisor
from sage.run.supervisor_status import SupervisorStatus
from sage.run.transport_files import remove_dead
from sage.run.waiting import Waiting
from sage_common.core.diagnosis.ended import Ended
from sage_common.core.diagnosis.node_status import read_status
from sage_common.core.diagnosis.root_causes import outputs
from sage_common.core.home import make_private, sage_home
from sage_sensors.params import RECORDING_ENDED

HEARD_TIMEOUT_S = 10.0
LOGS_PERIOD_S = 30.0


@dataclass(frozen=True)
class RunOptions:
    """How a graph is run.

    Attributes:
        composed: all nodes in one process, or one process a node.
        duration_s: stop this long after the first fused salience, and with the source `topics`
            this long after all nodes run if none comes; None: until a signal.
        log_level: of the nodes.
        respawn: restart processes that end by themselves.
        network: talk to other hosts.
        wait: go on without any sensor until one is there.
        counts: hear all that is published, for the counts of the summary.
        log: where the processes write; None: where this process writes.
        limits: how often, and after how long, a process is started again.
    """

    composed: bool = True
    duration_s: float | None = None
    log_level: str = "info"
    respawn: bool = True
    network: bool = False
    wait: bool = False
    counts: bool = True
    log: IO[bytes] | None = None
    limits: RestartLimits = field(default_factory=RestartLimits)


class Session:
    """Runs a graph from start to end; set `on_tick` to be called about 20 times a second.

    Args:
        graph: what to run.
        options: how.
        on_event: given a line when a process ended or was started again, or is waited for.

    Attributes:
        elapsed_s: since the first fused salience [s]; 0 before.
        start_s: from the start to the first fused salience [s]; None: none came.
        counted_since_s: when that came [s, monotonic]; 0: none did.
        pss_mb: most memory of all processes together [MB]; 0 before the end.
        signal: that ended the run; None: none did.
        ended: processes that are not back.
    """

    def __init__(
        self,
        graph: Graph,
        options: RunOptions,
        on_event: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.graph = graph
        self.options = options
        self.home = sage_home(graph.options.home)
        self.elapsed_s = 0.0
        self.start_s: float | None = None
        self.counted_since_s = 0.0
        self.pss_mb = 0.0
        self.ended: tuple[Ended, ...] = ()
        self.on_tick: Callable[[Session], None] = lambda session: None
        self._on_event = on_event
        self._stopping = False
        self.signal: int | None = None
        self._is_reported_unheard = False
        self._log_error = ""
        self._reload = False
        self._is_ready = False
        self._service = ServiceNotifier(os.environ, on_event)

    def run(self) -> dict[str, Any]:
        """Run until the duration is over, every process has ended, or SIGINT/SIGTERM; the summary.

        Raises:
            InvalidInput: another graph runs in this home, or no ROS domain is free.
        """
        lease = DomainLease()
        try:
            lock = self._lock = GraphLock(self.home, self._running(lease.domain_id))
            try:
                lock.write_parameters(
                    {f"{n.namespace}/{n.name}": n.parameters for n in self.graph.nodes}
                )
                with claimed(lease.domain_id, self.graph.options.namespace) as warning:
                    if warning:
                        self._on_event(f"warning: {warning}")
                    return self._run_locked(lease.domain_id)
            finally:
                lock.release()
        finally:
            lease.release()

    def stop(self) -> None:
        """End soon; `run` then returns its summary."""
        self._stopping = True

    def _run_locked(self, domain_id: int) -> dict[str, Any]:
        self._domain_id = domain_id
        environment = graph_environment(domain_id, self.options.network, self.home)
        ours = environment | without_pictures(environment)  # the observer sends none
        enter(ours)
        make_private(self.home / "log")
        remove_dead()
        previous = {s: signal.signal(s, self._on_signal) for s in (signal.SIGINT, signal.SIGTERM)}
        if self._service.is_heard:  # else a terminal that closes asks for the end by it
            previous[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._on_reload)
        options = self.graph.options
        parameters = {
            "use_sim_time": options.use_sim_time,
            "modalities": [modality.name for modality in self.graph.modalities],
            "instances": instances_of(self.graph.modalities),
        }
        kind = ObserverNode if self.options.counts else RunObserver
        attached: Attached[RunObserver] = Attached(kind, options.namespace, parameters)
        self.observer = attached.node
        self.observer.latest.warnings = self.graph.warnings
        self.observer.latest.ended = lambda: self.ended
        self._status = SupervisorStatus(attached.host)
        self.supervisor = Supervisor(
            self.graph,
            self.options.composed,
            environment,
            self.options.log_level,
            self.options.log,
            self.options.respawn,
            self.options.limits,
        )
        try:
            self._drive()
            return summary_of(self)
        finally:
            self._service.stopping()
            try:
                self._stop_processes()
            finally:
                attached.stop()
                for number, handler in previous.items():
                    signal.signal(number, handler)
            remove_dead()

    def _stop_processes(self) -> None:
        for name in self.supervisor.stop():
            self._on_event(f"{name} did not end when asked to, and was killed: its state is lost")

    def _drive(self) -> None:
        begin = time.monotonic()
        waiting = Waiting(self, begin)
        self.supervisor.start()
        memory = MemoryWatch(self.supervisor.pss_mb)
        try:
            self._supervise(begin, waiting)
        finally:
            memory.stop()
            self.pss_mb = memory.most_mb

    def _supervise(self, begin: float, waiting: Waiting) -> None:
        first: float | None = None
        next_logs, has_ended = 0.0, False
        while not self._stopping and self.supervisor.alive:
            now = time.monotonic()
            if first is None and self.observer.tally.fused.n:
                first, self.start_s = now, now - begin
                self.counted_since_s = now
            if first is None and waiting.is_over(now):
                break
            self.elapsed_s = now - first if first is not None else 0.0
            if self._is_over():
                break
            if now >= next_logs:
                next_logs = now + LOGS_PERIOD_S
                self._keep_logs_small()
                if has_ended:  # it takes 0.1 s; readers need some seconds to let go, too
                    remove_dead()
                has_ended = False
            for event in self.supervisor.poll():
                self._on_event(event)
                has_ended = True
            self.supervisor.outages.look(self.observer.latest.active_s)
            self._publish_ended()
            self._tell_service(now)
            self.on_tick(self)
            self.supervisor.wait(now + POLL_S - time.monotonic())

    def _tell_service(self, now_s: float) -> None:
        """Say how the processes are; begin again with what is quarantined when that is asked."""
        self._service.status(self._status.publish(self.supervisor, self.ended, now_s))
        if not self._is_ready and self.all_heard():
            self._is_ready = True
            self._service.ready()
        if self.supervisor.is_well:
            self._service.feed_watchdog(now_s)
        if self._reload:
            self._reload = False
            self._service.reloading()
            for name in self.supervisor.release():
                self._on_event(f"{name} is no longer quarantined")
            self._service.ready()

    def _keep_logs_small(self) -> None:
        """Bound what the processes write here; a graph runs on when that fails."""
        try:
            keep_small(self.home / "log")
        except OSError as error:
            if not self._log_error:
                self._on_event(f"the log files may grow: {error}")
            self._log_error = str(error)

    def _publish_ended(self) -> None:
        """Say which processes are not back where `sage status` reads it, when that has changed."""
        ended = self.supervisor.outages.ended_now()
        if ended == tuple(replace(process, topics=()) for process in self.ended):
            return
        statuses = [read_status(message) for message in self.observer.latest.statuses()]
        self.ended = tuple(replace(e, topics=outputs(statuses, e.nodes)) for e in ended)
        try:
            self._lock.write(replace(self._running(self._domain_id), ended=self.ended))
        except OSError as error:
            self._on_event(f"sage status does not know which processes ended: {error}")

    def _is_over(self) -> bool:
        """True once the wished time has passed and every node has said how it is.

        On a busy machine the status of a node may come late; it belongs into the summary.
        """
        if self.is_played() and self.elapsed_s > 0.0:
            return True
        wished_s = self.options.duration_s
        if wished_s is None or self.elapsed_s < wished_s:
            return False
        unheard = self._unheard()
        if unheard and not self._is_reported_unheard:
            self._is_reported_unheard = True
            names = ", ".join(unheard)
            self.report(
                f"the time is over; waiting up to {HEARD_TIMEOUT_S:g} s for a status of {names}"
            )
        return not unheard or self.elapsed_s >= wished_s + HEARD_TIMEOUT_S

    def all_heard(self) -> bool:
        """True once every node has reported whose process is not known to be gone."""
        return not self._unheard()

    def _unheard(self) -> list[str]:
        heard = {status.name.rsplit("/", 1)[-1] for status in self.observer.latest.statuses()}
        nodes = {node.name for node in self.graph.nodes}
        return sorted(nodes - heard - self.supervisor.outages.gone())

    def is_played(self) -> bool:
        """True once a recording that is played once has ended."""
        if self.graph.options.loop:
            return False
        statuses = self.observer.latest.statuses()
        return any(status.message == RECORDING_ENDED for status in statuses)

    def _running(self, domain_id: int) -> RunningGraph:
        options = self.graph.options
        return RunningGraph(
            pid=os.getpid(),
            domain_id=domain_id,
            namespace=options.namespace,
            profile=options.profile,
            source=options.source,
            network=self.options.network,
            topics=tuple(m.spec.topic for m in self.graph.modalities if m.spec.topic),
            modalities=tuple(m.name for m in self.graph.modalities),
            instances=instances_of(self.graph.modalities),
            warnings=self.graph.warnings,
            use_sim_time=options.use_sim_time,
        )

    def report(self, event: str) -> None:
        self._on_event(event)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.signal = number
        self._stopping = True

    def _on_reload(self, number: int, frame: FrameType | None) -> None:
        self._reload = True
