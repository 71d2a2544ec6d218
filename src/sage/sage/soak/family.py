"""The processes of a graph, found by their parents, and what each is called."""

from __future__ import annotations

import json
from pathlib import Path

from sage.run.process_commands import CONTAINER

COMMAND = "command"
"""The one that runs the graph."""


def family_of(pid: int) -> dict[int, str]:
    """A process and all that it started, by number: what each is called.

    `COMMAND` is the process itself, "container" one that runs many nodes; a process of one node has
    the node's name, one of a plugin "plugin NAME", any other that of its program.
    """
    found = {pid: COMMAND}
    waiting = [pid]
    while waiting:
        for child in _children(waiting.pop()):
            name = _name_of(child)
            if name:
                found[child] = name
            waiting.append(child)
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(number) for number in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        pass  # It has ended.
    return found


def _name_of(pid: int) -> str:
    """What a process is called; empty if it has ended."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
        comm = Path(f"/proc/{pid}/comm").read_text().rstrip("\n")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    if "--graph" in words:
        return _contained(words[words.index("--graph") + 1])
    for word in words:
        if word.startswith("__node:="):
            return word.removeprefix("__node:=")
    if comm.startswith("warden "):
        return comm
    for word in words:
        if word.startswith("plugin "):
            return word
    if "-m" in words:
        return words[words.index("-m") + 1].rpartition(".")[2]
    return Path(words[1 if words[1:] and words[1].endswith("/fork_server") else 0]).name


def _contained(graph: str) -> str:
    """The name of a container: of one that runs a single node that of the node."""
    names = [str(entry["name"]) for entry in json.loads(graph)]
    return names[0] if len(names) == 1 else CONTAINER
