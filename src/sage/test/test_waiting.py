"""A run that waits for others' topics names them, and ends when its time is over."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from sage.commands.graph.run import exit_status
from sage.observe.latest import Latest
from sage.observe.waiting import never_came
from sage.run.waiting import PLAYED_S, REPORT_PERIOD_S, START_TIMEOUT_S, Waiting

IMAGE = "/sage/camera/front/image_raw"


def status(name: str, **pairs: str) -> DiagnosticStatus:
    values = [KeyValue(key=key.replace("__", " "), value=value) for key, value in pairs.items()]
    return DiagnosticStatus(name=f"/sage/{name}", values=values)


def encoder(received: str, rejected: str = "0") -> DiagnosticStatus:
    pairs = {
        f"{IMAGE} received": received,
        f"{IMAGE} rejected": rejected,
        f"{IMAGE} last fault": "header.stamp = 3: expected a stamp",
        "/own received": "0",
    }
    return status("vision_encoder", **pairs)  # fmt: skip


def test_topics_of_others_that_never_came_are_named() -> None:
    others = [status("fusion", **{"/x received": "0"}), status("text", **{"/own published": "0"})]
    assert never_came([encoder("0"), *others]) == [IMAGE]
    assert never_came([encoder("3"), *others]) == []


def test_what_came_but_was_refused_says_why() -> None:
    own = status("text", **{"/own published": "0"})
    assert never_came([encoder("0", "7"), own]) == [
        f"{IMAGE} (7 rejected: header.stamp = 3: expected a stamp)"
    ]


def run(source: str, duration_s: float | None, heard: bool = True, played: bool = False) -> Any:
    told: list[str] = []
    own = status("text", **{"/own published": "0"})
    diagnostics = {"vision_encoder": encoder("0"), "text": own}
    return SimpleNamespace(
        graph=SimpleNamespace(options=SimpleNamespace(source=source), nodes=()),
        observer=SimpleNamespace(latest=Latest(diagnostics=diagnostics)),
        options=SimpleNamespace(duration_s=duration_s, wait=False),
        all_heard=lambda: heard,
        is_played=lambda: played,
        report=told.append,
        told=told,
    )


def test_the_time_that_was_asked_for_counts_from_when_all_nodes_run() -> None:
    waits = run("topics", 8.0)
    waiting = Waiting(waits, 0.0)
    assert not waiting.is_over(4.0)
    assert not waiting.is_over(4.0 + REPORT_PERIOD_S)
    assert waits.told == [f"waiting: nothing has come on {IMAGE}"]
    assert waiting.is_over(12.0)


@pytest.mark.parametrize(("source", "duration_s"), [("topics", None), ("recording", 8.0)])
def test_others_wait_as_long_as_a_start_may_take(source: str, duration_s: float | None) -> None:
    waits = run(source, duration_s)
    waiting = Waiting(waits, 0.0)
    assert not waiting.is_over(START_TIMEOUT_S - 1.0)
    assert waiting.is_over(START_TIMEOUT_S + 1.0)


def test_a_recording_that_has_ended_without_salience_ends_the_run() -> None:
    waits = run("short.mp4", 60.0, played=True)
    waiting = Waiting(waits, 0.0)
    assert not waiting.is_over(4.0)
    assert not waiting.is_over(4.0 + PLAYED_S - 0.1)
    assert waiting.is_over(4.0 + PLAYED_S)
    assert "the recording has ended" in waits.told[-1]


def summary_without_salience(number: int | None) -> dict[str, Any]:
    return {
        "failed_nodes": [], "fused": {"n": 0}, "never_came": [IMAGE], "signal": number,
        "outages": [],
    }  # fmt: skip


def test_a_run_without_salience_fails_and_names_what_never_came(
    capsys: pytest.CaptureFixture[str],
) -> None:
    summary = summary_without_salience(None)
    assert exit_status(summary) == 1
    assert f"nothing came on {IMAGE}" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "said"), [(2, "SIGINT"), (15, "SIGTERM")])
def test_a_run_that_was_interrupted_before_salience_has_not_failed(
    capsys: pytest.CaptureFixture[str], number: int, said: str
) -> None:
    summary = summary_without_salience(number)
    assert exit_status(summary) == 128 + number
    errors = capsys.readouterr().err
    assert f"interrupted by {said} before any salience was seen" in errors
    assert "failed" not in errors
    assert exit_status({**summary, "fused": {"n": 3}}) == 0


def test_a_run_whose_process_is_not_back_has_failed_as_one_with_a_failed_node(
    capsys: pytest.CaptureFixture[str],
) -> None:
    outage = {"process": "container", "cause": "killed by SIGKILL", "out_s": 2.0, "over": True}
    seen = {**summary_without_salience(None), "fused": {"n": 3}}
    assert exit_status({**seen, "outages": [outage]}) == 0
    assert exit_status({**seen, "outages": [outage, {**outage, "over": False}]}) == 1
    said = "failed: container: not back at the end of the run (killed by SIGKILL)"
    assert said in capsys.readouterr().err
