"""The `sage` command line: finds the subcommand and reports errors in one line."""

from __future__ import annotations

import argparse
import importlib
import os
import re
import signal
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

COMMANDS = {
    "graph": {
        "run": "run the graph",
        "demo": "run the graph on a real recording and show what it does",
        "status": "watch a running graph: salience, budget, memory, health",
        "record": "record a running graph into a bag",
        "mcp": "let agents ask the running graph, by the Model Context Protocol",
        "replay": "play a bag into the graph, or through it in lock-step",
    },
    "memory": {
        "recall": "ask the memory",
        "explain": "say why a moment was or was not salient",
        "place": "name the place where the robot is, or list the places that are known",
        "teach": "teach a word with a few pictures or sounds, or list the words that were taught",
        "memory": "manage the memory: numbers, export, import, sleep, forgetting",
    },
    "compute": {
        "plugins": "list, load, replace and unload refinement plugins",
        "state": "show the metabolic state and why, or force one for a time",
        "pressure": "show how tight memory is and why, or force a level for a time",
        "profile": "what memory each process of a running graph takes, and what it could give back",
    },
    "machine": {
        "deploy": "put this checkout onto a robot over SSH, and run it there as a service",
        "soak": "run the graph for hours: does it hold its budgets, and does anything grow",
        "doctor": "say what is found and in effect, and how to fix what is not",
    },
}
"""Our own subcommands by their package in `sage.commands`, and what each does."""
GROUP = "sage.commands"
"""Entry points of packages that add subcommands, each a module like those in `sage.commands`."""
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; its exit status, 2 for wrong input."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # as it was while this was loaded
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone (`sage ... | head`); Python must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(words: list[str]) -> int:
    _prepare_environment()
    if not words or words[0] in ("-h", "--help"):
        print(_overview())
        return 0 if words else EXIT_USAGE
    name = words[0]
    if name == "--version":
        print(f"sage {metadata.version('sage')}")
        return 0
    modules = command_modules()
    if name not in modules:
        print(f"sage: {name!r}: expected one of {', '.join(modules)}", file=sys.stderr)
        return EXIT_USAGE
    module = importlib.import_module(modules[name])
    parser = argparse.ArgumentParser(prog=f"sage {name}", description=module.__doc__)
    module.add_arguments(parser)
    options = parser.parse_args(with_values(words[1:]))
    try:
        return int(module.run(options))
    except BrokenPipeError:
        raise
    except (ValueError, OSError, RuntimeError) as error:
        # InvalidInput, StoreMissing, ModelError, ServiceUnavailable ...: each names what is wrong.
        print(f"sage {name}: {error}", file=sys.stderr)
        return EXIT_USAGE


def with_values(words: Sequence[str]) -> list[str]:
    """`words`, each option joined with a value that argparse would take for an option: -5m.

    It knows only whole numbers such as -3 for values; of the others the commands shall say what
    they expect.
    """
    joined: list[str] = []
    for index, word in enumerate(words):
        if word == "--":
            return [*joined, *words[index:]]
        before = joined[-1] if joined else ""
        is_option = before.startswith("--") and "=" not in before
        if is_option and re.match(r"-\d", word) and not _is_number(word):
            joined[-1] = f"{before}={word}"
        else:
            joined.append(word)
    return joined


def _is_number(word: str) -> bool:
    return re.fullmatch(r"-\d+|-\d*\.\d+", word) is not None


def command_modules() -> dict[str, str]:
    """Subcommands and their modules: our own, and those of the packages that are installed."""
    own = {
        name: f"sage.commands.{package}.{name}"
        for package, commands in COMMANDS.items()
        for name in commands
    }
    return own | {found.name: found.value for found in metadata.entry_points(group=GROUP)}


def _overview() -> str:
    texts = {name: text for commands in COMMANDS.values() for name, text in commands.items()}
    for name, module in command_modules().items():
        if name not in texts:
            texts[name] = first_line(importlib.import_module(module).__doc__)
    width = max(map(len, texts))
    lines = [f"  {name:<{width}}  {text}" for name, text in texts.items()]
    usage = "usage: sage COMMAND [options]   (sage COMMAND --help, sage --version)"
    return "\n".join([usage, "", *lines])


def first_line(docstring: str | None) -> str:
    line = (docstring or "").partition("\n")[0].rstrip(".")
    return line[:1].lower() + line[1:]


def _prepare_environment() -> None:
    """Let a virtual environment be used without being activated, and without a home folder."""
    if "AMENT_PREFIX_PATH" not in os.environ and Path(sys.prefix, "share", "ament_index").is_dir():
        os.environ["AMENT_PREFIX_PATH"] = sys.prefix
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    if "HOME" not in os.environ:
        os.environ.setdefault("ROS_LOG_DIR", "/tmp/sage-log-" + str(os.getuid()))
