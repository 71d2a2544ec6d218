"""Which steps are late and which threads hang, looked at once a cycle."""

from __future__ import annotations

from sage_orchestrator.core.scheduling.interpreter_watch import InterpreterWatch
from sage_orchestrator.core.scheduling.policy import Safeguards
from sage_orchestrator.core.scheduling.runtime import PluginRuntime

_KILL_PATIENCE_NS = 10_000_000_000


def interrupt_late(runtime: PluginRuntime, now_ns: int, safeguards: Safeguards) -> None:
    """Interrupt a step that goes on for half of the grace after its timeout."""
    run = runtime.run
    if run is None or run.began_ns is None or not runtime.in_flight:
        return
    if now_ns - run.began_ns - run.timeout_ns > safeguards.grace_ns // 2:
        run.interrupt()


def fail_keeping(runtime: PluginRuntime, watch: InterpreterWatch | None) -> bool:
    """Let a run fail whose step keeps the interpreter from all others; whether it does."""
    run = runtime.run
    if watch is None or run is None or not runtime.in_flight or runtime.process is not None:
        return False
    fault = watch.fault(run)
    if fault:
        run.fail(fault)
    return bool(fault)


def note_ended_process(runtime: PluginRuntime, now_ns: int) -> None:
    """Count it as a failure that the process of a plugin has ended while nothing ran in it."""
    process = runtime.process
    if runtime.run is None and process is not None and (fault := process.check()):
        runtime.plugin, runtime.loaded, runtime.ended_idle = None, False, fault
        runtime.breaker.failed(now_ns, fault)
        runtime.trust.learn_failure()


def hangs(runtime: PluginRuntime, now_ns: int, safeguards: Safeguards) -> bool:
    """Whether the thread of a plugin is to be given up: it neither works nor comes back."""
    if runtime.run is None or not runtime.in_flight:
        return False
    # A process is killed by the thread that waits for it: only that might hang.
    more_ns = 0 if runtime.process is None else _KILL_PATIENCE_NS
    if runtime.run.began_ns is None:
        return now_ns - runtime.submitted_ns > safeguards.load_timeout_ns + more_ns
    allowed_ns = runtime.run.timeout_ns + safeguards.grace_ns + more_ns
    return now_ns - runtime.run.began_ns > allowed_ns
