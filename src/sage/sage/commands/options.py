"""Options that several subcommands share."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from dataclasses import replace

from sage.graph.description import PROFILES, GraphOptions
from sage.graph.viewer_addresses import FoxgloveLease, PageLease, PortLease
from sage.run.process_commands import LOG_LEVELS

USUAL_FORCED_S = 600.0
_UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def add_graph_arguments(parser: argparse.ArgumentParser) -> None:
    """Options that choose a graph."""
    add_description_arguments(parser)
    parser.add_argument(
        "--source",
        default="recording",
        help="story (what the demo plays), recording, live, topics (a robot publishes them), "
        "synthetic, a composition (YAML), a media file, or a bag",
    )
    parser.add_argument("--camera", default="auto", help="for --source live: backend or device")
    parser.add_argument("--once", action="store_true", help="play a recording once, not in a loop")


def add_description_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of a graph, whatever its source is."""
    parser.add_argument("--profile", choices=PROFILES, default="nano", help="default: nano")
    parser.add_argument("--namespace", default="/sage", help="of the graph; default: /sage")
    parser.add_argument("--config", default="", metavar="FILE", help="your own parameter file")
    parser.add_argument(
        "--fresh", action="store_true", help="start without the saved state; memories are kept"
    )
    add_home_argument(parser)


def add_home_argument(parser: argparse.ArgumentParser) -> None:
    """The SAGE home folder."""
    parser.add_argument(
        "--home", default="", metavar="DIR", help="default: $SAGE_HOME or ~/.local/share/sage"
    )


def add_forced_duration_argument(parser: argparse.ArgumentParser) -> None:
    """How long something is forced; None: it was not said."""
    parser.add_argument(
        "--for", dest="duration_s", type=forced_duration_s, metavar="TIME",
        help="how long, such as 90, 30s, 10m or 2h, a day at most (default: 10m)",
    )  # fmt: skip


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Options that say how a graph is run."""
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--composed", dest="composed", action="store_true", default=True,
        help="all nodes in one process (default)",
    )  # fmt: skip
    mode.add_argument(
        "--processes", dest="composed", action="store_false", help="one process a node"
    )
    parser.add_argument(
        "--duration", type=duration_s, default=None, metavar="TIME",
        help="stop after that long, such as 90, 30s, 10m or 2h",
    )  # fmt: skip
    parser.add_argument(
        "--wait", action="store_true",
        help="wait for as long as it takes until a sensor is there; else a run without any ends",
    )  # fmt: skip
    parser.add_argument("--log-level", default="info", choices=LOG_LEVELS)
    parser.add_argument("--no-respawn", action="store_true", help="do not restart ended processes")
    parser.add_argument(
        "--page", nargs="?", type=port, const=0, default=None, metavar="PORT",
        help="serve the page at 127.0.0.1, and print its address; default: 8765, or the next that "
        "is free",
    )  # fmt: skip
    parser.add_argument(
        "--page-read-only", action="store_true", help="who looks at the page may not act"
    )
    parser.add_argument(
        "--foxglove", nargs="?", type=port, const=0, default=None, metavar="PORT",
        help="serve Foxglove's viewers at 127.0.0.1, read-only, and print the address to open; "
        "default: 8800, or the next that is free",
    )  # fmt: skip
    parser.add_argument("--network", action="store_true", help="talk to other hosts, too")


def graph_options(options: argparse.Namespace) -> GraphOptions:
    """The graph that was chosen on the command line."""
    return GraphOptions(
        profile=options.profile,
        source=options.source,
        camera=options.camera,
        namespace=options.namespace,
        home=options.home,
        config=options.config,
        resume=not options.fresh,
        loop=not options.once,
    )


def with_viewers(
    options: argparse.Namespace, chosen: GraphOptions
) -> tuple[GraphOptions, tuple[PortLease, ...]]:
    """The graph with what serves its viewers, where that was asked for, and the ports.

    Each port has an `address` to print, and is to be held while the graph runs.

    Raises:
        InvalidInput: a port is taken.
    """
    leases: tuple[PortLease, ...] = ()
    if options.page is not None:
        page = PageLease(options.page)
        chosen = replace(chosen, page=page.port, page_acts=not options.page_read_only)
        leases += (page,)
    if options.foxglove is not None:
        foxglove = FoxgloveLease(options.foxglove)
        chosen = replace(chosen, foxglove=foxglove.port)
        leases += (foxglove,)
    return chosen, leases


def port(text: str) -> int:
    """An argparse type: a TCP port."""
    if not (text.isdecimal() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a port from 1 to 65535")
    return int(text)


def number(fits: Callable[[float], bool], expected: str) -> Callable[[str], float]:
    """An argparse type: a finite number that fits; `expected` says in words which do."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and fits(value)):
            raise argparse.ArgumentTypeError(f"{text!r}: expected {expected}")
        return value

    return parse


def duration_s(text: str) -> float:
    """An argparse type: a time such as 90, 30s, 10m, 2h or 1d, in seconds."""
    return _time_s(text, math.inf, "")


def forced_duration_s(text: str) -> float:
    """An argparse type: as `duration_s`; a day at most."""
    return _time_s(text, _UNITS_S["d"], ", of a day at most")


def _time_s(text: str, most_s: float, bound: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)([smhd]?)", text)
    value_s = float(found[1]) * _UNITS_S[found[2]] if found else 0.0
    if not 0.0 < value_s <= most_s:
        expected = f"expected a time such as 90, 30s, 10m or 2h{bound}"
        raise argparse.ArgumentTypeError(f"{text!r}: {expected}")
    return value_s


positive_seconds = number(lambda value: value > 0.0, "seconds greater than 0")
