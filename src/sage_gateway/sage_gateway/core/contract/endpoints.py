"""Every event and every request, each once: routes, tests and docs/gateway.md read these."""

from __future__ import annotations

from dataclasses import dataclass

from sage_gateway.core.contract import answers, events, requests

CONTRACT = 1
CAMERA, PUZZLES = "camera", "puzzles"
EXTRAS = (CAMERA, PUZZLES)
CAMERA_URL = "/api/camera.jpg"
PAYLOAD_URL = "/api/payloads/{sha256}"
PICTURE_URL = PAYLOAD_URL + "/picture"


@dataclass(frozen=True)
class EventSpec:
    """One kind of event.

    Attributes:
        data: dataclass of its data.
        rate_hz: at most so often; 0: when it happens.
        is_state: a viewer that is slow gets the newest only, and a new one gets the last at once.
        extra: sent only to who asks for it in `also`; empty: to all.
    """

    name: str
    data: type
    rate_hz: float
    is_state: bool
    doc: str
    extra: str = ""


@dataclass(frozen=True)
class Endpoint:
    """One request.

    Attributes:
        request: dataclass of the query or body; None: it has none.
        answer: dataclass of the answer, or a media type.
        acts: refused while the gateway is read-only.
        is_open: needs no token.
    """

    method: str
    path: str
    request: type | None
    answer: type | str
    doc: str
    acts: bool = False
    is_open: bool = False


@dataclass(frozen=True)
class ErrorSpec:
    """One code of an error."""

    code: str
    status: int
    doc: str


EVENTS = tuple(
    EventSpec(*spec)
    for spec in (
        ("hello", events.Hello, 0.0, False, "first of every stream"),
        ("sources", events.Sources, 1.0, True, "what is behind the sensors, when that changes"),
        ("salience", events.SalienceNow, 5.0, True, "what matters now, and why"),
        ("attention", events.AttentionNow, 5.0, True, "where to look"),
        ("camera", events.CameraNow, 5.0, True, "a new picture is there", CAMERA),
        ("puzzles", events.Puzzles, 2.0, True, "what the graph sees", PUZZLES),
        ("budget", events.BudgetNow, 2.0, True, "who got how much compute, and trust"),
        ("state", events.StateNow, 0.0, True, "the metabolic state, when it changes"),
        ("pressure", events.PressureNow, 0.0, True, "memory and board, every 10 s and on change"),
        ("alerts", events.Alerts, 1.0, True, "what is not well, when that changes"),
        ("history", events.HistoryPoint, 1.0, False, "the second that has just ended"),
        ("experience", events.KeptExperience, 0.0, False, "a moment was kept"),
        ("refinement", events.RefinementDone, 0.0, False, "a plugin has ended a run"),
        ("job", events.Job, 0.0, False, "a refinement by hand, or sleep, goes on or ends"),
        ("bye", events.Bye, 0.0, False, "the graph ends"),
    )
)

ENDPOINTS = (
    Endpoint("GET", "/", None, "text/html", "the page; its files are under `/page/`", is_open=True),
    Endpoint(
        "POST", "/api/session", requests.LogIn, answers.Done,
        "gives the cookie that the other requests need", is_open=True,
    ),
    Endpoint("GET", "/api/status", None, events.Hello, "what this graph is"),
    Endpoint("GET", "/api/events", requests.Watch, "text/event-stream", "the stream"),
    Endpoint("GET", "/api/history", None, answers.History, "the last ten minutes, for charts"),
    Endpoint(
        "GET", "/api/learning", None, answers.Learning,
        "trust, weights, rewards and steps over days",
    ),
    Endpoint("GET", "/api/cycle", None, answers.Cycle, "where the time goes, stage by stage"),
    Endpoint(
        "GET", CAMERA_URL, None, "image/jpeg",
        "the newest picture, at most 640 px wide, while a stream carries `camera`",
    ),
    Endpoint("GET", "/api/experiences", None, answers.Experiences, "the newest that were kept"),
    Endpoint("GET", "/api/recall", requests.Ask, answers.Recalled, "ask the memory"),
    Endpoint("GET", PAYLOAD_URL, None, "its media type", "what was kept verbatim"),
    Endpoint("GET", PICTURE_URL, None, "image/webp", "a picture of it, at most 320 px"),
    Endpoint("GET", "/api/explain", requests.Moment, answers.Explained, "why a moment mattered"),
    Endpoint("GET", "/api/plugins", None, answers.Plugins, "those installed or loaded, with trust"),
    Endpoint("POST", "/api/outcome", requests.Judge, answers.Done, "good or bad", acts=True),
    Endpoint("POST", "/api/pin", requests.Pin, answers.Done, "keep for ever, or not", acts=True),
    Endpoint(
        "POST", "/api/forget/plan", requests.PlanForget, answers.ForgetPlan,
        "first step of forgetting: nothing is changed", acts=True,
    ),
    Endpoint(
        "POST", "/api/forget", requests.Forget, answers.Forgotten,
        "second step: gone for good", acts=True,
    ),
    Endpoint("POST", "/api/plugins/load", requests.NamedPlugin, answers.Done, "load", acts=True),
    Endpoint(
        "POST", "/api/plugins/unload", requests.NamedPlugin, answers.Done, "unload", acts=True,
    ),
    Endpoint(
        "POST", "/api/refine", requests.Refine, answers.Started,
        "run a plugin by hand; one at a time", acts=True,
    ),
    Endpoint(
        "POST", "/api/sleep", requests.Sleep, answers.Started,
        "consolidate the memory; one at a time", acts=True,
    ),
    Endpoint("POST", "/api/jobs/cancel", requests.CancelJob, answers.Done, "end a job", acts=True),
    Endpoint("GET", "/metrics", None, "application/openmetrics-text", "figures for Prometheus"),
)  # fmt: skip

ERRORS = tuple(
    ErrorSpec(*spec)
    for spec in (
        ("invalid", 400, "a field is missing, unknown or wrong; `field` names it"),
        ("no_token", 401, "neither cookie nor Authorization header"),
        ("wrong_token", 401, "it is not that of this gateway"),
        ("wrong_host", 403, "Host is not the address that was connected to"),
        ("wrong_origin", 403, "Origin is another page"),
        ("read_only", 403, "actions are not enabled: parameter `allow_actions`"),
        ("not_found", 404, "there is no such page, payload, picture, moment or job"),
        ("wrong_method", 405, "the path takes another method"),
        ("slow", 408, "the request did not come in time"),
        ("not_confirmed", 409, "the confirmation is missing, used up, too old, or of other ids"),
        ("busy", 409, "such a job runs already"),
        ("refused", 409, "a node of the graph refused; `message` has its words"),
        ("too_large", 413, "the body has more than 16 KiB"),
        ("wrong_type", 415, "the body is no application/json"),
        ("failed", 500, "an error in the gateway, which is in its log, too"),
        ("too_many", 503, "too many streams are open, or too many requests under way"),
        ("unavailable", 503, "the node that this needs is not there, or does not answer"),
    )
)
