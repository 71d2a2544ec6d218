"""The other nodes of the graph, as the governor asks them to give memory back."""

from __future__ import annotations

from typing import Any

from lifecycle_msgs.msg import State as LifecycleState
from lifecycle_msgs.msg import Transition as LifecycleTransition
from lifecycle_msgs.srv import ChangeState, GetState

from sage_common.ros.host import ServiceUnavailable
from sage_common.ros.node import SageNode
from sage_common.ros.pressure import LIST_RECLAIMABLES
from sage_msgs.msg import ReclaimableMemory
from sage_msgs.srv import ListReclaimables

CHANGE_STATE, GET_STATE = "~/change_state", "~/get_state"
LIST_TIMEOUT_S, TRANSITION_TIMEOUT_S = 2.0, 20.0


class GovernedNodes:
    """Asks them, from a worker only.

    Args:
        node: the governor.
    """

    def __init__(self, node: SageNode) -> None:
        self._node = node

    def reclaimables(self) -> dict[str, list[ReclaimableMemory]]:
        """What each node could give back, by its name; those that do not answer are left out."""
        found = {}
        for name, client in self._node.clients(LIST_RECLAIMABLES).items():
            try:
                answer = client.call(ListReclaimables.Request(), LIST_TIMEOUT_S)
            except ServiceUnavailable:
                continue  # it has gone
            if answer.success:
                found[_short(name)] = list(answer.reclaimables)
        return found

    def names(self) -> set[str]:
        """Those whose state can be changed."""
        return {_short(name) for name in self._node.clients(CHANGE_STATE)}

    def set_active(self, name: str, active: bool) -> str:
        """Activate or deactivate a node; why that failed, empty if it is done or was so already.

        A node that is not there any more needs nothing: it is active when it starts again.
        """
        wanted = (
            LifecycleState.PRIMARY_STATE_ACTIVE if active else LifecycleState.PRIMARY_STATE_INACTIVE
        )
        try:
            state = self._call(GET_STATE, name, GetState.Request())
            if state is None or state.current_state.id == wanted:
                return ""
            answer = self._call(CHANGE_STATE, name, _change(active))
        except ServiceUnavailable as error:
            return str(error)
        done = answer is None or answer.success
        return "" if done else f"{name} refused to be {'' if active else 'de'}activated"

    def _call(self, key: str, name: str, request: Any) -> Any:
        clients = {_short(full): client for full, client in self._node.clients(key).items()}
        is_there = name in clients and clients[name].wait(0.0)
        return clients[name].call(request, TRANSITION_TIMEOUT_S) if is_there else None


def _change(active: bool) -> ChangeState.Request:
    request = ChangeState.Request()
    request.transition.id = (
        LifecycleTransition.TRANSITION_ACTIVATE
        if active
        else LifecycleTransition.TRANSITION_DEACTIVATE
    )
    return request


def _short(name: str) -> str:
    return name.rpartition("/")[2]
