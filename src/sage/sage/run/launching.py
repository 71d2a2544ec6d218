"""The graph as launch_ros actions; the launch files are thin over this.

`launch` and `launch_ros` come with ROS 2, not as wheels, so they are imported on use.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sage.graph.description import Graph, GraphOptions, NodeSpec, describe
from sage.graph.environment import graph_environment, without_pictures
from sage.run.process_commands import LOG_LEVELS
from sage.run.transport_files import remove_dead
from sage_common.core.errors import InvalidInput
from sage_common.core.home import sage_home

ARGUMENTS = {
    "source": (
        "recording",
        "story, recording, live, topics, synthetic, a composition, a media file, or a bag",
    ),
    "camera": ("auto", "for source live: backend or device of the camera"),
    "namespace": ("/sage", "namespace of the graph"),
    "composed": ("true", "true: all nodes in one process; false: one process a node"),
    "log_level": ("info", "debug, info, warn, error or fatal"),
    "use_sim_time": ("false", "take the time from /clock"),
    "respawn": ("true", "start a process again after it ended"),
    "config": ("", "your own parameter file, laid over the profile's"),
    "network": ("false", "true: talk to other hosts; false: stay on this one"),
}


def generate(profile: str, **defaults: str) -> Any:
    """The LaunchDescription of a profile; `defaults` replace those of `ARGUMENTS`.

    It can be included: what it declares is in a scope of its own, so that a launch file that is
    included after it does not get our `namespace` or `use_sim_time` for its own.
    """
    from launch.actions import DeclareLaunchArgument, GroupAction, OpaqueFunction

    from launch import LaunchDescription

    declared = [
        DeclareLaunchArgument(name, default_value=defaults.get(name, default), description=text)
        for name, (default, text) in ARGUMENTS.items()
    ]
    expand = OpaqueFunction(function=lambda context: _expand(profile, context))
    return LaunchDescription([GroupAction([*declared, expand], scoped=True, forwarding=True)])


def _expand(profile: str, context: Any) -> list[Any]:
    from launch.substitutions import LaunchConfiguration

    values = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    return actions(profile, values)


def actions(profile: str, values: Mapping[str, str]) -> list[Any]:
    """The launch actions for one set of argument values.

    The environment is that of our processes only: other nodes of the same launch keep theirs.

    Raises:
        InvalidInput: an argument is wrong; the field is named.
    """
    from launch.actions import LogInfo

    graph = describe(graph_options(profile, values))
    remove_dead()
    network = truth("network", values["network"])
    environment = graph_environment(None, network, sage_home())
    notes = [LogInfo(msg=f"note: {note}") for note in graph.notes]
    return [*notes, *node_actions(graph, values, environment)]


def graph_options(profile: str, values: Mapping[str, str]) -> GraphOptions:
    """The user's choice, from launch arguments."""
    return GraphOptions(
        profile=profile,
        source=values["source"],
        camera=values["camera"],
        namespace=values["namespace"],
        config=values["config"],
        use_sim_time=truth("use_sim_time", values["use_sim_time"]),
    )


def node_actions(
    graph: Graph,
    values: Mapping[str, str],
    environment: Mapping[str, str],
    node_type: Callable[..., Any] | None = None,
) -> list[Any]:
    """One launch_ros Node a process.

    Args:
        graph: what to start.
        values: launch arguments by name.
        environment: variables of each process, on top of those of the launch.
        node_type: stands in for `launch_ros.actions.Node` in tests.
    """
    if node_type is None:
        from launch_ros.actions import Node

        node_type = Node
    respawn = truth("respawn", values["respawn"])
    common = {"output": "screen", "respawn": respawn, "respawn_delay": 1.0}
    every = dict(environment)
    log_level = checked_log_level(values["log_level"])
    if truth("composed", values["composed"]):
        container = _container(graph.nodes, log_level)
        return [node_type(**container, **common, additional_env=every)]
    small = without_pictures(every)
    containers = [
        node_type(**_container([node], log_level), **common, additional_env=every)
        for node in graph.nodes
        if node.type.is_contained
    ]
    return containers + [
        node_type(
            package=node.type.package,
            executable=node.type.executable,
            name=node.name,
            namespace=node.namespace,
            parameters=[dict(node.parameters)] if node.parameters else [],
            remappings=list(node.remappings.items()),
            arguments=["--ros-args", "--log-level", log_level],
            additional_env=every if node.type.sends_pictures else every | small,
            **common,
        )
        for node in graph.nodes
        if not node.type.is_contained
    ]


def checked_log_level(text: str) -> str:
    """A launch argument that is a log level; with a wrong one processes would die for ever.

    Raises:
        InvalidInput: it is none.
    """
    if text.lower() not in LOG_LEVELS:
        raise InvalidInput("log_level", text, " or ".join(LOG_LEVELS))
    return text


def _container(nodes: Iterable[NodeSpec], log_level: str) -> dict[str, Any]:
    """What launches nodes in one process."""
    entries = [node.container_entry(log_level) for node in nodes]
    arguments = ["--graph", json.dumps(entries)]
    return {"package": "sage_common", "executable": "container", "arguments": arguments}


def truth(name: str, text: str) -> bool:
    """A launch argument that is true or false.

    Raises:
        InvalidInput: it is neither.
    """
    if text.lower() in ("true", "1"):
        return True
    if text.lower() in ("false", "0"):
        return False
    raise InvalidInput(name, text, "true or false")
