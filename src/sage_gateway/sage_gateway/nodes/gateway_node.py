"""Shows the graph to the outside: a page, JSON over HTTP, figures for Prometheus."""

from __future__ import annotations

import socket
from pathlib import Path

from sage_common.core.state.fields import State
from sage_common.ros.node import SageNode
from sage_gateway.backends.listening import listen, listen_unix
from sage_gateway.backends.site import Site
from sage_gateway.core.history import PERIOD_S
from sage_gateway.core.learning import LearningHistory
from sage_gateway.core.token import token_of
from sage_gateway.params import GatewayParameters
from sage_gateway.ros.feed import GraphFeed
from sage_gateway.ros.requests import GraphRequests


class GatewayNode(SageNode):
    """Serves while it is active; in lock-step, where nobody could connect, it only listens."""

    default_name = "gateway"
    parameters_type = GatewayParameters
    parameters: GatewayParameters
    _learning: State[LearningHistory]

    def modalities_in_use(self) -> tuple[str, ...]:
        return tuple(self.parameters.modalities)

    def on_configure(self) -> None:
        self._site: Site | None = None
        namespace = self._host.resolve("gateway").rpartition("/")[0]
        self._feed = GraphFeed(self, namespace, self._tell)
        self._learning = self._feed.learning
        self._requests = GraphRequests(self, self._feed, "page")
        self.timer(PERIOD_S, self._feed.second, steady=True)

    def on_activate(self) -> None:
        if self.time_is_measured:
            listener = self._listener()
            self._site = Site(
                self._feed,
                self._requests,
                listener,
                token_of(self.home),
                self.parameters.allow_actions,
                self.report_failure,
            )
            self.diagnose(serves=self._where(listener))
            self.log.info(f"the page is at {self._where(listener)}")

    def on_deactivate(self) -> None:
        site, self._site = self._site, None
        if site is not None:
            site.stop()
        self._feed.close()

    def _listener(self) -> socket.socket:
        p = self.parameters
        return listen_unix(Path(p.socket)) if p.socket else listen(p.address, p.port)

    def _where(self, listener: socket.socket) -> str:
        if self.parameters.socket:
            return self.parameters.socket
        host, port = listener.getsockname()[:2]
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    def _tell(self, name: str, event: object) -> None:
        if self._site is not None:
            self._site.tell(name, event)
