"""The home folder of a run in lock-step; a run that is refused leaves a given one as it was."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sage.graph.runtime_file import running_graph
from sage_common.core.errors import InvalidInput
from sage_common.core.home import sage_home

ASIDE = ".before-"
PAYLOADS = "payloads"


@contextmanager
def lockstep_home(given: str) -> Iterator[str]:
    """The given home, else one that starts empty and is removed: two runs then start equal.

    Raises:
        InvalidInput: a graph runs in the given one.
    """
    if not given:
        with tempfile.TemporaryDirectory(prefix="sage-lockstep-") as folder:
            yield folder
        return
    home = sage_home(given)
    running = running_graph(home)
    if running is not None:
        raise InvalidInput("home", f"{home} (in use, pid {running.pid})", "a home of its own")
    with unchanged_if_refused(home):
        yield given


@contextmanager
def unchanged_if_refused(home: Path) -> Iterator[None]:
    """Put a home folder back as it was if what runs in it raises InvalidInput.

    Until then its files lie in it a second time; of payloads, which are never written again, there
    are links.

    Raises:
        OSError: there is no room for that.
    """
    if not home.exists():
        try:
            yield
        except InvalidInput:
            shutil.rmtree(home, ignore_errors=True)
            raise
        return
    there = list(home.iterdir())
    with tempfile.TemporaryDirectory(prefix=ASIDE, dir=home) as folder:
        before = Path(folder)
        for path in there:
            _copy(path, before / path.name)
        try:
            yield
        except InvalidInput:
            for path in home.iterdir():
                if path != before:
                    _remove(path)
            for path in before.iterdir():
                path.rename(home / path.name)
            raise


def _copy(path: Path, target: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        shutil.copy2(path, target, follow_symlinks=False)
    elif path.name == PAYLOADS:
        shutil.copytree(path, target, symlinks=True, copy_function=_link)
    else:
        shutil.copytree(path, target, symlinks=True)


def _link(path: str, target: str) -> None:
    try:
        os.link(path, target)
    except OSError:  # a file system without links
        shutil.copy2(path, target)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
