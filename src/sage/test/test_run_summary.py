"""The summary of a run, of what its nodes said last."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from sage.graph.description import Graph, GraphOptions
from sage.graph.outages import Outages
from sage.observe.latest import Latest
from sage.observe.tally import Tally
from sage.run.summary import summary_of


def status(name: str, level: bytes, message: str, **values: str) -> DiagnosticStatus:
    pairs = [KeyValue(key=key, value=value) for key, value in values.items()]
    return DiagnosticStatus(name=f"/sage/{name}", level=level, message=message, values=pairs)


def run(counted_since_s: float) -> SimpleNamespace:
    """Ten seconds of a graph whose camera was killed at 103 s, and has not been heard since."""
    outages = Outages({"camera": frozenset({"camera"})})
    outages.ended("camera", "killed by SIGKILL", 103.0)
    outages.restarted("camera", 105.0)
    told = [
        status(
            "fusion",
            DiagnosticStatus.OK,
            "running",
            callback_errors="2",
            last_callback_error="OSError: oh",
        ),
        status("vision_encoder", DiagnosticStatus.OK, "running", weights_sha256="ab" * 32),
        status("attention", DiagnosticStatus.WARN, "inactive"),
        status("memory", DiagnosticStatus.ERROR, "the disk is full", last_write_failure=""),
    ]
    latest = Latest(diagnostics={item.name: item for item in told})
    return SimpleNamespace(
        graph=Graph(GraphOptions(source="topics"), (), {}, "cpu", ()),
        options=SimpleNamespace(composed=True, counts=True),
        observer=SimpleNamespace(tally=Tally(), latest=latest),
        supervisor=SimpleNamespace(outages=outages, children=[SimpleNamespace(restarts=1)]),
        elapsed_s=10.0004,
        start_s=3.0,
        counted_since_s=counted_since_s,
        pss_mb=318.04,
        signal=None,
    )


def test_a_summary_says_what_ran_how_long_and_who_is_not_well() -> None:
    summary = summary_of(run(100.0))
    assert (summary["source"], summary["mode"]) == ("topics", "composed")
    assert (summary["duration_s"], summary["start_s"], summary["pss_mb"]) == (10.0, 3.0, 318.0)
    assert summary["health"] == {"attention": "inactive", "memory": "the disk is full"}
    assert summary["failed_nodes"] == ["memory"]
    assert summary["weights"] == {"vision_encoder": "ab" * 32}
    assert summary["callback_errors"] == {"fusion": "errors in callbacks: 2, the last: OSError: oh"}
    assert summary["restarts"] == 1 and summary["signal"] is None


@pytest.mark.parametrize(("counted_since_s", "out_s"), [(100.0, 7.0), (104.0, 10.0)])
def test_outages_are_told_of_the_time_that_is_counted(counted_since_s: float, out_s: float) -> None:
    (outage,) = summary_of(run(counted_since_s))["outages"]
    assert (outage["process"], outage["cause"]) == ("camera", "killed by SIGKILL")
    assert (outage["out_s"], outage["over"]) == (out_s, False)
