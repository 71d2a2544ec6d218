"""A process that runs SAGE nodes: one, or many under one executor."""

from __future__ import annotations

import gc
import itertools
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.executors import Executor, ExternalShutdownException, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from sage_common.allocator import return_freed_memory
from sage_common.core.announcement import Announced, Announcement
from sage_common.heartbeat import BEAT_PERIOD_S, Phase, heartbeat
from sage_common.parent import PARENT_VARIABLE, end_with_parent
from sage_common.ros.executor import EXECUTOR
from sage_common.ros.node import SageNode
from sage_common.ros.rclpy_host.host import END_TIMEOUT_S, RosHost

RCLError = rclpy_implementation.RCLError
UnknownROSArgsError = rclpy_implementation.UnknownROSArgsError
# In rclpy 7.1 the events executor's plain spin() never runs a callback; a bounded one does, and
# each leaks 32 bytes: .6 MB an hour with five of them a second.
SPIN_SLICE_S = 60.0
TRANSPORT_SETTINGS = ("FASTRTPS_DEFAULT_PROFILES_FILE", "MALLOC_MMAP_THRESHOLD_")
START_VARIABLE = "SAGE_START_AT"
"""Names the monotonic time [s] from which nodes may start; until then a process loads and waits."""
LONGEST_SLEEP_S = 0.05
EXIT_USAGE = 2
"""Status of a process that was started wrongly: starting it again would help nothing."""
LEAST_END_S = 1.0
# Default 700: collections of everything that was loaded took a fifth of a container's time.
GARBAGE_THRESHOLDS = (20_000, 20, 20)
GARBAGE_PERIOD_S = 10.0
# Of these periods: ten minutes. What a burst needed stays in the allocator otherwise, and the next
# one takes other pages: 18 MB in a quarter of an hour of an overloaded machine.
RETURN_PERIODS = 60
# Default 5 ms: a worker that comes back from a model waits that long for the interpreter.
SWITCH_INTERVAL_S = 0.0005


ASKED = ("fusion", "memory")
"""Whom commands ask; a process without one of them is not what makes a graph."""


