"""What a reliable publisher of 1080p images costs beside a best-effort one; prints a table.

    AMENT_PREFIX_PATH=$PWD/.venv .venv/bin/python bench/sensor_qos.py

Publisher and readers are processes of their own, with the transport profile and the allocator
settings of the graph. Reader by reader: `best effort`, `reliable`, or `slow`, which is reliable and
takes 200 ms for each image. Rows of one run are comparable with each other.
"""

from __future__ import annotations

import array
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from sage.graph.environment import graph_environment

WIDTH, HEIGHT, DEPTH, RATE_HZ, SLOW_S = 1920, 1080, 5, 30.0, 0.2
CASES = ((), ("best effort",), ("best effort",) * 2, ("best effort", "slow"))
RELIABILITY = {
    "best effort": ReliabilityPolicy.BEST_EFFORT,
    "reliable": ReliabilityPolicy.RELIABLE,
    "slow": ReliabilityPolicy.RELIABLE,
}


def qos(kind: str) -> QoSProfile:
    return QoSProfile(depth=DEPTH, reliability=RELIABILITY[kind])


def percentiles(name: str, values_ms: list[float]) -> dict[str, float]:
    if not values_ms:
        return {f"{name}_p50_ms": float("nan"), f"{name}_p99_ms": float("nan")}
    return {f"{name}_p{q}_ms": round(float(np.percentile(values_ms, q)), 2) for q in (50, 99)}


def publish(kind: str, readers: int, frames: int) -> dict[str, float]:
    """Publish at 30 Hz as soon as all readers are there."""
    node = rclpy.create_node("sender")
    publisher = node.create_publisher(Image, "image", qos(kind))
    pixels = array.array("B", bytes(WIDTH * HEIGHT * 3))
    message = Image(height=HEIGHT, width=WIDTH, step=WIDTH * 3, encoding="rgb8", data=pixels)
    while publisher.get_subscription_count() < readers:
        time.sleep(0.05)
    time.sleep(1.0)
    took_ms, begin, cpu = [], time.monotonic(), time.process_time()
    for number in range(frames):
        time.sleep(max(0.0, begin + number / RATE_HZ - time.monotonic()))
        now_ns = time.time_ns()
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(now_ns, 10**9)
        publisher.publish(message)
        took_ms.append((time.time_ns() - now_ns) / 1e6)
    cpu_share = (time.process_time() - cpu) / (time.monotonic() - begin)
    time.sleep(2.0)
    return {"cpu": round(cpu_share, 3), **percentiles("publish", took_ms)}


def read(kind: str) -> dict[str, float]:
    """Take images until none has come for three seconds."""
    node, delays_ms, last = rclpy.create_node("reader"), [], [time.monotonic()]

    def take(message: Image) -> None:
        sent_ns = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
        delays_ms.append((time.time_ns() - sent_ns) / 1e6)
        time.sleep(SLOW_S if kind == "slow" else 0.0)
        last[0] = time.monotonic()

    node.create_subscription(Image, "image", take, qos(kind))
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    while rclpy.ok() and (not delays_ms or time.monotonic() - last[0] < 3.0):
        executor.spin_once(timeout_sec=0.1)
    return {"frames": len(delays_ms), **percentiles("delay", delays_ms)}


def run_case(publisher: str, readers: tuple[str, ...], frames: int) -> dict[str, object]:
    environment = {**os.environ, **graph_environment(None, False, Path("."))}
    roles = [["read", kind] for kind in readers]
    roles.append(["publish", publisher, str(len(readers)), str(frames)])
    processes = [
        subprocess.Popen([sys.executable, __file__, *role], env=environment, stdout=subprocess.PIPE)
        for role in roles
    ]
    *heard, sent = [json.loads(process.communicate()[0]) for process in processes]
    return {
        "publisher": publisher,
        **sent,
        "readers": dict(enumerate(zip(readers, heard, strict=True))),
    }


def table(frames: int) -> None:
    print("| publisher | readers | CPU | publish p50 / p99 [ms] | reader: frames, p50 / p99 [ms] |")
    print("| --- | --- | --- | --- | --- |")
    for readers in CASES:
        for publisher in ("reliable",) if "slow" in readers else ("best effort", "reliable"):
            row = run_case(publisher, readers, frames)
            cells = "; ".join(
                f"{kind}: {r['frames']}, {r['delay_p50_ms']} / {r['delay_p99_ms']}"
                for kind, r in row["readers"].values()
            )
            print(
                f"| {publisher} | {len(readers)} | {row['cpu']} | "
                f"{row['publish_p50_ms']} / {row['publish_p99_ms']} | {cells} |",
                flush=True,
            )


def main() -> None:
    role = sys.argv[1:]
    if not role:
        table(300)
        return
    rclpy.init()
    answer = read(role[1]) if role[0] == "read" else publish(role[1], int(role[2]), int(role[3]))
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
