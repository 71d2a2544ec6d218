"""The commands that a graph's processes are started by."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from ament_index_python import get_package_prefix

from sage.graph.description import Graph, NodeSpec
from sage_common.ros.container import ros_arguments

CONTAINER = "container"
LOG_LEVELS = ("debug", "info", "warn", "error", "fatal")


def commands(graph: Graph, composed: bool, log_level: str) -> dict[str, list[str]]:
    """The command of each process, by name."""
    if composed:
        return {CONTAINER: container_command(graph.nodes, log_level)}
    return {node.name: node_command(node, log_level) for node in graph.nodes}


def container_command(nodes: Iterable[NodeSpec], log_level: str) -> list[str]:
    """The command that runs nodes in one process."""
    entries = [node.container_entry(log_level) for node in nodes]
    program = executable("sage_common", CONTAINER)
    return [sys.executable, program, "--graph", json.dumps(entries)]


def node_command(node: NodeSpec, log_level: str) -> list[str]:
    """The command that runs one node in a process of its own, as launch_ros would."""
    if node.type.is_contained:
        return container_command([node], log_level)
    program = executable(node.type.package, node.type.executable)
    arguments = ros_arguments(node.container_entry(log_level))
    return [sys.executable, program, *arguments, "--log-level", log_level]


def executable(package: str, name: str) -> str:
    """Path of an executable of a ROS package.

    Raises:
        FileNotFoundError: the package does not install it.
    """
    path = Path(get_package_prefix(package), "lib", package, name)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected the executable {name} of package {package}")
    return str(path)