class NodeProcess:
    """Runs nodes until SIGINT or SIGTERM, then deactivates them so that their state is saved.

    A second signal changes nothing: saving is bounded in time and is never cut short.
    """

    def __init__(self) -> None:
        self._hosts: list[RosHost] = []
        self._stop = False
        self._failed = False
        # Written to at once, while handlers wait until Python runs in the main thread again.
        self._signals, signalled = socket.socketpair()
        signalled.setblocking(False)
        self._signalled = signalled
        signal.set_wakeup_fd(signalled.fileno())
        self._stopped = Future()
        self._announced: Announced | None = None
        self._heartbeat = heartbeat()
        if self._heartbeat is not None:
            self._heartbeat.keep_beating()
        # A signal may come while nodes are still being made.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _ignored)
        threading.Thread(target=self._end_spin, name="signals", daemon=True).start()

    @property
    def stopping(self) -> bool:
        """True after a signal."""
        return self._stop

    def run(self, hosts: Sequence[RosHost], autostart: bool = True) -> int:
        """Spin the hosts until a signal; 0 if every node became active."""
        self._hosts = list(hosts)
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        executor = EXECUTOR()
        for host in self._hosts:
            executor.add_node(host)
        self._beat_between_callbacks()
        hosts_to_start = self._hosts if autostart else []
        threading.Thread(
            target=self._start, args=(hosts_to_start,), name="start", daemon=True
        ).start()
        try:
            while not self._stop and rclpy.ok():
                self._spin(executor)
        except ExternalShutdownException:
            pass
        finally:
            self._stop = True
            self._close(executor)
        return 1 if self._failed else 0

    def _start(self, hosts: Sequence[RosHost]) -> None:
        """Start nodes, one after another, while the executor serves those that run already."""
        self._wait_until(float(os.environ.get(START_VARIABLE, 0.0)))
        for host in hosts:
            if self._stop:
                break
            active = host.start()
            self._failed |= not (active or host.ending)
            if active and host.node.default_name in ASKED:
                self._announce(host)
        if not self._stop:
            _tune_interpreter()
            self._say_what_is_missing()
            self._enter(Phase.RUNNING)

    def _beat_between_callbacks(self) -> None:
        if self._heartbeat is None or not self._hosts:
            return
        self._heartbeat.turned()
        # A timer of the executor's: a spin does not heed its timeout while callbacks are due.
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._hosts[0].create_timer(BEAT_PERIOD_S, self._heartbeat.turned, clock=self._steady)

    def _enter(self, phase: Phase) -> None:
        if self._heartbeat is not None:
            self._heartbeat.enter(phase)

    def _say_what_is_missing(self) -> None:
        if EXECUTOR is SingleThreadedExecutor and self._hosts:
            self._hosts[0].log.warning(
                "this rclpy has no EventsExecutor: callbacks cost a multiple of the CPU time"
            )
        missing = [name for name in TRANSPORT_SETTINGS if not os.environ.get(name)]
        if missing and self._hosts:
            self._hosts[0].log.info(
                f"large messages cost more than they must: {', '.join(missing)} not set "
                "(sage run and the launch files set them)"
            )

    def _wait_until(self, start_s: float) -> None:
        while not self._stop and (wait_s := start_s - time.monotonic()) > 0.0:
            time.sleep(min(wait_s, LONGEST_SLEEP_S))

    def _announce(self, host: RosHost) -> None:
        """Let commands find this process; `sage run` announces its own."""
        if self._stop or self._announced is not None or os.environ.get(PARENT_VARIABLE):
            return
        is_local = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "").upper() == "LOCALHOST"
        domain_id = int(os.environ.get("ROS_DOMAIN_ID") or 0)
        is_simulated = bool(host.get_parameter("use_sim_time").value)
        announcement = Announcement(
            os.getpid(), domain_id, host.get_namespace(), not is_local, is_simulated
        )
        try:
            self._announced = Announced(host.node.home, announcement)
        except OSError as error:
            host.log.warning(f"commands will not find this graph: {error}")

    def _spin(self, executor: Executor) -> None:
        try:
            executor.spin_until_future_complete(self._stopped, timeout_sec=SPIN_SLICE_S)
        except ExternalShutdownException:
            raise
        except Exception as error:  # noqa: BLE001 - keeps the other callbacks of the process going
            # The nodes' own callbacks are guarded; this is rclpy's, a message that cannot be
            # deserialized for instance. What waits for the future is not taken off it then.
            self._stopped = Future()
            self._hosts[0].log.error(
                f"a callback failed: {type(error).__name__}: {error}",
                throttle_s=1.0,
                key=type(error).__name__,
            )

    def _close(self, executor: Executor) -> None:
        self._enter(Phase.ENDING)
        if self._announced is not None:
            self._announced.withdraw()
        end_s = time.monotonic() + END_TIMEOUT_S
        for host in reversed(self._hosts):
            ended = host.stop(max(end_s - time.monotonic(), LEAST_END_S))
            self._failed |= not ended
        executor.shutdown()
        if rclpy.ok():
            rclpy.shutdown()

    def _end_spin(self) -> None:
        """End the spin at a signal: it does not heed its timeout while callbacks are due."""
        self._signals.recv(1)
        self._stop = True
        self._stopped.set_result(None)


def _ignored(number: int, frame: FrameType | None) -> None:
    """A signal with a handler is written to who waits for it, and ends no process."""


def _tune_interpreter() -> None:
    """Keep what was loaded at the start out of garbage collections, and give back what it left."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    return_freed_memory()
    threading.Thread(target=_tend_memory, name="garbage", daemon=True).start()


def _tend_memory() -> None:
    """Free what refers to itself, which may be few objects that hold large arrays; now and then
    give back what is free.

    The interpreter counts objects, and not what they hold: 50 MB of messages waited for it. What
    was loaded at the start is frozen, so this takes milliseconds.
    """
    for period in itertools.count(1):
        time.sleep(GARBAGE_PERIOD_S)
        gc.collect()
        if period % RETURN_PERIODS == 0:
            return_freed_memory()


def run_node(node_type: type[SageNode]) -> None:
    """The `main` of a node's executable: ROS arguments from the command line."""
    end_with_parent()
    process = NodeProcess()
    enter_ros()
    sys.exit(process.run([] if process.stopping else [RosHost(node_type)]))


def enter_ros() -> None:
    """Start rclpy with this process's arguments; wrong ones end it with status `EXIT_USAGE`."""
    try:
        rclpy.init(args=sys.argv, signal_handler_options=SignalHandlerOptions.NO)
    except (RCLError, UnknownROSArgsError) as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        sys.exit(EXIT_USAGE)
