"""The whole loop: camera, sound, IMU and text in; salience, attention, budget, memories out.

In lock-step on one thread, as fast as it can: the uncapped rate, and the time that each stage takes
over one message. Live, on ROS 2 at the recording's own 30 frames/s: latency from camera stamp to
fused salience, memory, start, dropped frames, what each process takes beside its budget
(`loop/budgets.py`), and what stands still while a node goes through its transitions. The baseline
of the latency is a bare rclpy publisher and subscription that hand over the same images in the same
kind of process. With refinement plugins busy all the time the latency is taken once more.
`SAGE_BENCH_PARTS` chooses among lockstep, live, refining, transitions and resume.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sage.graph.description import GraphOptions, describe
from sage.graph.environment import DomainLease, graph_environment
from sage.replay.lockstep import LockstepReplay, Output
from sage.soak.budgets import read_budgets
from sage_bench.loop import budgets
from sage_bench.loop.live import Lived, live
from sage_bench.loop.refining import refining_rows
from sage_bench.loop.stored import fill
from sage_bench.loop.transitions import transition_rows
from sage_bench.part_choice import chosen_parts, result_name
from sage_bench.result import Result, Row, row_of_samples
from sage_common.core.home import sha256_of
from sage_common.ros.lockstep.host import DEFAULT_START_NS
from sage_memory import Memory
from sage_sensors.backends.recording import data_folder, find_demo_recording

FRAMES = 1000
FRAMES_QUICK = 150
LIVE_S = 40.0
LIVE_QUICK_S = 10.0
WARM_UP_FRAMES = 60
SETTLED_S = 5.0
"""Whoever first sends to a DDS participant that joins sleeps for up to 0.1 s, with all its process
sends; the last ones join about 2 s after the first salience."""
STORED = 100_000
STORED_QUICK = 5_000
FRAME_RATE_HZ = 30.0
STAGES = {
    "vision encode": ("vision_encoder", "camera/front/image_raw"),
    "audio encode": ("audio_encoder", "microphone/front/audio"),
    "proprioception, an IMU reading": ("proprioception_encoder", "imu/body/data"),
    "language encode": ("language_encoder", "text"),
    "vision score": ("vision_scorer", "vision/puzzle"),
    "audio score": ("audio_scorer", "audio/puzzle"),
    "proprioception score": ("proprioception_scorer", "proprioception/puzzle"),
    "fusion": ("fusion", "vision/salience"),
    "attention": ("attention", "salience"),
    "memory": ("memory", "salience"),
    "orchestrator": ("orchestrator", "salience"),
}
GOALS_MS = {"vision encode": 2.3, "audio encode": 1.0, "vision score": 0.2, "audio score": 0.2}


def measure(quick: bool) -> Result:
    """All rows of the loop."""
    seconds = LIVE_QUICK_S if quick else LIVE_S
    stored = STORED_QUICK if quick else STORED
    parts: dict[str, Callable[[], list[Row]]] = {
        "lockstep": lambda: lockstep_rows(FRAMES_QUICK if quick else FRAMES),
        "live": lambda: live_rows(seconds, quick),
        "refining": lambda: refining_rows(seconds),
        "transitions": lambda: transition_rows(quick, stored),
        "resume": lambda: resume_rows(stored),
    }
    chosen = chosen_parts(parts)
    rows = tuple(row for part in chosen.values() for row in part())
    over = budgets.notes(rows, read_budgets(budgets.BUDGETS))
    return Result(result_name("loop", chosen, parts), quick, inputs(), rows, over)


def record(result: Result) -> None:
    """Keep what each process took as its budget."""
    budgets.record_budgets(result.rows)


def inputs() -> dict[str, str]:
    """SHA-256 of every file that is played."""
    plan = find_demo_recording(data_folder())
    files = (plan.media, plan.sound, plan.imu_csv, plan.text_track)
    return {path.name: sha256_of(path) for path in files if path is not None}


def lockstep_rows(frames: int) -> list[Row]:
    """The uncapped rate and each stage's time, on one thread, without DDS."""
    with tempfile.TemporaryDirectory() as home:
        graph = describe(GraphOptions(home=home, resume=False))
        replay = LockstepReplay(graph, DEFAULT_START_NS, Output(None))
        taken_ms: dict[tuple[str, str], list[float]] = defaultdict(list)
        prefix = graph.options.namespace + "/"

        def handled(node: str, topic: str, duration_ns: int) -> None:
            taken_ms[node, topic.removeprefix(prefix)].append(duration_ns / 1e6)

        replay.host.on_handled = handled
        begin = time.perf_counter()
        replay.run_for((frames + WARM_UP_FRAMES) / FRAME_RATE_HZ)
        wall_s = time.perf_counter() - begin
    seen = len(taken_ms[STAGES["vision encode"]])
    rows = [
        Row("uncapped rate, one thread", seen / wall_s, "frames/s", better="higher", samples=seen)
    ]
    for name, key in STAGES.items():
        samples = taken_ms[key]
        # The first frames pay for caches and lazy imports.
        steady = samples[WARM_UP_FRAMES:] if len(samples) > 2 * WARM_UP_FRAMES else samples
        rows.append(row_of_samples(f"{name} p50", steady, "ms", goal=GOALS_MS.get(name)))
    return rows


