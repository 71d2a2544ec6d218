"""Measure, print ratios to the named baselines, and write JSON into build/bench/."""

from __future__ import annotations

import argparse
import importlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pkgutil import iter_modules
from typing import Any

from rich.console import Console

import sage_bench.cases
from sage.graph.environment import DomainLease
from sage_bench.result import MEASURED, RECORDED, Result
from sage_common.core.errors import InvalidInput

DOMAIN = "ROS_DOMAIN_ID"
BY_NAME_ONLY = ("faults", "growth")
"""Cases that take an hour or more."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", default="", help="a case; without one: list them")
    parser.add_argument(
        "--all", action="store_true", help="run every case but " + ", ".join(BY_NAME_ONLY)
    )
    parser.add_argument(
        "--quick", action="store_true",
        help="a short run, with less certainty: budget takes 2 to 3 minutes on two idle cores",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="last line: the result as JSON")
    parser.add_argument(
        "--record", action="store_true",
        help=f"write into {RECORDED}, the figures that the pages quote, instead of {MEASURED}",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    known = sorted(module.name for module in iter_modules(sage_bench.cases.__path__))
    if options.name and options.name not in known:
        raise InvalidInput("name", options.name, f"one of {', '.join(known)}")
    if not options.name and not options.all:
        print("\n".join(known))
        return 0
    whole = True
    for name in chosen(known, options):
        result = measured(name, options.quick)
        Console().print(result.table())
        for note in result.remarks:
            print(f"note: {note}")
        for error in result.errors:
            print(f"error: {error}")
        whole = whole and not result.errors
        if options.quick:
            print("quick: a short run; take the figures of a full one for a comparison")
        print(f"wrote {result.write(RECORDED if options.record else MEASURED)}")
        if options.record and not result.quick and (record := getattr(case(name), "record", None)):
            record(result)
        if options.json:
            print(json.dumps(result.as_dict(), allow_nan=False))
    return 0 if whole else 1


def chosen(known: list[str], options: argparse.Namespace) -> list[str]:
    """The cases that are run."""
    if not options.all:
        return [options.name]
    return [name for name in known if name not in BY_NAME_ONLY or name == options.name]


def measured(name: str, quick: bool) -> Result:
    """The result of a case; its graphs meet none of the user's."""
    with own_domain():
        result: Result = case(name).measure(quick)
    return result


@contextmanager
def own_domain() -> Iterator[None]:
    """A ROS domain that no other graph of this user has, for all that is started meanwhile."""
    before = os.environ.pop(DOMAIN, None)
    lease = DomainLease()
    os.environ[DOMAIN] = str(lease.domain_id)
    try:
        yield
    finally:
        lease.release()
        del os.environ[DOMAIN]
        if before is not None:
            os.environ[DOMAIN] = before


def case(name: str) -> Any:
    """The module of a case; it has `measure`, and `record` if it keeps more than its result."""
    return importlib.import_module(f"sage_bench.cases.{name}")
