"""Plugins of the tests in processes of their own, and what is left of these."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from misbehaving_plugins import HALVING, EagerParameters

from sage_orchestrator.core.hosting.hosts import set_up_on_host
from sage_orchestrator.core.hosting.process_plugin import ProcessHost
from sage_orchestrator.core.hosting.process_tree import descendants
from sage_orchestrator.core.plugin.setup import PluginSetup

HOST = ProcessHost({}, load_timeout_s=30.0)


def in_process(kind: type, name: str = "plugin", offered: Any = None, **parameters: Any):
    """A plugin of misbehaving_plugins, ready to be loaded into a process of its own."""
    spec = replace(
        HALVING, name=name, plugin=f"{kind.__module__}:{kind.__name__}", host="process",
        needs=tuple(offered or ()),
    )  # fmt: skip
    return set_up_on_host(spec, EagerParameters(**parameters), offered or {}, HOST)


def started(setup: PluginSetup) -> Any:
    """An instance of it, loaded."""
    plugin = setup.create()
    plugin.load()
    return plugin


def exists(process: int) -> bool:
    """Whether there is such a process that has not ended."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def called(name: str) -> list[int]:
    """The processes of a plugin, wherever they are: forks have its command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if f"plugin {name}\0".encode() in path.read_bytes():
                found.append(int(path.parent.name))
    return found


def warden_and_process(name: str) -> tuple[int, int]:
    """What watches a plugin's process, and that process, its child; numbers may have wrapped."""
    parents = {}
    for process in called(name):
        stat = Path(f"/proc/{process}/stat").read_text()
        parents[process] = int(stat.rpartition(")")[2].split()[1])
    ((process, warden),) = [item for item in parents.items() if item[1] in parents]
    return warden, process


class StartedProcesses:
    """What this process has started since this was made, and that lives."""

    def __init__(self) -> None:
        self._before = set(descendants(os.getpid()))

    def now(self) -> list[int]:
        return [process for process in descendants(os.getpid()) if process not in self._before]


def descriptors() -> int:
    """Open files of this process."""
    return len(os.listdir("/proc/self/fd"))
