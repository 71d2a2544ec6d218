"""Stands beside a graph for an agent: hears what it publishes, and asks what the agent asks."""

from __future__ import annotations

from sage_common.ros.node import SageNode
from sage_gateway.params import GatewayParameters
from sage_gateway.ros.feed import GraphFeed
from sage_gateway.ros.requests import GraphRequests


class AgentNode(SageNode):
    """No node of the graph: it only attaches to it.

    Attributes:
        feed: what the graph publishes.
        requests: what may be asked of it.
    """

    default_name = "agent"
    watches = True
    parameters_type = GatewayParameters
    parameters: GatewayParameters

    def modalities_in_use(self) -> tuple[str, ...]:
        return tuple(self.parameters.modalities)

    def on_configure(self) -> None:
        namespace = self._host.resolve(self.default_name).rpartition("/")[0]
        self.feed = GraphFeed(self, namespace, lambda name, event: None)
        self.requests = GraphRequests(self, self.feed, "agent")

    def on_deactivate(self) -> None:
        self.feed.close()
