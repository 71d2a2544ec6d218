"""Waiting until every node has said how it is."""

from __future__ import annotations

import time

from sage.observe.attached import Attached
from sage.observe.observer_node import LISTENER, ObserverNode

POLL_S = 0.1


def wait_for_statuses(attached: Attached[ObserverNode], namespace: str, timeout_s: float) -> None:
    """Wait until each node that is there has said how it is, which a busy machine delays."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        publishers = attached.host.get_publishers_info_by_topic("/diagnostics")
        names = {
            f"{namespace.rstrip('/')}/{publisher.node_name}"
            for publisher in publishers
            if publisher.node_namespace == namespace
            and not publisher.node_name.startswith(LISTENER)  # of `sage run`, for its supervisor
        }
        if names and names <= {status.name for status in attached.node.latest.statuses()}:
            return
        time.sleep(POLL_S)
