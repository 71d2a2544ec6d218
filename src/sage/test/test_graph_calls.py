"""A service of a graph that is still starting is waited for."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sage.graph.runtime_file import GraphLock, RunningGraph

DOMAIN = 119
PIPES: Any = {"capture_output": True, "text": True, "timeout": 60.0}
COMMAND = "import sys; from sage.cli import main; sys.exit(main(sys.argv[1:]))"
IMPATIENT = """
import sys
from sage.graph.runtime_file import RunningGraph
from sage.observe import graph_calls
from sage_common.ros.host import ServiceUnavailable
from sage_msgs.srv import LoadPlugin
graph_calls.ANSWER_TIMEOUT_S = 0.5
running = RunningGraph(1, int(sys.argv[1]), "/starting", "nano", "synthetic", False)
try:
    graph_calls.call_service(running, "orchestrator/load_plugin", LoadPlugin.Request(plugin="good"))
except ServiceUnavailable as error:
    print(error)
"""
SERVER = """
import sys, time
import rclpy
from sage_common.ros.executor import EXECUTOR
from sage_common.ros.node import SageNode
from sage_common.ros.rclpy_host.host import RosHost

class Starting(SageNode):
    default_name = "orchestrator"

    def on_configure(self):
        self.service("orchestrator/load_plugin", self.load)

    def load(self, request, response):
        if sys.argv[1] == "late":
            print("asked", flush=True)
            time.sleep(2.0)
        response.success, response.message = request.plugin == "good", "by " + self.name
        return response

rclpy.init()
host = RosHost(Starting, cli_args=["--ros-args", "-r", "__ns:=/starting"])
host.trigger_configure()
executor = EXECUTOR()
executor.add_node(host)
print("configured", flush=True)
seen = 0
while True:
    executor.spin_once(timeout_sec=0.02)
    seen += host.count_clients("/starting/orchestrator/load_plugin") > 0
    if seen == (30 if sys.argv[1] == "starts" else 1) and sys.argv[1] != "stays":
        host.trigger_activate()
"""


@pytest.mark.parametrize(
    ("way", "plugin", "status", "said"),
    [
        ("starts", "good", 0, "by orchestrator\n"),
        ("starts", "bad", 2, "sage plugins: by orchestrator\n"),
        ("stays", "good", 2, "sage plugins: orchestrator is not active: the graph is still start"),
    ],
)
def test_a_graph_that_starts_is_waited_for_and_refusals_are_quoted(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    plugin: str,
    status: int,
    said: str,
) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", str(DOMAIN))
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, way], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None and server.stdout.readline() == "configured\n"
            running = RunningGraph(server.pid, DOMAIN, "/starting", "nano", "synthetic", False)
            lock = GraphLock(tmp_path, running)
            try:
                words = ["plugins", "load", plugin, "--home", str(tmp_path)]
                done = subprocess.run([sys.executable, "-c", COMMAND, *words], **PIPES)
            finally:
                lock.release()
            assert done.returncode == status
            assert (done.stderr if status else done.stdout).startswith(said)
        finally:
            server.kill()


def test_what_has_no_answer_is_not_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", str(DOMAIN))
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, "late"], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None and server.stdout.readline() == "configured\n"
            done = subprocess.run([sys.executable, "-c", IMPATIENT, str(DOMAIN)], **PIPES)
            assert done.stdout == "/starting/orchestrator/load_plugin: no answer within 0.5 s\n"
            server.send_signal(signal.SIGTERM)
            assert server.stdout.read() == "asked\n"
        finally:
            server.kill()
