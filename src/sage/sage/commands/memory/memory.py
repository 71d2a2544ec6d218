"""Manage the memory: numbers, export and import, sleep, and what is kept or forgotten.

What changes the memory goes through the running graph where one runs, else straight to the store.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sage.commands.options import add_home_argument
from sage_common.core.errors import InvalidInput
from sage_common.core.home import sage_home

FORMATS = ("parquet", "jsonl")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def add(name: str, run: Callable[[argparse.Namespace], int], text: str) -> Any:
        action = actions.add_parser(name, help=text, description=text)
        action.set_defaults(act=run)
        action.add_argument("--json", action="store_true")
        add_home_argument(action)
        return action

    add("stats", _stats, "what the memory holds")
    add(
        "entities",
        _entities,
        "who and what was heard from, how far it is trusted, and what was met again",
    )
    export = add("export", _export, "write everything into a new folder; a graph may run")
    export.add_argument("folder", type=Path, metavar="DIR")
    export.add_argument("--format", choices=FORMATS, default="parquet", help="default: parquet")
    imported = add("import", _import, "import an export into an empty memory; no graph may run")
    imported.add_argument("folder", type=Path, metavar="DIR")
    imported.add_argument("--merge", action="store_true", help="add what this memory lacks")
    sleep = add("sleep", _sleep, "consolidate: merge what is alike, evict what matters least")
    sleep.add_argument("--target", type=float, default=0.2, metavar="SHARE", help="default: 0.2")
    sleep.add_argument("--max-duration", type=float, default=0.0, metavar="S", help="0: until done")
    sleep.add_argument("--dry-run", action="store_true", help="only say what would be done")
    add("verify", _verify, "check every row, checksum, link and payload")
    add("repair", _repair, "rebuild a store from what can be read of a damaged one")
    add("reembed", _reembed, "vectors of the present encoders for what was kept with others")
    add(
        "name",
        _name,
        "name kept pictures that were not named yet, and find taught words; while no graph runs, "
        "which itself names what it keeps",
    )
    pin = add("pin", _pin, "never evict anything of an experience")
    pin.add_argument("id", metavar="ID")
    pin.add_argument("--off", action="store_true", help="it may be evicted again")
    forget = add("forget", _forget, "remove experiences for good, payloads too")
    forget.add_argument("ids", nargs="+", metavar="ID")
    forget.add_argument("--reason", default="asked to", help="kept; must not repeat the content")
    forget.add_argument("--yes", action="store_true", help="do not ask")
    undo = add("undo", _undo, "undo the last sleep, or this one")
    undo.add_argument("run", nargs="?", default="", metavar="RUN", help="as `sleep` printed it")


def run(options: argparse.Namespace) -> int:
    from sage_memory.core.errors import StoreLocked

    try:
        return int(options.act(options))
    except StoreLocked as error:
        again = f"stop it, or wait until it is done; then repeat `sage memory {options.action}`"
        raise StoreLocked(error.path, error.pid, error.holder, again) from error


def _stats(options: argparse.Namespace) -> int:
    from sage.memory.counts import count
    from sage.memory.opening import open_memory
    from sage.memory.report import stats_lines

    home = sage_home(options.home)
    with open_memory(home, read_only=True) as memory:
        counts = memory.read(count)
    _print(options, vars(counts), lambda: stats_lines(home, counts))
    return 0


def _entities(options: argparse.Namespace) -> int:
    from sage.memory.opening import open_memory
    from sage.memory.report import entity_lines, met_lines
    from sage_memory.core.identifiers import id_text

    home = sage_home(options.home)
    with open_memory(home, read_only=True) as memory:
        known, met = memory.entities().values(), memory.individuals()
    found = sorted(map(vars, known), key=lambda entity: (-entity["trust"], entity["name"]))
    shown = [vars(one) | {"last_id": id_text(one.last_id)} for one in met]
    _print(
        options,
        {"entities": found, "met": shown},
        lambda: [*entity_lines(home, found), *met_lines(met)],
    )
    return 0


def _export(options: argparse.Namespace) -> int:
    from sage.memory.bars import bars
    from sage.memory.exports.transfer import export_home
    from sage.memory.report import export_lines

    folder = options.folder.expanduser()
    with bars() as shown:
        done = export_home(
            sage_home(options.home), folder, options.format, shown.count, shown.totals
        )
    _print(options, vars(done), lambda: export_lines(folder, done))
    return 0


def _import(options: argparse.Namespace) -> int:
    from sage.memory.bars import bars
    from sage.memory.exports.transfer import import_home
    from sage.memory.report import import_lines

    home = sage_home(options.home)
    with bars() as shown:
        done = import_home(
            home, options.folder.expanduser(), options.merge, shown.count, shown.totals
        )
    _print(options, vars(done), lambda: import_lines(home, done))
    return 0


def _sleep(options: argparse.Namespace) -> int:
    from sage.client.memory_client import memory_client
    from sage.memory.bars import bars
    from sage.memory.interrupts import stop_on_interrupt
    from sage.memory.report import sleep_lines
    from sage_memory.core.sleep.options import SleepOptions, checked

    home = sage_home(options.home)
    how = checked(
        SleepOptions(
            target_share=options.target,
            max_duration_s=options.max_duration,
            dry_run=options.dry_run,
        )
    )
    with bars() as shown, stop_on_interrupt() as should_stop:
        done = memory_client(home).sleep(how, shown.share, should_stop)
    _print(options, vars(done), lambda: sleep_lines(done))
    return 0


def _undo(options: argparse.Namespace) -> int:
    from sage.client.memory_client import memory_client

    home = sage_home(options.home)
    done = memory_client(home).undo_sleep(options.run)
    rest = f"; {done.message}" if done.message else ""
    _print(options, vars(done), lambda: [f"{done.restored} experiences are as before{rest}"])
    return 0


def _verify(options: argparse.Namespace) -> int:
    from sage.memory.repairing import verify_home
    from sage.memory.report import finding_lines

    home = sage_home(options.home)
    found = verify_home(home)
    shown = {"findings": [vars(finding) for finding in found]}
    _print(options, shown, lambda: finding_lines(home, found))
    return 1 if any(finding.serious for finding in found) else 0


def _repair(options: argparse.Namespace) -> int:
    from sage.memory.bars import bars
    from sage.memory.repairing import repair_home, verify_home
    from sage.memory.report import repair_lines
    from sage_memory.core.recovery.repair import ProgressCallback

    home = sage_home(options.home)
    if not verify_home(home):
        sound = f"nothing is wrong with the store in {home}: there is nothing to repair"
        _print(options, {"set_aside": "", "kept": {}, "lost": []}, lambda: [sound])
        return 0
    with bars() as progress:
        done = repair_home(home, ProgressCallback(progress.totals, progress.count))
    shown = {"set_aside": str(done.set_aside), "kept": done.kept, "lost": done.lost}
    _print(options, shown, lambda: repair_lines(home, done))
    return 0


def _reembed(options: argparse.Namespace) -> int:
    from sage.memory.reembedding import reembed_home

    return _complete(options, reembed_home, "vectors made")


def _name(options: argparse.Namespace) -> int:
    from sage.memory.naming import name_home

    return _complete(options, name_home, "names given to what is kept")


def _complete(options: argparse.Namespace, home_work: Callable[..., Any], made: str) -> int:
    from sage.memory.bars import bars
    from sage.memory.interrupts import stop_on_interrupt

    with bars() as shown, stop_on_interrupt() as should_stop:
        done = home_work(sage_home(options.home), shown.share, should_stop)
    rest = f"; {done.failed} could not be, the last: {done.fault}" if done.failed else ""
    _print(options, vars(done), lambda: [f"{done.made} {made}{rest}"])
    return 0


def _pin(options: argparse.Namespace) -> int:
    from sage.client.memory_client import memory_client

    home = sage_home(options.home)
    memory_client(home).pin(options.id, not options.off)
    state = "may be evicted again" if options.off else "is pinned: it is never evicted"
    shown = {"id": options.id, "pinned": not options.off}
    _print(options, shown, lambda: [f"{options.id} {state}"])
    return 0


def _forget(options: argparse.Namespace) -> int:
    from sage.client.memory_client import memory_client
    from sage.memory.report import leftover_lines
    from sage_memory.core.store.leftovers import find_leftovers

    home = sage_home(options.home)
    if not (options.yes or _confirmed(len(options.ids), home)):
        return 1
    done = memory_client(home).forget(options.ids, options.reason)
    line = f"{done.forgotten} experiences are gone for good, {done.bytes_freed} bytes of content"
    _print(options, vars(done), lambda: [line])
    for warning in leftover_lines(find_leftovers(home)):
        print(warning, file=sys.stderr)
    return 0


def _confirmed(count: int, home: Path) -> bool:
    """Whether the person at the terminal wants it.

    Raises:
        InvalidInput: there is no terminal to ask at.
    """
    if not sys.stdin.isatty():
        raise InvalidInput("yes", False, "--yes: there is no terminal to ask at")
    answer = input(f"Remove {count} experiences of {home} for good? It cannot be undone. [y/N] ")
    return answer.strip().lower() in ("y", "yes")


def _print(
    options: argparse.Namespace, values: Mapping[str, Any], lines: Callable[[], list[str]]
) -> None:
    print(json.dumps(values) if options.json else "\n".join(lines()))
