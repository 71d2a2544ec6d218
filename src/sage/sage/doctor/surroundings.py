"""What SAGE runs on: versions, the machine, and the variables that concern it."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from sage.doctor.redaction import is_secret

SHOWN = (
    "SAGE_", "ROS_", "RMW_", "FASTRTPS_", "FASTDDS_", "AMENT_", "COLCON_", "MALLOC_", "OMP_",
    "OPENBLAS_", "MKL_", "ORT_", "CUDA_", "NVIDIA_", "LD_", "PYTHON", "VIRTUAL_ENV", "PATH",
    "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "LANG", "LC_", "TZ", "NOTIFY_SOCKET", "WATCHDOG_",
)  # fmt: skip
"""Beginnings of the names of variables whose values are told."""
_PRESSURE = Path("/proc/pressure/memory")
_CGROUP = Path("/sys/fs/cgroup")


def versions() -> dict[str, Any]:
    """Of everything that is installed beside SAGE, by name."""
    installed = {item.metadata["Name"]: item.version for item in metadata.distributions()}
    return {
        "sage": metadata.version("sage"),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "system": _system(),
        "packages": dict(sorted(installed.items(), key=lambda item: str(item[0]).lower())),
    }


def machine(home: Path) -> dict[str, Any]:
    """Processor, memory and disks; `home`: whose disk."""
    existing = next(path for path in (home, *home.parents) if path.exists())
    disks = {str(path) for path in (existing, Path("/dev/shm")) if path.is_dir()}
    limits = {name: _read(_CGROUP / name) for name in ("memory.max", "memory.high", "cpu.max")}
    return {
        "architecture": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "up_s": _read(Path("/proc/uptime")).partition(".")[0],
        "memory": psutil.virtual_memory()._asdict(),
        "swap": psutil.swap_memory()._asdict(),
        "disks": {path: shutil.disk_usage(path)._asdict() for path in sorted(disks)},
        "limits": {name: text for name, text in limits.items() if text},
        "memory_pressure": _read(_PRESSURE),
    }


def variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables of the environment that concern SAGE."""
    return {
        name: value for name, value in sorted(environment.items())
        if name.startswith(SHOWN) and not is_secret(name)
    }  # fmt: skip


def _processor() -> str:
    """Its name; empty where the kernel does not say."""
    lines = _read(Path("/proc/cpuinfo")).splitlines()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "")


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""


def _read(path: Path) -> str:
    """A file of the system; empty if there is none here."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""
