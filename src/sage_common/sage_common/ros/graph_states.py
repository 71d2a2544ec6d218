"""Lets every node of the graph that learns save its state, and says who could not."""

from __future__ import annotations

from typing import NamedTuple

from sage_common.ros.host import ServiceUnavailable
from sage_common.ros.node import SAVE_STATE, SageNode
from sage_msgs.srv import Checkpoint

FIND_TIMEOUT_S = 2.0
SAVE_TIMEOUT_S = 10.0


class SavedStates(NamedTuple):
    """What came of it: files written, and why others were not, each beginning with the node."""

    paths: list[str]
    failures: list[str]


def save_states(asking: SageNode) -> SavedStates:
    """Ask every node of the namespace that learns, `asking` included; on a worker of it.

    A node that was found once and has gone since is named among the failures.
    """
    saved = SavedStates([], [])
    for node, client in asking.clients(SAVE_STATE).items():
        if not client.wait(FIND_TIMEOUT_S):
            saved.failures.append(f"{node}: it has gone")
            continue
        try:
            answer = client.call(Checkpoint.Request(), SAVE_TIMEOUT_S)
        except ServiceUnavailable as error:
            saved.failures.append(f"{node}: {error}")
            continue
        saved.paths.extend(answer.paths)
        if not answer.success:
            saved.failures.append(f"{node}: {answer.message}")
    return saved
