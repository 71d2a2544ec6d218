"""The whole server: what answers, what streams, and what listens."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from sage_gateway.backends.application import Application
from sage_gateway.backends.page_files import PageFile, page_files
from sage_gateway.backends.server import ServerThread
from sage_gateway.core.contract.events import Bye, Job
from sage_gateway.core.forget_plans import ForgetPlans
from sage_gateway.core.jobs import Jobs
from sage_gateway.core.ports import Feed, Graph
from sage_gateway.core.streams import Streams
from sage_gateway.core.token import Gatekeeper


class Site:
    """Serves a graph until `stop`.

    Args:
        feed: what streams carry.
        graph: what requests ask and change.
        listener: a listening socket, which is closed at the end.
        token: of the gateway.
        allow_actions: whether requests that change something are met.
        report: given errors of making events.
        files: of the page; None: that of this package.
    """

    def __init__(
        self,
        feed: Feed,
        graph: Graph,
        listener: socket.socket,
        token: str,
        allow_actions: bool,
        report: Callable[[Exception], None],
        files: dict[str, PageFile] | None = None,
    ) -> None:
        self._streams = Streams(feed, report)
        self._jobs = Jobs(self._tell_job)
        application = Application(
            feed,
            graph,
            self._streams,
            self._jobs,
            ForgetPlans(time.monotonic),
            page_files() if files is None else files,
            Gatekeeper(token),
            allow_actions,
            report,
        )
        self._server = ServerThread(application.asgi(), [listener], self._end)

    def tell(self, name: str, event: object) -> None:
        """Something happened; from any thread."""
        if self._streams.count:
            self._server.call(self._streams.send, name, event)

    def stop(self) -> None:
        """End jobs, streams and requests."""
        self._jobs.cancel_all()
        self._server.stop()

    def _tell_job(self, job: Job) -> None:
        self.tell("job", job)

    def _end(self) -> None:
        self._streams.end(Bye("the graph ends"))
