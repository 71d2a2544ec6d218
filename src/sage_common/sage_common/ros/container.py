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

import rclpy
from rclpy.signals import SignalHandlerOptions

from sage_common.core.errors import InvalidInput
from sage_common.ros.node import SageNode
from sage_common.ros.process import NodeProcess
from sage_common.ros.ros_host import RosHost


def node_class(path: str) -> type[SageNode]:
    """The node class at `package.module:Class`.

    Raises:
        InvalidInput: the path has another form, or what it names is not a SageNode.
    """
    module_name, _, class_name = path.partition(":")
    if not module_name or not class_name:
        raise InvalidInput("class", path, "package.module:Class")
    found = getattr(importlib.import_module(module_name), class_name, None)
    if not (isinstance(found, type) and issubclass(found, SageNode)):
        raise InvalidInput("class", path, "a subclass of SageNode")
    return found


def ros_arguments(entry: dict[str, Any]) -> list[str]:
    """The ROS command line of one entry of the graph."""
    arguments = ["--ros-args", "-r", f"__ns:={entry['namespace']}"]
    for old, new in entry.get("remappings", {}).items():
        arguments += ["-r", f"{old}:={new}"]
    for key, value in entry.get("parameters", {}).items():
        # JSON is YAML: lists, strings with quotes and numbers arrive as they are.
        arguments += ["-p", f"{key}:={json.dumps(value)}"]
    if entry.get("log_level"):
        arguments += ["--log-level", entry["log_level"]]
    return arguments


def main() -> None:
    """Entry point of the `container` executable."""
    parser = argparse.ArgumentParser(prog="container", description=__doc__)
    parser.add_argument("--graph", required=True, help="JSON list of nodes")
    options, _ = parser.parse_known_args()
    entries = json.loads(options.graph)
    rclpy.init(args=sys.argv, signal_handler_options=SignalHandlerOptions.NO)
    hosts = [
        RosHost(node_class(entry["class"]), entry["name"], ros_arguments(entry))
        for entry in entries
    ]
    sys.exit(NodeProcess().run(hosts))
