"""Many nodes in one process, under one executor: `container --graph JSON`.

The JSON is a list of objects {"class": "package.module:Class", "name", "namespace",
"parameters": {...}, "remappings": {...}, "log_level"}.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from typing import Any

from rclpy.logging import LoggingSeverity

from sage_common.core.errors import InvalidInput
from sage_common.parent import end_with_parent
from sage_common.ros.node import SageNode
from sage_common.ros.process import (
    EXIT_USAGE,
    NodeProcess,
    RCLError,
    UnknownROSArgsError,
    enter_ros,
)
from sage_common.ros.rclpy_host.host import RosHost


def node_class(path: str) -> type[SageNode]:
    """The node class at `package.module:Class`.

    Raises:
        InvalidInput: the path has another form, or what it names is not a SageNode.
    """
    module_name, _, class_name = path.partition(":")
    if not module_name or not class_name:
        raise InvalidInput("class", path, "package.module:Class")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise InvalidInput("class", path, f"a module that can be imported ({error})") from error
    found = getattr(module, class_name, None)
    if not (isinstance(found, type) and issubclass(found, SageNode)):
        raise InvalidInput("class", path, "a subclass of SageNode")
    return found


def ros_arguments(entry: dict[str, Any]) -> list[str]:
    """The ROS command line of one entry of the graph."""
    arguments = ["--ros-args"]
    if "name" in entry:
        arguments += ["-r", f"__node:={entry['name']}"]
    arguments += ["-r", f"__ns:={entry['namespace']}"]
    for old, new in entry.get("remappings", {}).items():
        arguments += ["-r", f"{old}:={new}"]
    for key, value in entry.get("parameters", {}).items():
        arguments += ["-p", f"{key}:={yaml_value(value)}"]
    return arguments


def make_host(entry: dict[str, Any]) -> RosHost:
    """The node of one entry of the graph, on its host.

    Raises:
        InvalidInput: a key is missing, or the class cannot be used.
        RCLError, UnknownROSArgsError: the name or another argument is none that ROS takes.
    """
    for key in ("class", "name", "namespace"):
        if not isinstance(entry.get(key), str):
            raise InvalidInput(f"graph: {key}", entry.get(key), "a string")
    host = RosHost(node_class(entry["class"]), cli_args=ros_arguments(entry))
    if entry.get("log_level"):
        level = str(entry["log_level"]).upper()
        if level not in LoggingSeverity.__members__:
            raise InvalidInput("graph: log_level", entry["log_level"], "debug, info, warn, error")
        host.get_logger().set_level(LoggingSeverity[level])
    return host


def main() -> None:
    """Entry point of the `container` executable."""
    parser = argparse.ArgumentParser(prog="container", description=__doc__)
    parser.add_argument("--graph", required=True, help="JSON list of nodes")
    options, _ = parser.parse_known_args()
    end_with_parent()
    process = NodeProcess()
    enter_ros()
    hosts, refused = [], 0
    try:
        for entry in json.loads(options.graph):
            if process.stopping:
                break
            try:
                hosts.append(make_host(entry))
            except (RCLError, UnknownROSArgsError) as error:  # the others run nevertheless
                refused += 1
                print(f"{parser.prog}: node {entry['name']}: {error}", file=sys.stderr)
    except ValueError as error:
        parser.error(str(error))
    if refused and not hosts:
        sys.exit(EXIT_USAGE)
    sys.exit(process.run(hosts) or min(refused, 1))


def yaml_value(value: Any) -> str:
    """A parameter value as rcl reads it: JSON is YAML; numbers of one list must be of one type."""
    is_list = isinstance(value, list | tuple)
    if is_list and any(isinstance(item, float) for item in value):
        value = [float(item) for item in value]
    return json.dumps(value, ensure_ascii=False)
