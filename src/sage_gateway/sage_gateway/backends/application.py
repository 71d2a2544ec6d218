"""The application: every endpoint of the contract and what answers it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sage_common.core.errors import InvalidInput
from sage_gateway.backends.event_stream import EventStream
from sage_gateway.backends.guard import PAGE, Guard, cookie_name, refused
from sage_gateway.backends.metrics import CONTENT_TYPE, exposition
from sage_gateway.backends.page_files import INDEX, PageFile
from sage_gateway.core.contract import answers, requests
from sage_gateway.core.contract.endpoints import ENDPOINTS, EXTRAS, Endpoint
from sage_gateway.core.contract.reading import read, read_query
from sage_gateway.core.encoding import as_json
from sage_gateway.core.forget_plans import ForgetPlans
from sage_gateway.core.jobs import REFINE, SLEEP, Busy, Jobs
from sage_gateway.core.ports import Feed, Graph, Refusal
from sage_gateway.core.streams import Streams
from sage_gateway.core.token import Gatekeeper

MOST_BODY_BYTES = 16 * 1024
BODY_TIMEOUT_S = 5.0
THREADS = 4
MOST_WAITING = 16
T = TypeVar("T")
Answer = Callable[[Request, Any], Awaitable[Any]]


class Application:
    """What the server serves.

    Args:
        feed: what streams carry.
        graph: what requests ask and change.
        streams: of all viewers.
        jobs: those under way.
        plans: of forgetting.
        files: of the page.
        gatekeeper: knows the token.
        allow_actions: whether requests that change something are met.
        report: given errors of answering.
    """

    def __init__(
        self,
        feed: Feed,
        graph: Graph,
        streams: Streams,
        jobs: Jobs,
        plans: ForgetPlans,
        files: dict[str, PageFile],
        gatekeeper: Gatekeeper,
        allow_actions: bool,
        report: Callable[[Exception], None],
    ) -> None:
        self._feed, self._graph = feed, graph
        self._streams, self._jobs, self._plans = streams, jobs, plans
        self._files = files
        self._gatekeeper = gatekeeper
        self._allow_actions = allow_actions
        self._report = report
        self._threads = anyio.CapacityLimiter(THREADS)
        self._answers: dict[tuple[str, str], Answer] = {
            ("GET", "/"): self._index,
            ("POST", "/api/session"): self._log_in,
            ("GET", "/api/status"): self._status,
            ("GET", "/api/events"): self._events,
            ("GET", "/api/history"): self._asked(lambda _: graph.history()),
            ("GET", "/api/learning"): self._asked(lambda _: graph.learning()),
            ("GET", "/api/cycle"): self._asked(lambda _: graph.cycle()),
            ("GET", "/api/camera.jpg"): self._camera,
            ("GET", "/api/experiences"): self._asked(lambda _: graph.experiences()),
            ("GET", "/api/recall"): self._asked(graph.recall),
            ("GET", "/api/payloads/{sha256}"): self._payload,
            ("GET", "/api/payloads/{sha256}/picture"): self._payload_picture,
            ("GET", "/api/explain"): self._asked(graph.explain),
            ("GET", "/api/plugins"): self._asked(lambda _: graph.plugins()),
            ("POST", "/api/outcome"): self._asked(graph.judge),
            ("POST", "/api/pin"): self._asked(graph.pin),
            ("POST", "/api/forget/plan"): self._plan_forget,
            ("POST", "/api/forget"): self._forget,
            ("POST", "/api/plugins/load"): self._asked(lambda named: graph.load(named.plugin)),
            ("POST", "/api/plugins/unload"): self._asked(lambda named: graph.unload(named.plugin)),
            ("POST", "/api/refine"): self._refine,
            ("POST", "/api/sleep"): self._sleep,
            ("POST", "/api/jobs/cancel"): self._cancel,
            ("GET", "/metrics"): self._metrics,
        }

    def asgi(self) -> ASGIApp:
        """The application behind its guard."""
        routes = [
            Route(endpoint.path, self._served(endpoint), methods=[endpoint.method])
            for endpoint in ENDPOINTS
        ]
        routes.append(Route(PAGE + "{name:path}", self._page_file, methods=["GET"]))
        inner = Starlette(routes=routes, exception_handlers={HTTPException: _not_served})
        inner.router.redirect_slashes = False
        return Guard(inner, self._gatekeeper)

    def _served(self, endpoint: Endpoint) -> Callable[[Request], Awaitable[Any]]:
        answer = self._answers[endpoint.method, endpoint.path]

        async def serve(request: Request) -> Any:
            try:
                if endpoint.acts and not self._allow_actions:
                    raise Refusal("read_only", "actions are not enabled: parameter allow_actions")
                made = await answer(request, await _read(endpoint, request))
            except Refusal as refusal:
                return refused(refusal)
            except InvalidInput as fault:
                return refused(Refusal("invalid", str(fault), fault.field))
            except Exception as error:  # noqa: BLE001 - one request must not end the others
                self._report(error)
                return refused(Refusal("failed", f"{type(error).__name__}: {error}"))
            if isinstance(made, (Response, EventStream)):
                return made
            return Response(as_json(made), media_type="application/json")

        return serve

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """What blocks, on one of four threads.

        Raises:
            Refusal: 16 requests wait already.
        """
        if self._threads.statistics().tasks_waiting >= MOST_WAITING:
            raise Refusal("too_many", f"{MOST_WAITING} requests are waiting already")
        return await run_sync(work, limiter=self._threads)

    def _asked(self, ask: Callable[[Any], Any]) -> Answer:
        async def answer(_request: Request, read: Any) -> Any:
            return await self._in_thread(lambda: ask(read))

        return answer

    async def _index(self, request: Request, _read: None) -> Response:
        return self._file(request, INDEX)

    async def _page_file(self, request: Request) -> Response:
        try:
            return self._file(request, request.path_params["name"])
        except Refusal as refusal:
            return refused(refusal)

    def _file(self, request: Request, name: str) -> Response:
        file = self._files.get(name)
        if file is None:
            raise Refusal("not_found", "the page has no such file")
        return _cached(request, file.data, file.media_type, file.etag)

    async def _log_in(self, request: Request, read: requests.LogIn) -> Response:
        if not self._gatekeeper.is_token(read.token):
            raise Refusal("wrong_token", "the token is not that of this gateway", "token")
        response = Response(as_json(answers.Done("logged in")), media_type="application/json")
        name = cookie_name(request.scope)
        response.set_cookie(name, self._gatekeeper.cookie, httponly=True, samesite="strict")
        return response

    async def _status(self, _request: Request, _read: None) -> object:
        return self._feed.hello(self._streams.count)

    async def _events(self, _request: Request, read: requests.Watch) -> EventStream:
        extras = frozenset(name for name in read.also.split(",") if name)
        if unknown := sorted(extras - set(EXTRAS)):
            raise InvalidInput("also", unknown[0], " or ".join(EXTRAS))
        viewer = self._streams.open(extras)
        for job in self._jobs.running():
            self._streams.show(viewer, "job", job)
        return EventStream(self._streams, viewer)

    async def _camera(self, _request: Request, _read: None) -> Response:
        picture = self._graph.camera_picture()
        if picture is None:
            raise Refusal("not_found", "no picture has come since a stream asked for the camera")
        return Response(picture, media_type="image/jpeg")

    async def _payload(self, request: Request, _read: None) -> Response:
        sha256 = request.path_params["sha256"]
        found = await self._in_thread(lambda: self._graph.payload(sha256))
        if found is None:
            raise Refusal("not_found", "there is no such payload")
        media_type, data = found
        response = _cached(request, data, media_type, f'"{sha256}"')
        if not media_type.startswith(("image/", "audio/")):
            response.headers["content-disposition"] = "attachment"
        return response

    async def _payload_picture(self, request: Request, _read: None) -> Response:
        sha256 = request.path_params["sha256"]
        picture = await self._in_thread(lambda: self._graph.payload_picture(sha256))
        if picture is None:
            raise Refusal("not_found", "there is no such payload, or it has no picture")
        return _cached(request, picture, "image/webp", f'"{sha256}-picture"')

    async def _plan_forget(self, _request: Request, read: requests.PlanForget) -> object:
        return self._plans.plan(read.ids)

    async def _forget(self, _request: Request, read: requests.Forget) -> object:
        if not self._plans.confirm(read.confirmation, read.ids):
            raise Refusal(
                "not_confirmed",
                "the confirmation is used up, too old, or of other ids: plan again",
                "confirmation",
            )
        return await self._in_thread(lambda: self._graph.forget(read.ids, read.reason))

    async def _refine(self, _request: Request, read: requests.Refine) -> object:
        return self._start(REFINE, self._graph.refinement(read))

    async def _sleep(self, _request: Request, read: requests.Sleep) -> object:
        return self._start(SLEEP, self._graph.sleep(read))

    def _start(self, kind: str, work: Any) -> answers.Started:
        try:
            return answers.Started(self._jobs.start(kind, work))
        except Busy as busy:
            raise Refusal("busy", str(busy)) from busy

    async def _cancel(self, _request: Request, read: requests.CancelJob) -> answers.Done:
        if not self._jobs.cancel(read.job):
            raise Refusal("not_found", f"no job {read.job} runs", "job")
        return answers.Done(f"job {read.job} was asked to end")

    async def _metrics(self, _request: Request, _read: None) -> Response:
        text = await self._in_thread(lambda: exposition(self._graph.figures()))
        return Response(text, headers={"content-type": CONTENT_TYPE})


def _cached(request: Request, data: bytes, media_type: str, etag: str) -> Response:
    """An answer that a browser may keep, and asks about each time."""
    headers = {"etag": etag, "cache-control": "private, no-cache"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(data, headers={**headers, "content-type": media_type})


async def _read(endpoint: Endpoint, request: Request) -> Any:
    """The request as its declaration has it.

    Raises:
        InvalidInput, Refusal: it is none.
    """
    if endpoint.method == "GET":
        query = request.query_params
        if endpoint.request is None:
            return None
        return read_query(endpoint.request, dict(query))
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Refusal("wrong_type", "expected Content-Type: application/json")
    body = await _body(request)
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidInput("body", body[:80], "a JSON object") from None
    assert endpoint.request is not None
    return read(endpoint.request, values)


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    with anyio.move_on_after(BODY_TIMEOUT_S) as limit:
        try:
            async for part in request.stream():
                parts.append(part)
                if sum(map(len, parts)) > MOST_BODY_BYTES:
                    raise Refusal("too_large", f"the body has more than {MOST_BODY_BYTES} bytes")
        except ClientDisconnect:
            raise Refusal("slow", "the connection was closed before the body was there") from None
    if limit.cancelled_caught:
        raise Refusal("slow", f"the body did not come within {BODY_TIMEOUT_S:g} s")
    return b"".join(parts)


async def _not_served(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        return refused(Refusal("wrong_method", "this path takes another method"))
    return refused(Refusal("not_found", "there is no such path"))
