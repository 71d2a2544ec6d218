"""Say what is found and in effect, and how to fix what is not; 0 only if the profile can run."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape

from sage.doctor import checks, mailboxes, models, packages
from sage.doctor.finding import Finding
from sage.graph.description import PROFILES, GraphOptions, describe

_STYLES = {"ok": "green", "warn": "yellow", "error": "red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", choices=PROFILES, default="nano")
    parser.add_argument("--json", action="store_true")


def run(options: argparse.Namespace) -> int:
    found = list(_findings(options.profile))
    if options.json:
        print(json.dumps([asdict(finding) for finding in found]))
    else:
        console = Console(soft_wrap=True, highlight=False)
        for finding in found:
            mark = f"[{_STYLES[finding.level]}]{finding.level:<5}[/]"
            console.print(f"{mark} {finding.name}: {escape(finding.text)}")
            if finding.fix:
                console.print(f"      fix: {escape(finding.fix)}")
    return 1 if any(finding.level == "error" for finding in found) else 0


def _findings(profile: str) -> Iterator[Finding]:
    yield from checks.ros()
    yield from checks.transport()
    yield mailboxes.library()
    yield from mailboxes.left_segments()
    yield from checks.devices()
    yield from checks.compute(profile)
    yield from models.weights()
    yield from packages.offered()
    yield from checks.storage()
    yield _graph(profile)


def _graph(profile: str) -> Finding:
    try:
        graph = describe(GraphOptions(profile=profile))
    except (ValueError, OSError) as error:
        return Finding("graph", "error", str(error), "fix the parameter file named above")
    return Finding("graph", "ok", f"{len(graph.nodes)} nodes for profile {profile}")
