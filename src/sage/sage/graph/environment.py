"""The environment of every process of the graph: discovery, domain, transport, allocator."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from ament_index_python import get_package_share_directory

from sage.graph.lock_file import hold
from sage_common.core.errors import InvalidInput
from sage_common.fork_server import ONE_THREAD
from sage_common.ros.rclpy_host.local_bus import VARIABLE as LOCAL_BUS

PROFILE_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
FIRST_DOMAIN, LAST_DOMAIN = 42, 101
# Large frames otherwise come from mmap and are returned at each free: 1080p took 20 ms
# instead of 8 at p99 with glibc's defaults. Measured with `sage bench loop`.
# Two arenas: by default each thread fills its own, up to eight a core, and what is free in one
# is of no use to the others.
ALLOCATOR = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "2147483648",
    "MALLOC_TOP_PAD_": "67108864",
}
BLAS_THREADS = {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"}
"""With one of these the user says it. Waking a second thread takes longer than a score."""


def graph_environment(domain_id: int | None, network: bool, home: Path) -> dict[str, str]:
    """Variables that every process of the graph gets on top of those of this process.

    Args:
        domain_id: ROS domain, 0..232; None: leave what is set.
        network: True: talk to other hosts; False: stay on this one.
        home: SAGE home folder; logs go to `log/` in it unless ROS_LOG_DIR is set.
    """
    profile = str(config_folder() / ("fastdds_network.xml" if network else "fastdds.xml"))
    variables = {
        **dict.fromkeys(PROFILE_VARIABLES, profile),
        LOCAL_BUS: "1",
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET" if network else "LOCALHOST",
        "PYTHONUNBUFFERED": "1",
        **ALLOCATOR,
    }
    if not os.environ.keys() & BLAS_THREADS:
        variables |= ONE_THREAD
    if domain_id is not None:
        variables["ROS_DOMAIN_ID"] = str(domain_id)
    if "ROS_LOG_DIR" not in os.environ:
        variables["ROS_LOG_DIR"] = str(home / "log")
    if "AMENT_PREFIX_PATH" not in os.environ:
        variables["AMENT_PREFIX_PATH"] = sys.prefix
    return variables


def enter(environment: Mapping[str, str]) -> None:
    """Take on the variables of a graph in this process, whose allocator is set up already."""
    os.environ.update({k: v for k, v in environment.items() if k not in ALLOCATOR})


def without_pictures(environment: Mapping[str, str]) -> dict[str, str]:
    """What else a process needs of `graph_environment` that sends no pictures: a small segment."""
    paths = {name: Path(environment[name]) for name in PROFILE_VARIABLES if name in environment}
    return {name: str(path.with_stem(f"{path.stem}_small")) for name, path in paths.items()}


def config_folder() -> Path:
    """Folder of the installed parameter files and the Fast DDS profile."""
    return Path(get_package_share_directory("sage"), "config")


def not_in_effect(environment: Mapping[str, str]) -> list[str]:
    """Names of transport and allocator settings that a process does not have."""
    wanted = [*ALLOCATOR, "FASTRTPS_DEFAULT_PROFILES_FILE"]
    return [name for name in wanted if not environment.get(name)]


class DomainLease:
    """A ROS domain id that no other SAGE graph of this user on this host uses.

    `$ROS_DOMAIN_ID` is taken as it is. Otherwise the first free id of 42..101 is locked for the
    life of this process; the lock ends with it, however it ends.
    """

    def __init__(self) -> None:
        self._lock: IO[str] | None = None
        given = os.environ.get("ROS_DOMAIN_ID", "")
        self.domain_id = _checked_domain(given) if given else self._first_free()

    def release(self) -> None:
        """Let others use the id."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _first_free(self) -> int:
        folder = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
        for domain_id in range(FIRST_DOMAIN, LAST_DOMAIN + 1):
            path = folder / f"sage-{os.getuid()}-domain-{domain_id}.lock"
            self._lock = hold(path)
            if self._lock is not None:
                return domain_id
        raise InvalidInput(
            "ROS_DOMAIN_ID", f"{FIRST_DOMAIN}..{LAST_DOMAIN} all in use", "a free domain id"
        )


def _checked_domain(text: str) -> int:
    if not text.isdigit() or int(text) > 232:
        raise InvalidInput("ROS_DOMAIN_ID", text, "a whole number from 0 to 232")
    return int(text)
