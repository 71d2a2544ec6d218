"""Running an action of a running graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sage.graph.runtime_file import RunningGraph
from sage.observe.attached import Attached, enter_domain
from sage.observe.graph_service import DISCOVERY_TIMEOUT_S
from sage_common.core.topics import action_spec
from sage_common.ros.action_caller import ActionCaller
from sage_common.ros.node import SageNode


class ActionCallerNode(SageNode):
    """Stands in the graph while an action is run from outside."""

    default_name = "action_caller"
    watches = True


def run_action(
    running: RunningGraph,
    key: str,
    goal: Any,
    on_feedback: Callable[[Any], None],
    should_stop: Callable[[], bool],
) -> Any:
    """The result of a registered action; it is cancelled when `should_stop` says so.

    Raises:
        ServiceUnavailable: no node of the graph serves it, or it goes away.
    """
    enter_domain(running)
    with Attached(ActionCallerNode, running.namespace) as attached:
        caller = ActionCaller(attached.host, action_spec(key), attached.host.resolve(key))
        return caller.run(goal, on_feedback, should_stop, DISCOVERY_TIMEOUT_S)
