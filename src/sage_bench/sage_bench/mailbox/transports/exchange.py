"""One transport, one size: a sender, receivers, and what they measured.

`python -m sage_bench.mailbox.transports.exchange ROLE TRANSPORT CHANNEL EXCHANGE` is one process
of it: ROLE `send`, `receive`, or `both` for a sender and a receiver in one thread; EXCHANGE is
JSON. It prints `ready`, and its findings as JSON when it is done.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from sage_bench.mailbox.transports.transport import Arrival, Receiver, Sender, Transport

ICEORYX2 = "iceoryx2"
TRANSPORTS = {
    "SAGE": ("sage", "SageTransport"),
    "shared word (no payload)": ("word", "WordTransport"),
    ICEORYX2: ("iceoryx2", "Iceoryx2Transport"),
    "rclpy, Fast DDS shared memory + data sharing": ("rclpy", "with_data_sharing"),
    "rclpy, Fast DDS default": ("rclpy", "by_default"),
}
"""Module and maker of each, by its name."""
WARM_UP = 50
FIRST_S, IDLE_S = 30.0, 2.0
"""A receiver to which nothing comes for so long is done: at first, and once something came."""
OFF_CORE_S = 50e-6
"""A polling receiver that took so much less CPU than time was off its core meanwhile."""
FINISH_S = 60.0
LAST_S = 0.5
"""How long a sender stays when it is done, for receivers that lag."""


@dataclass(frozen=True)
class Exchange:
    """What is to be measured.

    Attributes:
        count: hand-overs, without the first WARM_UP.
        period_s: from one to the next.
        receivers: processes that receive; 0: the sender's own thread does.
        polling: whether receivers poll; else they sleep until they are woken.
        busy_sender: whether the sender polls the clock between hand-overs; else it sleeps, and its
            core goes idle.
    """

    payload_bytes: int
    count: int
    period_s: float
    receivers: int = 1
    polling: bool = True
    busy_sender: bool = True


@dataclass
class Found:
    """What was measured.

    Attributes:
        latencies_us: from just before committing to just after looking, of all receivers together.
        on_core_us: of these, those that met their polling receiver on its core all the time since
            what came before; of transports without threads of their own.
        filling_us: how long filling the payload took.
        sender_cpu, receiver_cpu: shares of a core, without filling and without a busy sender's
            waiting; of a polling receiver that is one.
        lost: payloads that did not come, summed over the receivers.
    """

    latencies_us: list[float] = field(default_factory=list)
    on_core_us: list[float] = field(default_factory=list)
    filling_us: list[float] = field(default_factory=list)
    sender_cpu: float = 0.0
    receiver_cpu: float = 0.0
    lost: int = 0


def measure(transport: Transport, what: Exchange, domain_id: int, folder: Path) -> Found:
    """Runs the processes of one exchange.

    Raises:
        RuntimeError: a process failed; with what it said last.
    """
    channel = f"bench_{os.getpid()}_{what.payload_bytes}"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "ROS_DOMAIN_ID": str(domain_id),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        **transport.environment(folder),
    }
    asked = json.dumps(asdict(what))
    processes: list[subprocess.Popen[str]] = []

    def start(role: str) -> None:
        command = [sys.executable, "-m", __name__, role, transport.name, channel, asked]
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment
        )
        processes.append(process)
        _until_ready(process)

    try:
        for role in ("send",) + ("receive",) * what.receivers if what.receivers else ("both",):
            start(role)
        findings = [_finish(process) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    sent, *received = findings if what.receivers else (findings[0], findings[0])
    found = Found(filling_us=sent["filling_us"], sender_cpu=sent["sender_cpu"])
    for finding in received:
        found.latencies_us += finding["latencies_us"]
        found.on_core_us += finding.get("on_core_us", [])
        found.receiver_cpu += finding.get("receiver_cpu", 0.0) / len(received)
        found.lost += what.count - len(finding["latencies_us"])
    return found


def transport_named(name: str) -> Transport:
    """One of `TRANSPORTS`. What it stands on is imported now; others' is not.

    Raises:
        ImportError: what it stands on is not installed.
    """
    module_name, make_name = TRANSPORTS[name]
    module = importlib.import_module(f"sage_bench.mailbox.transports.{module_name}")
    made: Transport = getattr(module, make_name)()
    return made


def transports() -> dict[str, Transport]:
    """All transports that are installed here, by name; SAGE's first."""
    installed = [name for name in TRANSPORTS if name != ICEORYX2 or find_spec("iceoryx2")]
    return {name: transport_named(name) for name in installed}


def _until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    if process.stdout.readline().strip() != "ready":
        _fail(process)


def _finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    try:
        out, _ = process.communicate("go\n", timeout=FINISH_S)
    except subprocess.TimeoutExpired:
        _fail(process)
    if process.returncode:
        _fail(process)
    return dict(json.loads(out))


def _fail(process: subprocess.Popen[str]) -> NoReturn:
    assert isinstance(process.args, list)
    process.kill()
    _, told = process.communicate()
    raise RuntimeError(f"{' '.join(process.args[3:5])} failed: {told.strip().splitlines()[-1:]}")


