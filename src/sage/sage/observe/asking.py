"""Asking a service of a running graph."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from sage.graph.runtime_file import RunningGraph
from sage.observe.attached import Attached, enter_domain
from sage_common.ros.host import ServiceUnavailable
from sage_common.ros.node import SageNode

DISCOVERY_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 10.0
RETRY_S = 0.1


class AskerNode(SageNode):
    """A client of one service; a subclass names it."""

    default_name = "asker"
    watches = True
    service_key: ClassVar[str]

    def on_configure(self) -> None:
        self.service_client = self.client(self.service_key)


def ask(asker: type[AskerNode], running: RunningGraph, request: Any) -> Any:
    """The graph's response.

    Raises:
        ServiceUnavailable: no node of the graph serves it, or it does not answer.
    """
    enter_domain(running)
    with Attached(asker, running.namespace) as attached:
        deadline = time.monotonic() + DISCOVERY_TIMEOUT_S
        while True:
            try:
                return attached.node.service_client.call(request, ANSWER_TIMEOUT_S)
            except ServiceUnavailable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(RETRY_S)
