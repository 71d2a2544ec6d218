"""Measure: print a table with goals and baselines, and write JSON into build/bench/."""

from __future__ import annotations

import argparse
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from sage.bench.result import MEASURED, RECORDED, Result
from sage_common.core.errors import InvalidInput

CASES = Path("bench", "cases")
BY_NAME_ONLY = ("growth",)
"""Cases that take hours."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", default="", help="a case; without one: list them")
    parser.add_argument(
        "--all", action="store_true", help="run every case but " + ", ".join(BY_NAME_ONLY)
    )
    parser.add_argument("--quick", action="store_true", help="within a minute, with less certainty")
    parser.add_argument("--json", action="store_true", help="last line: the result as JSON")
    parser.add_argument(
        "--record", action="store_true",
        help=f"write into {RECORDED}, the figures that the pages quote, instead of {MEASURED}",
    )  # fmt: skip
    parser.add_argument("--cases", type=Path, default=CASES, help=f"default: {CASES}")


def run(options: argparse.Namespace) -> int:
    known = sorted(path.stem for path in options.cases.glob("*.py"))
    if not known:
        raise InvalidInput("cases", str(options.cases), "a folder with cases; run in the checkout")
    if options.name and options.name not in known:
        raise InvalidInput("name", options.name, f"one of {', '.join(known)}")
    if not options.name and not options.all:
        print("\n".join(known))
        return 0
    whole = True
    for name in chosen(known, options):
        result = load(options.cases / f"{name}.py")(options.quick)
        Console().print(result.table())
        for note in result.notes:
            print(f"note: {note}")
        for error in result.errors:
            print(f"error: {error}")
        whole = whole and not result.errors
        if options.quick:
            print("quick: a short run; take the figures of a full one for a comparison")
        print(f"wrote {result.write(RECORDED if options.record else MEASURED)}")
        if options.json:
            print(json.dumps(result.as_dict()))
    return 0 if whole else 1


def chosen(known: list[str], options: argparse.Namespace) -> list[str]:
    """The cases that are run."""
    if not options.all:
        return [options.name]
    return [name for name in known if name not in BY_NAME_ONLY or name == options.name]


def load(path: Path) -> Callable[[bool], Result]:
    """The `measure(quick) -> Result` of a case file."""
    spec = importlib.util.spec_from_file_location(f"bench_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    measure: Callable[[bool], Result] = module.measure
    return measure
