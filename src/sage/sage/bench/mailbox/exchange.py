"""One transport, one size: a sender's process, receivers' processes, and what they measured.

`python -m sage.bench.mailbox.exchange receive|send TRANSPORT CHANNEL BYTES COUNT PERIOD_S
poll|wait` is one of these processes; it prints `ready`, and its findings as JSON when it is done.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sage.bench.mailbox.transport import Transport

WARM_UP = 20
IDLE_S = 5.0
"""A receiver to which nothing comes for so long is done."""
FINISH_S = 60.0
SETTLE_S = 0.5


@dataclass(frozen=True)
class Exchange:
    """What is to be measured."""

    payload_bytes: int
    count: int
    period_s: float
    receivers: int = 1
    polling: bool = True


@dataclass
class Found:
    """What was measured.

    Attributes:
        latencies_us: from just before sending to just after looking, of all receivers together.
        sender_cpu, receiver_cpu: shares of a core; of a polling receiver that is one.
        lost: payloads that did not come, summed over the receivers.
    """

    latencies_us: list[float] = field(default_factory=list)
    sender_cpu: float = 0.0
    receiver_cpu: float = 0.0
    lost: int = 0


def measure(transport: Transport, what: Exchange, domain_id: int, folder: Path) -> Found:
    """Runs the processes of one exchange.

    Raises:
        RuntimeError: a process failed; with what it said last.
    """
    channel = f"bench_{os.getpid()}_{what.payload_bytes}"
    sources = os.pathsep.join(path for path in sys.path if path)
    environment = {
        **os.environ,
        "PYTHONPATH": sources,
        "ROS_DOMAIN_ID": str(domain_id),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        **transport.environment(folder),
    }
    way = "poll" if what.polling else "wait"
    numbers = (str(what.payload_bytes), str(what.count), str(what.period_s), way)

    def start(role: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", __name__, role, transport.name, channel, *numbers]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment
        )

    sender = start("send")
    processes = [sender]
    try:
        _until_ready(sender)
        receivers = [start("receive") for _ in range(what.receivers)]
        processes += receivers
        for receiver in receivers:
            _until_ready(receiver)
        time.sleep(SETTLE_S)
        findings = [_finish(process) for process in (sender, *receivers)]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    found = Found(sender_cpu=findings[0]["cpu"])
    for finding in findings[1:]:
        found.latencies_us += finding["latencies_us"]
        found.receiver_cpu += finding["cpu"] / what.receivers
        found.lost += what.count - len(finding["latencies_us"])
    return found


def transports() -> dict[str, Transport]:
    """All transports that are installed here, by name."""
    from sage.bench.mailbox.rclpy_transport import DATA_SHARING, RclpyTransport
    from sage.bench.mailbox.sage_transport import SageTransport

    known: list[Transport] = [SageTransport()]
    try:
        from sage.bench.mailbox.iceoryx2_transport import Iceoryx2Transport

        known.append(Iceoryx2Transport())
    except ImportError as error:
        if error.name != "iceoryx2":
            raise
    known.append(RclpyTransport("rclpy, Fast DDS shared memory + data sharing", DATA_SHARING))
    known.append(RclpyTransport("rclpy, Fast DDS default", ""))
    return {transport.name: transport for transport in known}


def _until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    if process.stdout.readline().strip() != "ready":
        _fail(process)


def _finish(process: subprocess.Popen[str]) -> dict[str, object]:
    try:
        out, _ = process.communicate("go\n", timeout=FINISH_S)
    except subprocess.TimeoutExpired:
        _fail(process)
    if process.returncode:
        _fail(process)
    return dict(json.loads(out))


def _fail(process: subprocess.Popen[str]) -> None:
    process.kill()
    _, told = process.communicate()
    raise RuntimeError(f"{process.args[3:6]} failed: {told.strip().splitlines()[-1:]}")  # type: ignore[index]


def _send(transport: Transport, channel: str, what: Exchange) -> None:
    sender = transport.sender(channel, what.payload_bytes)
    print("ready", flush=True)
    sys.stdin.readline()
    used_s, begin_s = 0.0, time.monotonic()
    for index in range(what.count + WARM_UP):
        rest_s = begin_s + index * what.period_s - time.monotonic()
        if rest_s > 0:
            time.sleep(rest_s)
        before_s = time.thread_time()
        sender.send(time.monotonic_ns())
        used_s += time.thread_time() - before_s
    passed_s = time.monotonic() - begin_s
    print(json.dumps({"cpu": used_s / passed_s}), flush=True)
    time.sleep(SETTLE_S)
    sender.close()


def _receive(transport: Transport, channel: str, what: Exchange) -> None:
    receiver = transport.receiver(channel, what.payload_bytes)
    print("ready", flush=True)
    latencies_us: list[float] = []
    seen, last_s, begin_s, used_s = 0, time.monotonic(), time.monotonic(), time.process_time()
    while seen < what.count + WARM_UP and time.monotonic() - last_s < IDLE_S:
        stamp_ns = receiver.poll()
        if stamp_ns is None:
            if not what.polling:
                receiver.wait(IDLE_S)
            continue
        last_s = time.monotonic()
        seen += 1
        if seen > WARM_UP:
            latencies_us.append((time.monotonic_ns() - stamp_ns) / 1000)
    cpu = (time.process_time() - used_s) / (time.monotonic() - begin_s)
    print(json.dumps({"cpu": cpu, "latencies_us": np.round(latencies_us, 3).tolist()}), flush=True)
    receiver.close()


def main(arguments: list[str]) -> None:
    """One side of an exchange."""
    role, name, channel, payload_bytes, count, period_s, way = arguments
    what = Exchange(int(payload_bytes), int(count), float(period_s), polling=way == "poll")
    side = _send if role == "send" else _receive
    side(transports()[name], channel, what)


if __name__ == "__main__":
    main(sys.argv[1:])