class _Sending:
    """Fills, waits until it is time, and commits; counts what that takes of a core."""

    def __init__(self, sender: Sender, what: Exchange) -> None:
        self.filling_us: list[float] = []
        self._sender = sender
        self._what = what
        self._begin_s = time.monotonic()
        self._process_s = time.process_time()
        self._committing_s = self._filling_s = 0.0

    def send(self, index: int) -> None:
        before_s, used_s = time.perf_counter(), time.thread_time()
        self._sender.fill(index % 256)
        self._filling_s += time.thread_time() - used_s
        self.filling_us.append((time.perf_counter() - before_s) * 1e6)
        self._pass_time_until(self._begin_s + (index + 1) * self._what.period_s)
        used_s = time.thread_time()
        self._sender.commit(time.monotonic_ns())
        self._committing_s += time.thread_time() - used_s

    def cpu(self) -> float:
        """A busy sender's waiting cannot be told from what other threads of its process take."""
        used_s = time.process_time() - self._process_s - self._filling_s
        if self._what.busy_sender:
            used_s = self._committing_s
        return used_s / (time.monotonic() - self._begin_s)

    def _pass_time_until(self, due_s: float) -> None:
        rest_s = due_s - time.monotonic()
        if not self._what.busy_sender and rest_s > 0:
            time.sleep(rest_s)
        while time.monotonic() < due_s:
            pass


def _send(transport: Transport, channel: str, what: Exchange) -> None:
    sender = transport.sender(channel, what.payload_bytes, what.polling)
    _keep_to_core(transport, what, 0)
    print("ready", flush=True)
    sys.stdin.readline()
    sender.wait_for(what.receivers)
    sending = _Sending(sender, what)
    for index in range(what.count + WARM_UP):
        sending.send(index)
    told = {"sender_cpu": sending.cpu(), "filling_us": _rounded(sending.filling_us)}
    time.sleep(LAST_S)
    print(json.dumps(told), flush=True)
    sender.close()


def _receive(transport: Transport, channel: str, what: Exchange) -> None:
    receiver = transport.receiver(channel, what.payload_bytes, what.polling)
    _keep_to_core(transport, what, 1)
    print("ready", flush=True)
    latencies_us: list[float] = []
    on_core_us: list[float] = []
    spins = what.polling and not transport.has_threads
    first_ns, last_ns, silent_since_s = 0, 0, time.monotonic()
    used_before_s = used_s = time.process_time()
    while len(latencies_us) < what.count:
        arrival = receiver.poll()
        if arrival is None:
            if time.monotonic() - silent_since_s > (IDLE_S if first_ns else FIRST_S):
                break
            if not what.polling:
                receiver.wait(IDLE_S)
            continue
        now_s, now_used_s = time.monotonic(), time.process_time()
        off_s = (now_s - silent_since_s) - (now_used_s - used_s)
        silent_since_s, used_s = now_s, now_used_s
        last_ns = arrival.stamp_ns
        if not first_ns:
            first_ns, used_before_s = last_ns, used_s
        if last_ns - first_ns >= (WARM_UP - 0.5) * what.period_s * 1e9:
            latencies_us.append(arrival.latency_us)
            if spins and off_s < OFF_CORE_S:
                on_core_us.append(arrival.latency_us)
    told = {
        "on_core_us": _rounded(on_core_us),
        "receiver_cpu": (used_s - used_before_s) / max((last_ns - first_ns) / 1e9, what.period_s),
        "latencies_us": _rounded(latencies_us),
    }
    print(json.dumps(told), flush=True)
    receiver.close()


def _both(transport: Transport, channel: str, what: Exchange) -> None:
    sender = transport.sender(channel, what.payload_bytes, what.polling)
    receiver = transport.receiver(channel, what.payload_bytes, what.polling)
    _keep_to_core(transport, what, 0)
    print("ready", flush=True)
    sys.stdin.readline()
    sender.wait_for(1)
    sending = _Sending(sender, what)
    latencies_us: list[float] = []
    for index in range(what.count + WARM_UP):
        sending.send(index)
        arrival = _next_arrival(receiver, what.period_s)
        if arrival is not None and index >= WARM_UP:
            latencies_us.append(arrival.latency_us)
    told = {
        "sender_cpu": sending.cpu(),
        "filling_us": _rounded(sending.filling_us),
        "latencies_us": _rounded(latencies_us),
    }
    print(json.dumps(told), flush=True)
    receiver.close()
    sender.close()


def _next_arrival(receiver: Receiver, timeout_s: float) -> Arrival | None:
    end_s = time.monotonic() + timeout_s
    arrival = receiver.poll()
    while arrival is None and time.monotonic() < end_s:
        arrival = receiver.poll()
    return arrival


def _keep_to_core(transport: Transport, what: Exchange, index: int) -> None:
    """A core for each side, where there are as many and the transport needs no more."""
    cores = sorted(os.sched_getaffinity(0))
    if not transport.has_threads and len(cores) >= 1 + what.receivers:
        os.sched_setaffinity(0, {cores[index]})


def _rounded(times_us: list[float]) -> list[float]:
    return [float(one) for one in np.round(times_us, 3)]


SIDES = {"send": _send, "receive": _receive, "both": _both}


def main(arguments: list[str]) -> None:
    """One process of an exchange."""
    role, name, channel, asked = arguments
    SIDES[role](transport_named(name), channel, Exchange(**json.loads(asked)))


if __name__ == "__main__":
    main(sys.argv[1:])
