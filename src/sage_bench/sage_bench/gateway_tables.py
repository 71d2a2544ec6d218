"""The contract of the gateway as tables, for docs/gateway.md."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import is_dataclass

from sage_bench.documentation import table
from sage_gateway.core.contract.endpoints import ENDPOINTS, ERRORS, EVENTS, Endpoint
from sage_gateway.core.contract.field import NOTHING, FieldSpec, fields_of, parts_of


def render_endpoints() -> str:
    """Every request."""
    columns = ("request", "takes", "answers", "what")
    return table(columns, map(_endpoint_row, ENDPOINTS))


def render_events() -> str:
    """Every event of the stream."""
    columns = ("event", "data", "at most [Hz]", "slow viewers", "only with `also=`", "what")
    rows = (
        (
            f"`{event.name}`",
            _link(event.data),
            f"{event.rate_hz:g}" if event.rate_hz else "when it happens",
            "get the newest" if event.is_state else "get the last 64",
            f"`{event.extra}`" if event.extra else "",
            event.doc,
        )
        for event in EVENTS
    )
    return table(columns, rows)


def render_errors() -> str:
    """Every code of an error."""
    rows = ((f"`{error.code}`", str(error.status), error.doc) for error in ERRORS)
    return table(("code", "status", "when"), rows)


def render_objects() -> str:
    """The fields of all that is sent and taken."""
    requests = [e.request for e in ENDPOINTS if e.request is not None]
    sent = [*(event.data for event in EVENTS), *(e.answer for e in ENDPOINTS)]
    kinds = dict.fromkeys(
        part
        for kind in (*sent, *requests)
        if is_dataclass(kind) and isinstance(kind, type)
        for part in parts_of(kind)
    )
    takes = set(requests)
    return "\n\n".join(_object(kind, kind in takes) for kind in kinds)


def _object(kind: type, is_request: bool) -> str:
    first = (kind.__doc__ or "").partition("\n")[0]
    columns = ("field", "type", "unit", "range", "meaning")
    if is_request:
        columns = (*columns, "default")
    rows: Iterable[tuple[str, ...]] = (_field_row(f, is_request) for f in fields_of(kind))
    return f"### {kind.__name__}\n\n{first}\n\n{table(columns, rows)}"


def _field_row(field: FieldSpec, is_request: bool) -> tuple[str, ...]:
    kind = _link(field.type) if is_dataclass(field.type) else ""
    name = field.type_name.replace(field.type.__name__, kind) if kind else field.type_name
    limits = "" if field.low is None and field.high is None else _range(field)
    row = (f"`{field.name}`", name, field.unit, limits, field.doc)
    if not is_request:
        return row
    return (*row, "must be given" if field.default is NOTHING else f"`{field.default!r}`")


def _range(field: FieldSpec) -> str:
    if field.high is None:
        return f"≥ {field.low:g}"
    return f"{field.low:g} to {field.high:g}"


def _endpoint_row(endpoint: Endpoint) -> tuple[str, ...]:
    kind = endpoint.answer
    notes = ["changes something"] if endpoint.acts else []
    notes += ["no token"] if endpoint.is_open else []
    return (
        f"`{endpoint.method} {endpoint.path}`",
        "" if endpoint.request is None else _link(endpoint.request),
        f"`{kind}`" if isinstance(kind, str) else _link(kind),
        endpoint.doc + (f" ({', '.join(notes)})" if notes else ""),
    )


def _link(kind: type) -> str:
    return f"[{kind.__name__}](#{kind.__name__.lower()})"
