"""Print what a shell needs to complete `sage` commands and options with the tab key.

bash: `sage completion bash > ~/.local/share/bash-completion/completions/sage`; zsh: the same into
`_sage` in a folder of $fpath; fish: `sage completion fish > ~/.config/fish/completions/sage.fish`.
Do it again after a plugin or an update has brought commands.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import Any

import shtab

from sage.cli import command_modules, first_line

SHELLS = ("bash", "zsh", "fish")
_COMPLETED: dict[Any, dict[str, str]] = {
    "DIR": shtab.DIRECTORY,
    "FILE": shtab.FILE,
    "BAG": shtab.FILE,
    Path: shtab.FILE,
}
"""How values are completed, by their metavar or else their type."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS)


def run(options: argparse.Namespace) -> int:
    print(script(command_modules(), options.shell))
    return 0


def script(modules: dict[str, str], shell: str) -> str:
    """The completion of all commands, as a script for a shell; `modules`: of them, by name."""
    parser = argparse.ArgumentParser(prog="sage")
    commands = parser.add_subparsers(dest="command")
    for name, path in modules.items():
        module = importlib.import_module(path)
        module.add_arguments(commands.add_parser(name, help=first_line(module.__doc__)))
    _complete_paths(parser)
    return str(shtab.complete(parser, shell))


def _complete_paths(parser: argparse.ArgumentParser) -> None:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub_parser in action.choices.values():
                _complete_paths(sub_parser)
        completed = _COMPLETED.get(action.metavar) or _COMPLETED.get(action.type)
        if completed is not None and not action.choices:
            action.complete = completed  # type: ignore[attr-defined]  # as shtab documents
