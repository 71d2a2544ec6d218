"""What the server sends is what the contract says, field by field."""

from __future__ import annotations

import dataclasses
import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest
from stand_in import KNOWN, TOKEN, Served, example

from sage_common.core.errors import InvalidInput
from sage_gateway.core.contract import events
from sage_gateway.core.contract.endpoints import ENDPOINTS, ERRORS, EVENTS, Endpoint
from sage_gateway.core.contract.field import NOTHING, FieldSpec, fields_of
from sage_gateway.core.contract.reading import read, read_query
from sage_gateway.core.contract.requests import Ask, Forget, Pin
from sage_gateway.core.encoding import as_json

BEARER = {"Authorization": f"Bearer {TOKEN}"}
JSON_TYPES: dict[type, tuple[type, ...]] = {float: (int, float), object: (object,)}


def check(cls: type, value: Any, where: str = "") -> None:
    """Hold JSON against a dataclass of the contract: names, types, ranges."""
    assert isinstance(value, dict), where
    known = {field.name: field for field in fields_of(cls)}
    assert list(value) == list(known), where
    for name, field in known.items():
        _check_field(field, value[name], f"{where}.{name}")


def _check_field(field: FieldSpec, value: Any, where: str) -> None:
    if value is None:
        assert field.is_optional, where
        return
    items = [value]
    if field.is_many:
        assert isinstance(value, list), where
        items = value
    elif field.is_mapping:
        assert isinstance(value, dict), where
        items = list(value.values())
    for item in items:
        if dataclasses.is_dataclass(field.type):
            check(field.type, item, where)
            continue
        assert isinstance(item, JSON_TYPES.get(field.type, (field.type,))), (where, item)
        assert field.type is bool or not isinstance(item, bool) or field.type is object, where
        if isinstance(item, (int, float)) and not isinstance(item, bool):
            assert field.low is None or item >= field.low, (where, item)
            assert field.high is None or item <= field.high, (where, item)


class Stream:
    """Events as a browser reads them."""

    def __init__(self, site: Served, also: str = "") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60.0)
        self._connection.request("GET", f"/api/events?also={also}", headers=BEARER)
        self._response = self._connection.getresponse()
        assert self._response.status == 200
        assert self._response.headers.get_content_type() == "text/event-stream"

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        name = ""
        for line in iter(self._response.readline, b""):
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                yield name, json.loads(value)

    def until(self, wanted: str) -> Any:
        """The data of the next event of a name."""
        return next(data for name, data in self if name == wanted)

    def close(self) -> None:
        self._connection.close()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with Served() as site:
        yield site


