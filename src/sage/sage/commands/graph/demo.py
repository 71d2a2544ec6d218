"""Play a story and show what the graph notices of it, what it keeps, and what that costs."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.live import Live

from sage.client.asking import asked_by_itself
from sage.commands.graph.run import exit_status, run_options
from sage.commands.graph.summary import short_summary
from sage.commands.options import (
    add_graph_arguments,
    add_run_arguments,
    graph_options,
    with_viewers,
)
from sage.graph.demonstration import for_demo
from sage.graph.description import describe
from sage.observe.live_view import render
from sage.recall.suggestion import keeps_a_name
from sage.run.session import Session
from sage.story.closing_question import asked_after, is_right, verdict
from sage.story.story_report import StoryReport, report_lines, story_report
from sage_common.core.home import make_private, sage_home
from sage_sensors.backends.recording import data_folder
from sage_sensors.backends.story.opening import STORY, Story

DEFAULT_DURATION_S = 90.0
HEADLESS_PERIOD_S = 5.0
REFRESH_TICKS = 5
TAIL_LINES = 15


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_graph_arguments(parser)
    add_run_arguments(parser)
    parser.add_argument("--headless", action="store_true", help="progress lines, no live view")
    # A robot that has seen a walk finds it less salient the next time; a demo starts afresh.
    parser.set_defaults(
        fresh=True, duration=DEFAULT_DURATION_S, log_level="warn", page=0, source=STORY
    )


def run(options: argparse.Namespace) -> int:
    home = sage_home(options.home)
    make_private(home / "log")
    log_path = home / "log" / "demo.log"
    chosen, leases = with_viewers(options, graph_options(options))
    graph = for_demo(describe(chosen))
    for lease in leases:
        print(f"{lease.what:<12} {lease.address(home)}", flush=True)
    for stream, backend in graph.backends.items():
        print(f"{stream:<12} {backend}", flush=True)
    for note in graph.notes:
        print(f"note: {note}", flush=True)
    with log_path.open("wb") as log:
        how = replace(run_options(options), log=log)
        show = _headless if options.headless or not sys.stdout.isatty() else _live
        session = Session(graph, how, on_event=_print)
        summary = show(session, options.duration)
    if not summary["fused"]["n"]:
        print(f"no salience was seen; the log of the graph: {log_path}", file=sys.stderr)
        _print_tail(log_path)
    print(short_summary(summary))
    report = _report(session)
    if report is not None:
        summary["story"] = report.as_json()
        print("\n".join(report_lines(report)))
    summary["asked"] = _ask(home, report)
    print(json.dumps(summary), flush=True)
    return exit_status(summary)


def _ask(home: Path, report: StoryReport | None) -> dict[str, object]:
    """Ask the memory one question, and say whether its answer is right where that is known."""
    event = report and asked_after(report, partial(keeps_a_name, home))
    asked = asked_by_itself(home, event.question if event else "")
    print("\n".join(asked.lines()))
    if not report or not event:
        return asked.as_json()
    at_ns = asked.answer and asked.answer.end_ns
    said = verdict(report, event, at_ns)
    print(f"  {said}")
    right = at_ns is not None and is_right(report, event, at_ns)
    return {**asked.as_json(), "event": event.name, "right": right, "verdict": said}


def _report(session: Session) -> StoryReport | None:
    """What became of the story; None: none was played, or it never began."""
    path = next(
        (n.parameters.get("story") for n in session.graph.nodes if n.kind == "recording"), ""
    )
    started_ns = session.observer.latest.composition_started_ns()
    if not path or not started_ns:
        return None
    story = Story(Path(path), data_folder())
    observer = session.observer
    return story_report(story.laps, started_ns, observer.clock.now_ns(), observer.standing_out)


def _headless(session: Session, duration_s: float) -> dict[str, object]:
    shown_s = 0.0

    def tick(running: Session) -> None:
        nonlocal shown_s
        if running.elapsed_s - shown_s < HEADLESS_PERIOD_S:
            return
        most = running.observer.tally.highlights.take()
        if most is not None:
            shown_s = running.elapsed_s
            said = f"salience up to {most.total:.2f}  {most.reason}"
            print(f"{shown_s:5.1f} of {duration_s:g} s  {said}", flush=True)

    session.on_tick = tick
    return session.run()


def _live(session: Session, duration_s: float) -> dict[str, object]:
    options = session.graph.options
    ticks = 0
    with Live(console=Console(), auto_refresh=False) as live:

        def tick(running: Session) -> None:
            nonlocal ticks
            ticks += 1
            if ticks % REFRESH_TICKS == 0:
                title = (
                    f"SAGE: {options.profile}, {options.source}, "
                    f"{running.elapsed_s:.0f} of {duration_s:g} s"
                )
                observer = running.observer
                live.update(render(observer.latest, observer.tally, title), refresh=True)

        session.on_tick = tick
        return session.run()


def _print(event: str) -> None:
    print(event, file=sys.stderr)


def _print_tail(path: Path) -> None:
    for line in path.read_text(errors="replace").splitlines()[-TAIL_LINES:]:
        print(f"  {line}", file=sys.stderr)
