"""Keeps the processes of a test run to themselves: ROS domain, log and home folders, cores.

Set before anything imports rclpy, and inherited by every process that a test starts. Of a run on
several cores each worker is such a run of its own.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ros_graph import RosGraph

_DOMAINS = range(20, 60)


def _claim_domain() -> int:
    """A ROS domain that no other test run on this machine has, held until this process ends."""
    for domain in _DOMAINS:
        lock = Path(tempfile.gettempdir(), f"sage-test-domain-{domain}.lock")
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        except PermissionError:  # of another user, who then holds it
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        return domain
    raise RuntimeError(f"all {len(_DOMAINS)} ROS domains for tests are taken by other test runs")


def _isolate() -> None:
    folder = Path(tempfile.mkdtemp(prefix="sage-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for variable in ("HOME", "ROS_LOG_DIR", "SAGE_HOME"):
        os.environ[variable] = str(folder / variable.lower())
        Path(os.environ[variable]).mkdir()
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    os.environ["ROS_DOMAIN_ID"] = str(_claim_domain())
    os.environ["AMENT_PREFIX_PATH"] = sys.prefix
    os.environ["PATH"] = (
        f"{Path(sys.prefix, 'bin')}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    )
    for variable in ("ROS_STATIC_PEERS", "ROS_LOCALHOST_ONLY", "PYTHONPATH"):
        os.environ.pop(variable, None)
    # Hundreds of processes are started: without bytecode each would compile all that it imports.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    if "PYTEST_XDIST_WORKER" in os.environ:  # the other cores have workers of their own
        os.environ["OMP_NUM_THREADS"] = "1"


_isolate()


@pytest.fixture
def ros_graph(tmp_path: Path) -> Iterator[RosGraph]:
    """Nodes on the real ROS host, in one executor of this process."""
    from ros_graph import RosGraph

    made = RosGraph(tmp_path)
    yield made
    made.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that no worker is still at one when all else is done."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
