"""What `sage soak` refuses, how it goes on, and what it prints of what it saw."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from sage.cli import main
from sage.commands.options import duration_s
from sage.soak.live import period_s
from sage.soak.progress import progress_line
from sage.soak.report import as_dict, host_lines, table
from sage.soak.sample import Sample
from sage.soak.samples_file import Look, ProcessLook, Soak
from sage.soak.verdict import verdict_of


def soak() -> Soak:
    def look(time_s: float) -> Look:
        item = ProcessLook("memory", 7, Sample(0.1 * time_s, 40.0, 50.0, 5, 9), int(20 * time_s))
        return Look(time_s, 0.5, 3.0, 4.0, 1000.0, {"memory: late": 2}, (item,))

    return Soak({"profile": "nano"}, [look(10.0 * index) for index in range(400)])


def test_attaching_needs_a_running_graph(tmp_path: Path, capsys) -> None:
    assert main(["soak", "--attach", "--home", str(tmp_path)]) == 2
    assert "expected a running graph that sage run has started" in capsys.readouterr().err


def test_a_soak_that_would_end_in_its_warm_up_is_refused(tmp_path: Path, capsys) -> None:
    assert main(["soak", "--duration", "10m", "--home", str(tmp_path)]) == 2
    expected = "duration = 600.0: expected more than the warm-up of 600 s (--warm-up)"
    assert expected in capsys.readouterr().err


def test_a_file_of_budgets_that_is_not_there_is_named(tmp_path: Path, capsys) -> None:
    missing = str(tmp_path / "none.json")
    assert main(["soak", "--budgets", missing, "--home", str(tmp_path)]) == 2
    assert missing in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "value"), [("2h", 7200.0), ("90m", 5400.0), (".5", 0.5), ("3d", 259200.0)]
)
def test_durations(text: str, value: float) -> None:
    assert duration_s(text) == value


@pytest.mark.parametrize(("judged_s", "period"), [(6600.0, 10.0), (60.0, 3.0), (5.0, 1.0)])
def test_a_short_soak_looks_more_often(judged_s: float, period: float) -> None:
    assert period_s(judged_s) == period


def test_a_line_says_how_it_goes() -> None:
    first, *_, last = soak().looks
    assert progress_line(None, first, 7200.0) == (
        "0 s of 2 h: 1 processes, anonymous memory 40.0 MB, dropped 2"
    )
    assert progress_line(first, last, None) == (
        "1.11 h: 1 processes, anonymous memory 40.0 MB, 10 % of a core, 20 messages/s, dropped 2"
    )


def test_the_table_and_the_json_have_every_figure(tmp_path: Path) -> None:
    found = soak()
    verdict = verdict_of(found.looks, {"memory": {"CPU": 4.0}}, 600.0)
    failures = list(verdict.failures)
    told = json.loads(json.dumps(as_dict(found, verdict, failures, tmp_path / "soak.jsonl")))
    assert told["ok"] is False and told["profile"] == "nano" and told["seen_s"] == 3990.0
    assert told["figures"]["memory"]["CPU"]["value"] == 10.0
    assert told["figures"]["memory"]["CPU"]["limit"] == 9.0
    assert told["figures"]["memory"]["anonymous memory growth"]["high"] == 0.0
    assert told["levels"]["memory"]["threads"] == [5, 5]
    console = Console(record=True, width=140, file=StringIO())
    console.print(table(verdict))
    text = console.export_text()
    row = " ".join(text.splitlines()[1].split())
    assert row == "memory 10 <= 9 50 20 +0.00 +0.00 +0.00"
    assert "dropped: 0 [dim]<= 0[/] messages" in list(host_lines(verdict))
