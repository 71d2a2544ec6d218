"""Calling a service of a running graph."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sage.graph.runtime_file import RunningGraph
from sage.observe.attached import Attached, enter_domain
from sage_common.core.parameters import NodeParameters, parameter
from sage_common.ros.host import ServiceUnavailable
from sage_common.ros.node import SageNode

DISCOVERY_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 10.0
RETRY_S = 0.1


@dataclass(frozen=True)
class ServiceCallerParameters(NodeParameters):
    """Parameters of the caller."""

    service: str = parameter("", doc="key of the registered service that is called")


class ServiceCallerNode(SageNode):
    """A client of one service."""

    default_name = "service_caller"
    watches = True
    parameters_type = ServiceCallerParameters

    def on_configure(self) -> None:
        self.service_client = self.client(self.parameters.service)


def call_service(running: RunningGraph, key: str, request: Any) -> Any:
    """The response of a registered service of the graph.

    Raises:
        ServiceUnavailable: no node of the graph serves it, or it does not answer.
    """
    enter_domain(running)
    with Attached(ServiceCallerNode, running.namespace, {"service": key}) as attached:
        deadline = time.monotonic() + DISCOVERY_TIMEOUT_S
        while True:
            try:
                return attached.node.service_client.call(request, ANSWER_TIMEOUT_S)
            except ServiceUnavailable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(RETRY_S)
