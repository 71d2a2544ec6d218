"""What stands before every request: its address, its origin, its token, and its time."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sage_gateway.core.contract.answers import Fault, Refused
from sage_gateway.core.contract.endpoints import ENDPOINTS, ERRORS
from sage_gateway.core.encoding import as_json
from sage_gateway.core.origin import Endpoint
from sage_gateway.core.ports import Refusal
from sage_gateway.core.token import Gatekeeper

REQUEST_TIMEOUT_S = 60.0
STREAM = "/api/events"
PAGE = "/page/"
_OPEN = {endpoint.path for endpoint in ENDPOINTS if endpoint.is_open}
_STATUS = {error.code: error.status for error in ERRORS}
_METHODS = ("GET", "POST")
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


def refused(refusal: Refusal) -> Response:
    """The answer that says why not."""
    body = as_json(Refused(Fault(refusal.code, refusal.message, refusal.field)))
    response = Response(body, _STATUS[refusal.code], media_type="application/json")
    if refusal.code in ("slow", "too_large"):
        response.headers["connection"] = "close"  # the rest of the body is not read
    return response


def cookie_name(scope: MutableMapping[str, Any]) -> str:
    """Cookies know no ports: two gateways of one host need two names."""
    return f"sage_gateway_{Endpoint.of(scope['server']).port}"


class Guard:
    """Lets through what may pass, and puts the same headers on every answer.

    Args:
        application: behind it.
        gatekeeper: knows the token.
    """

    def __init__(self, application: ASGIApp, gatekeeper: Gatekeeper) -> None:
        self._application = application
        self._gatekeeper = gatekeeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def send_guarded(message: MutableMapping[str, Any]) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        if scope["type"] != "http":
            return
        application = self._application
        try:
            self._check(Request(scope))
        except Refusal as refusal:
            application = refused(refusal)
        if scope["path"] == STREAM:
            await application(scope, receive, send_guarded)
            return
        with anyio.move_on_after(REQUEST_TIMEOUT_S) as limit:
            await application(scope, receive, send_guarded)
        if limit.cancelled_caught and not begun:
            slow = refused(Refusal("slow", f"not done within {REQUEST_TIMEOUT_S:g} s"))
            await slow(scope, receive, send_guarded)

    def _check(self, request: Request) -> None:
        """Raise Refusal if this request may not pass."""
        headers, here = request.headers, Endpoint.of(request.scope["server"])
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not here.is_host(hosts[0]):
            raise Refusal("wrong_host", "Host is not the address that was connected to")
        if request.method not in _METHODS:
            raise Refusal("wrong_method", f"{request.method} is not served")
        origins = headers.getlist("origin")
        if any(not here.is_origin(origin, hosts[0]) for origin in origins):
            raise Refusal("wrong_origin", "Origin is another page")
        path = request.url.path
        if path in _OPEN or path.startswith(PAGE):
            return
        self._check_token(request, headers, bool(origins))

    def _check_token(self, request: Request, headers: Headers, has_origin: bool) -> None:
        shown = headers.get("authorization")
        if shown is not None:
            scheme, _, token = shown.partition(" ")
            if scheme.lower() != "bearer" or not self._gatekeeper.is_token(token.strip()):
                raise Refusal("wrong_token", "the token is not that of this gateway")
            return
        cookie = request.cookies.get(cookie_name(request.scope))
        if cookie is None:
            raise Refusal("no_token", "neither a cookie nor Authorization: Bearer TOKEN")
        if not self._gatekeeper.is_cookie(cookie):
            raise Refusal("wrong_token", "the cookie is not that of this gateway")
        # Every browser sends Origin with a POST; who shows a cookie without it is none of ours.
        if request.method == "POST" and not has_origin:
            raise Refusal("wrong_origin", "Origin is missing beside a cookie")
