"""Keeps the processes of a test run to themselves: ROS domain, log and home folders.

Set before anything imports rclpy, and inherited by every process that a test starts.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import sys
import tempfile
from pathlib import Path

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


_isolate()
