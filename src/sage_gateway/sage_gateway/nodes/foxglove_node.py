"""Shows all that the graph publishes to Foxglove's viewers; nothing while there is none."""

from __future__ import annotations

import os

from sage_common.ros.node import SageNode
from sage_gateway.backends.foxglove_server import FoxgloveServer
from sage_gateway.backends.listening import listen
from sage_gateway.core.token import FOXGLOVE_FILE, token_of
from sage_gateway.params import LOOPBACK, FoxgloveParameters
from sage_gateway.ros.raw_topics import PublishedTopics


class FoxgloveNode(SageNode):
    """Serves while it is active; in lock-step, where nobody could connect, it does nothing."""

    default_name = "foxglove"
    parameters_type = FoxgloveParameters
    parameters: FoxgloveParameters

    def on_configure(self) -> None:
        self._server: FoxgloveServer | None = None
        self._topics = PublishedTopics(self, self._send)

    def on_activate(self) -> None:
        if self.time_is_measured:
            listener = listen(LOOPBACK, self.parameters.port)
            where = f"ws://{LOOPBACK}:{listener.getsockname()[1]}"
            namespace = self._host.resolve(self.default_name).rpartition("/")[0]
            self._server = FoxgloveServer(
                f"SAGE {namespace}",
                os.environ.get("ROS_DISTRO", "jazzy"),
                listener,
                token_of(self.home, FOXGLOVE_FILE),
                self._topics,
                self._watched,
                self.report_failure,
            )
            self.diagnose(serves=where)
            self.log.info(f"for Foxglove: {where}")

    def on_deactivate(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.stop()
        for channel in self._topics.open_channels:
            self._topics.close(channel)

    def _watched(self, viewers: int) -> None:
        self.diagnose(viewers=viewers)

    def _send(self, channel: int, time_ns: int, message: bytes) -> None:
        if self._server is not None:
            self._server.publish(channel, time_ns, message)