def live_rows(seconds: float, quick: bool) -> list[Row]:
    """Latency, memory, start and dropped frames on ROS 2, in one process and a process a node."""
    one = live(seconds, composed=True)
    rows = home_rows("one process", one, 320.0)
    rows += budgets.budget_rows(one.taken, read_budgets(budgets.BUDGETS))
    bare_ms = bare_transport_ms(seconds / 4)
    for rank, goal in ((50, 5.0), (99, 12.0)):
        beside = {"image over bare rclpy, default transport": float(np.percentile(bare_ms, rank))}
        name = f"camera to fused salience p{rank}"
        rows.append(
            row_of_samples(name, one.latency_ms, "ms", goal=goal, rank=rank, baselines=beside)
        )
    rows.append(Row("start of the command to first fused salience", one.start_s, "s", 3.0))
    if not quick:
        many = live(seconds / 2, composed=False)
        rows += home_rows("one process a node", many, 600.0)
        rows.append(
            Row(
                "start of the command to first fused salience, one process a node",
                many.start_s,
                "s",
            )
        )
        rows += budgets.budget_rows(many.taken, read_budgets(budgets.BUDGETS))
        rows += process_rows(one.latency_ms, many.latency_ms)
    return rows


def process_rows(one_ms: list[float], many_ms: list[float]) -> list[Row]:
    """Latency with a process a node beside that of one process; in all, and once all joined."""
    settled = round(SETTLED_S * FRAME_RATE_HZ)
    parts = {
        "p50": (one_ms, many_ms, 50),
        "p99": (one_ms, many_ms, 99),
        f"p99 after the first {SETTLED_S:g} s": (one_ms[settled:], many_ms[settled:], 99),
    }
    rows = []
    for what, (of_one, of_many, rank) in parts.items():
        one = float(np.percentile(of_one, rank))
        rows.append(
            row_of_samples(
                f"camera to fused salience {what}, one process a node", of_many, "ms",
                goal=2 * one if rank == 99 else None, rank=rank, baselines={"one process": one},
            )
        )  # fmt: skip
    return rows


def home_rows(mode: str, lived: Lived, most_mb: float) -> list[Row]:
    """Memory and dropped frames."""
    return [
        Row(f"memory of the graph, {mode}", lived.pss_mb, "MB", most_mb),
        Row(f"dropped frames, {mode}", lived.dropped, "frames", 0.0, samples=lived.frames),
    ]


def bare_transport_ms(seconds: float) -> list[float]:
    """Latency of 848x480 images from one rclpy node to another in one process, nothing else."""
    lease = DomainLease()
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, **graph_environment(lease.domain_id, False, Path(home))}
        # Our profile leaves nodes of one process to the local bus: DDS alone is what is wanted.
        for name in ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"):
            environment.pop(name)
        program = [sys.executable, "-c", BARE_TRANSPORT, str(seconds)]
        ran = subprocess.run(program, env=environment, capture_output=True, text=True, check=True)
    lease.release()
    samples: list[float] = json.loads(ran.stdout)
    return samples


BARE_TRANSPORT = """
import array, json, sys, time
import rclpy
from rclpy.experimental import EventsExecutor
from rclpy.qos import qos_profile_sensor_data
from rclpy.task import Future
from sensor_msgs.msg import Image
rclpy.init()
talker, listener = rclpy.create_node("talker"), rclpy.create_node("listener")
frame = array.array("B", bytes(848 * 480 * 3))
taken_ms = []
publisher = talker.create_publisher(Image, "image", qos_profile_sensor_data)
def send():
    now = time.time_ns()
    message = Image(height=480, width=848, step=848 * 3, encoding="rgb8", data=frame)
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(now, 10**9)
    publisher.publish(message)
def receive(message):
    stamp = message.header.stamp
    taken_ms.append((time.time_ns() - stamp.sec * 10**9 - stamp.nanosec) / 1e6)
listener.create_subscription(Image, "image", receive, qos_profile_sensor_data)
talker.create_timer(1 / 30, send)
executor = EventsExecutor()
executor.add_node(talker)
executor.add_node(listener)
executor.spin_until_future_complete(Future(), timeout_sec=float(sys.argv[1]))
print(json.dumps(taken_ms[10:]))
"""


def resume_rows(stored: int) -> list[Row]:
    """Time to open a memory that holds many experiences."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        fill(home, stored, "bench")
        begin = time.perf_counter()
        with Memory.open(home, device_id="bench") as memory:
            opened_s = time.perf_counter() - begin
            held = memory.statistics().experiences
    goal = 1.0 if stored == STORED else None
    return [Row(f"opening a memory of {held} experiences", opened_s, "s", goal)]
