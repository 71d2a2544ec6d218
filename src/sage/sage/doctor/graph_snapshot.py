"""What a running graph says of itself now: diagnostics, memory, and parameters in effect."""

from __future__ import annotations

import time
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python
from rclpy.parameter_client import AsyncParameterClient
from rclpy.signals import SignalHandlerOptions

from sage.commands.profile import ProfilerNode, profile
from sage.doctor.redaction import GONE, Redaction, is_secret
from sage.graph.runtime_file import RunningGraph
from sage.observe.attached import Attached
from sage.observe.observer_node import ObserverNode

SETTLED_S, MOST_S = 2.5, 15.0
"""As long as nodes are given to say how they are, from the first that does; and at most."""
ANSWER_S = 10.0


def diagnostics(running: RunningGraph, redaction: Redaction) -> dict[str, Any]:
    """The newest status of each node, by its name; empty if none was heard."""
    with Attached(ObserverNode, running.namespace) as attached:
        latest, end_s = attached.node.latest, time.monotonic() + MOST_S
        while not latest.statuses() and time.monotonic() < end_s:
            time.sleep(0.1)
        time.sleep(SETTLED_S)
        statuses = latest.statuses()
    return {
        status.name: {
            "level": status.level[0],
            "message": redaction.message(status.message),
            "values": {item.key: redaction.message(item.value) for item in status.values},
        }
        for status in sorted(statuses, key=lambda status: str(status.name))
    }


def memory_profile(running: RunningGraph) -> dict[str, Any]:
    """As `sage profile --json` has it.

    Raises:
        TimeoutError: no governor was heard.
    """
    with Attached(ProfilerNode, running.namespace) as attached:
        answers, pressure = attached.node.ask(), attached.node.pressure
    if pressure is None:
        raise TimeoutError("no governor was heard")
    return profile(pressure, answers)


def parameters(running: RunningGraph) -> dict[str, dict[str, Any]]:
    """The parameters of each node of the graph as they are now, by its name.

    Raises:
        TimeoutError: a node does not answer.
    """
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = rclpy.create_node("parameter_reader", namespace=running.namespace)
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        return {name: _parameters_of(name, node, executor) for name in _nodes(node, running)}
    finally:
        rclpy.shutdown()


def _nodes(node: Node, running: RunningGraph) -> list[str]:
    """Full names of the nodes that have parameters, once as many are found as there will be."""
    ending, found, since_s = "/list_parameters", 0, time.monotonic()
    end_s = since_s + MOST_S
    names: list[str] = []
    while time.monotonic() < min(end_s, since_s + SETTLED_S) or not names:
        if time.monotonic() > end_s:
            raise TimeoutError("no node of the graph was found")
        services = [name for name, _ in node.get_service_names_and_types()]
        names = [name.removesuffix(ending) for name in services if name.endswith(ending)]
        if len(names) != found:
            found, since_s = len(names), time.monotonic()
        time.sleep(0.1)
    start = running.namespace.rstrip("/") + "/"
    return sorted(n for n in names if n.startswith(start) and n != node.get_fully_qualified_name())


def _parameters_of(name: str, node: Node, executor: SingleThreadedExecutor) -> dict[str, Any]:
    client = AsyncParameterClient(node, name)
    listed = _answer(client.list_parameters([], 0), name, executor).result.names
    values = _answer(client.get_parameters(listed), name, executor).values
    found = dict(zip(listed, map(parameter_value_to_python, values), strict=True))
    return {name: _shown(name, value) for name, value in found.items()}


def _shown(name: str, value: Any) -> Any:
    return GONE if is_secret(name) and isinstance(value, str) and value else value


def _answer(future: Any, name: str, executor: SingleThreadedExecutor) -> Any:
    executor.spin_until_future_complete(future, timeout_sec=ANSWER_S)
    if not future.done():
        raise TimeoutError(f"{name} does not say its parameters within {ANSWER_S:g} s")
    return future.result()
