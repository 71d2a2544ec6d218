"""Progress bars on standard error; none where that is no terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Bars:
    """One bar for each thing that is counted, or one for a share of the whole."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def totals(self, totals: dict[str, int]) -> None:
        """How many there will be of each."""
        for name, total in totals.items():
            self._tasks[name] = self._progress.add_task(name, total=total)

    def count(self, name: str, more: int) -> None:
        """So many more are done."""
        self._progress.advance(self._tasks[name], more)

    def share(self, done: float, stage: str) -> None:
        """This share of the whole, [0, 1], is done, and this is being done now."""
        if not self._tasks:
            self.totals({"": 1})
        self._progress.update(self._tasks[""], completed=done, description=stage)


@contextmanager
def bars() -> Iterator[Bars]:
    """Bars while it lasts."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:>16}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield Bars(progress)