@pytest.fixture(scope="module")
def asked(served: Served) -> Any:
    def ask(method: str, path: str, body: object = None) -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60.0)
        headers = {**BEARER, "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, response.headers.get_content_type(), response.read()

    return ask


def request_of(endpoint: Endpoint, plan: str) -> dict[str, Any] | None:
    if endpoint.method == "GET" or endpoint.request is None:
        return None
    body = json.loads(as_json(example(endpoint.request)))
    return {**body, **({"token": TOKEN} if "token" in body else {}), **(
        {"confirmation": plan} if "confirmation" in body else {})}  # fmt: skip


@pytest.mark.parametrize(
    "endpoint", [e for e in ENDPOINTS if e.path not in ("/api/events", "/api/jobs/cancel")],
    ids=lambda e: f"{e.method} {e.path}",
)  # fmt: skip
def test_every_answer_has_the_fields_that_are_said(
    served: Served, asked: Any, endpoint: Endpoint
) -> None:
    plan = json.loads(asked("POST", "/api/forget/plan", {"ids": ["words"]})[2])["confirmation"]
    served.graph.release.set()
    path = endpoint.path.format(sha256=KNOWN)
    status, kind, body = asked(endpoint.method, path, request_of(endpoint, plan))
    assert status == 200
    if isinstance(endpoint.answer, str):
        assert kind == endpoint.answer or endpoint.answer == "its media type"
    else:
        check(endpoint.answer, json.loads(body))


def test_every_event_comes_with_the_fields_that_are_said(served: Served) -> None:
    for spec in EVENTS:
        if spec.is_state:
            served.graph.show(spec.name, example(spec.data))
    stream = Stream(served, "camera,puzzles")
    came: dict[str, Any] = {}
    happen = [spec for spec in EVENTS if not spec.is_state and spec.name not in ("hello", "bye")]
    for name, data in stream:
        if not came:
            assert name == "hello" and data["viewers"] == 1
            for spec in happen:
                served.site.tell(spec.name, example(spec.data))
        came[name] = data
        if len(came) == len(EVENTS) - 1:
            break
    assert served.graph.watched == (1, frozenset({"camera", "puzzles"}))
    for spec in EVENTS:
        if spec.name != "bye":
            check(spec.data, came[spec.name], spec.name)
    stream.close()


def test_what_is_not_asked_for_does_not_come(served: Served) -> None:
    served.graph.show("puzzles", example(events.Puzzles))
    stream = Stream(served)
    served.site.tell("job", example(events.Job))
    names = []
    for name, _ in stream:
        names.append(name)
        if name == "job" and "salience" in names:
            break
    assert not {"camera", "puzzles"} & set(names)
    stream.close()


def test_a_stream_ends_with_bye_where_the_graph_ends() -> None:
    with Served() as site:
        stream = Stream(site)
        stream.until("hello")
    heard = list(stream)
    assert [name for name, _ in heard] == ["bye"]
    check(events.Bye, heard[0][1])


def test_a_job_goes_on_alone_reports_and_can_be_ended(served: Served, asked: Any) -> None:
    served.graph.release.clear()
    stream = Stream(served)
    stream.until("hello")
    status, _, body = asked("POST", "/api/sleep", {})
    number = json.loads(body)["job"]
    assert asked("POST", "/api/sleep", {})[0] == 409
    late = Stream(served)  # it hears of what runs already
    assert late.until("job")["job"] == number
    heard = [stream.until("job"), stream.until("job")]
    assert [job["progress"] for job in heard] == [None, 0.5]
    assert asked("POST", "/api/jobs/cancel", {"job": number})[0] == 200
    ended = stream.until("job")
    assert (status, ended["state"], ended["kind"]) == (200, "cancelled", "sleep")
    check(events.Job, ended)
    assert asked("POST", "/api/jobs/cancel", {"job": number})[0] == 404
    served.graph.release.set()
    asked("POST", "/api/refine", {"plugin": "look", "modality": "vision"})
    done = next(job for name, job in stream if name == "job" and job["state"] == "done")
    assert (done["kind"], done["result"]) == ("refine", {"steps": 3})
    stream.close()
    late.close()


def test_refusals_of_the_graph_keep_its_words(asked: Any) -> None:
    status, _, body = asked("POST", "/api/plugins/load", {"plugin": "unknown"})
    assert (status, json.loads(body)["error"]["message"]) == (409, "there is no such plugin")
    status, _, body = asked("GET", "/api/explain?stamp_s=1800000000")
    assert (status, json.loads(body)["error"]["field"]) == (404, "stamp_s")


def test_every_code_has_one_status() -> None:
    assert len({error.code for error in ERRORS}) == len(ERRORS)


def test_what_was_seen_already_is_not_sent_again(served: Served) -> None:
    for path in (f"/api/payloads/{KNOWN}", "/page/js/app.js"):
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60.0)
        connection.request("GET", path, headers=BEARER)
        first = connection.getresponse()
        first.read()
        again = {**BEARER, "If-None-Match": first.headers["etag"]}
        connection.request("GET", path, headers=again)
        assert connection.getresponse().status == 304
        connection.close()


def test_figures_are_open_metrics_and_bounded(asked: Any) -> None:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    families = list(text_string_to_metric_families(asked("GET", "/metrics")[2].decode()))
    assert families[0].samples[0].value == 0.5
    assert sum(len(family.samples) for family in families) == 500


def test_a_query_is_read_by_its_types() -> None:
    assert read_query(Ask, {"text": "1", "limit": "3", "min_salience": "1"}) == Ask(
        text="1", limit=3, min_salience=1.0
    )
    for query, field in (
        ({"limit": "3.5"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"min_salience": "nan"}, "min_salience"),
        ({"text": "x" * 1025}, "text"),
        ({"words": "x"}, "words"),
    ):
        with pytest.raises(InvalidInput) as caught:
            read_query(Ask, query)
        assert caught.value.field == field


def test_lists_and_flags_are_checked() -> None:
    assert read(Pin, {"id": "a", "pinned": False}) == Pin("a", False)
    with pytest.raises(InvalidInput, match="pinned"):
        read(Pin, {"id": "a", "pinned": 1})
    for ids in ([], ["x"] * 101, "x", [1]):
        with pytest.raises(InvalidInput, match="ids"):
            read(Forget, {"ids": ids, "confirmation": "x"})


def test_every_request_names_its_defaults() -> None:
    for endpoint in ENDPOINTS:
        for field in fields_of(endpoint.request) if endpoint.request else ():
            assert field.doc, (endpoint.path, field.name)
            if field.default is not NOTHING:
                assert type(field.default) is field.type
