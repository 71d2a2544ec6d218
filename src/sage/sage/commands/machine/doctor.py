"""Say what is found and in effect, and how to fix what is not; 0 only if the profile can run.

With --bundle all that a report of a problem needs is written into one file: versions, machine,
variables, warnings and errors of the logs, and of a running graph its diagnostics and parameters.
Nothing that was sensed, said or kept gets into it, and no secret.

With --devices each camera, microphone and IMU is looked at for a second instead. What it gave is
shown, and lies in the home folder until the next look; 0 only if every one that is there gives
something. What another process has is left to it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from sage.commands.compute.profile import profile_of
from sage.commands.options import add_home_argument
from sage.devices.all_devices import all_devices
from sage.devices.observation import DeviceFinding
from sage.devices.show import show
from sage.doctor import checks, mailboxes, models, packages
from sage.doctor.bundle import check_path, write_bundle
from sage.doctor.finding import Finding
from sage.graph.description import PROFILES, GraphOptions, describe
from sage_common.core.home import sage_home

_STYLES = {"ok": "green", "warn": "yellow", "error": "red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", choices=PROFILES, default="nano")
    parser.add_argument("--json", action="store_true")
    # What devices gave is sensed, and gets into no bundle.
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument(
        "--devices", action="store_true",
        help="show a picture of each camera, a second of each microphone and of each IMU",
    )  # fmt: skip
    chosen.add_argument(
        "--bundle", type=Path, default=None, metavar="FILE",
        help="also write what a report of a problem needs, as FILE.tar.gz",
    )  # fmt: skip
    add_home_argument(parser)


def run(options: argparse.Namespace) -> int:
    if options.home:
        os.environ["SAGE_HOME"] = options.home
    if options.bundle is not None:
        check_path(options.bundle)
    findings = all_devices(sage_home()) if options.devices else _findings(options.profile)
    found = _printed(findings, options.json)
    if options.bundle is not None:
        _show(write_bundle(options.bundle, sage_home(), found, profile_of), options.bundle)
    return 1 if any(finding.level == "error" for finding in found) else 0


def _printed(findings: Iterator[Finding], as_json: bool) -> list[Finding]:
    """All of them; each is printed as it comes, or all as JSON."""
    if as_json:
        found = list(findings)
        print(json.dumps([asdict(finding) for finding in found]))
        return found
    found = []
    console = Console(soft_wrap=True, highlight=False)
    for finding in findings:
        found.append(finding)
        mark = f"[{_STYLES[finding.level]}]{finding.level:<5}[/]"
        console.print(f"{mark} {escape(finding.name)}: {escape(finding.text)}")
        if finding.fix:
            console.print(f"      fix: {escape(finding.fix)}")
        if isinstance(finding, DeviceFinding):
            show(console, finding)
    return found


def _show(manifest: dict[str, Any], path: Path) -> None:
    """On stderr, as what was found may be JSON."""
    print(f"wrote {path}: {len(manifest['files'])} files", file=sys.stderr)
    for name, why in manifest["missing"].items():
        print(f"not in it: {name}: {why}", file=sys.stderr)
    for text in manifest["left_out"]:
        print(f"left out: {text}", file=sys.stderr)


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
