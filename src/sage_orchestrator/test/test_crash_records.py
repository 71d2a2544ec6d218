"""A plugin that crashes on a thread is named at the next start, and out until it is asked for."""

from __future__ import annotations

import faulthandler
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from ros_graph import RosGraph

from sage_msgs.msg import PluginInfo
from sage_msgs.srv import ListPlugins, LoadPlugin
from sage_orchestrator.core.hosting.crash_records import CrashRecords
from sage_orchestrator.nodes.orchestrator_node import OrchestratorNode

PATIENCE_S = 60.0
CHILD = """
import sys, threading, time
from pathlib import Path
import hostile_plugins, misbehaving_plugins
from orchestrator_bench import Bench
from sage_common.ros.rclpy_host.worker import ThreadWorker
from sage_orchestrator.core.budget.meter import MeasuredMeter
from sage_orchestrator.core.hosting.crash_records import CrashRecords
from sage_orchestrator.nodes.workers import PluginWorkers

folder, kind = sys.argv[1:]
records = CrashRecords(Path(folder))
records.open()
make = lambda name, size: ThreadWorker(name, size, print)
bench = Bench(PluginWorkers(make, True, records.assign), MeasuredMeter(time.monotonic_ns))
bench.orchestrator._stopwatch_ns = time.monotonic_ns
bench.add(misbehaving_plugins.Halving("beside"), getattr(hostile_plugins, kind)("halving"))
bench.cycle()
while Path(folder, "process.log").read_text().count("works for") < 2:
    time.sleep(0.01)
print("began", flush=True)
threading.Event().wait()
"""


def ended(folder: Path, kind: str, kill: bool = False) -> int:
    """How a process ends that runs a plugin `halving` of a kind on a thread, beside a good one."""
    program = [sys.executable, "-c", CHILD, str(folder), kind]
    search = os.pathsep.join(path for path in sys.path if path)
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": search}
    ) as child:
        if kill:
            assert child.stdout is not None and child.stdout.readline() == b"began\n"
            child.kill()
        return child.wait(PATIENCE_S)


@pytest.fixture
def records(tmp_path):
    """Those of the next process."""
    made: list[CrashRecords] = []

    def opened() -> CrashRecords:
        made.append(CrashRecords(tmp_path))
        made[-1].open()
        return made[-1]

    yield opened
    for found in made:
        found.close()


def test_who_crashed_is_named_until_it_is_tried_again(tmp_path, records):
    assert ended(tmp_path, "Crashing") == -signal.SIGSEGV
    for _ in range(2):
        found = records()
        assert found.words("halving").startswith(
            "Segmentation fault on its thread ended the process"
        )
        assert "`sage plugins load halving` tries it again" in found.words("halving")
        assert found.words("beside") == ""
        found.close()
    found = records()
    found.forget("halving")
    assert found.words("halving") == ""


def test_who_only_works_while_the_process_is_killed_is_not_blamed(tmp_path, records):
    assert ended(tmp_path, "Sleeping", kill=True) == -signal.SIGKILL
    assert "works for halving" in (tmp_path / "process.log").read_text()
    assert records().words("halving") == ""


def test_a_record_is_private_and_what_was_there_is_given_back(tmp_path):
    was_enabled = faulthandler.is_enabled()
    records = CrashRecords(tmp_path / "state" / "crashes")
    records.assign("early")
    records.open()
    log = tmp_path / "state" / "crashes" / "process.log"
    assert log.read_text().endswith(" works for early\n")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700
    records.close()
    assert not log.exists()
    assert faulthandler.is_enabled() == was_enabled


@pytest.mark.distribution
def test_the_orchestrator_leaves_it_out_until_it_is_asked_for(
    ros_graph: RosGraph, tmp_path, monkeypatch
):
    record = tmp_path / "plugins" / "crashing-1.0.dist-info"
    record.mkdir(parents=True)
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: crashing\nVersion: 1.0\n")
    (record / "entry_points.txt").write_text(
        "[sage.irp_plugins]\nhalving = misbehaving_plugins:HALVING\n"
    )
    monkeypatch.syspath_prepend(str(record.parent))
    assert ended(tmp_path / "state" / "orchestrator.crashes", "Crashing") == -signal.SIGSEGV
    plugins = ["halving", "misbehaving_plugins:ENDLESS"]
    ros_graph.start(OrchestratorNode, plugins=plugins, home=str(tmp_path))

    def ask(kind: type, name: str, **fields: object):
        client = ros_graph.outside.create_client(kind, f"orchestrator/{name}")
        ros_graph.until(client.service_is_ready)
        answer = client.call_async(kind.Request(**fields))
        ros_graph.until(answer.done)
        return answer.result()

    def found() -> dict[str, PluginInfo]:
        return {plugin.name: plugin for plugin in ask(ListPlugins, "list_plugins").plugins}

    assert found()["endless"].loaded and not found()["halving"].loaded
    assert found()["halving"].problem.startswith("Segmentation fault on its thread ended the proc")
    assert ask(LoadPlugin, "load_plugin", plugin="halving").message == "halving is loaded"
    assert found()["halving"].loaded and not found()["halving"].problem
