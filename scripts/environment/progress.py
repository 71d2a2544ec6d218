"""Says on stderr which step runs and how long it took; keeps the output of tools in log files."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

EVERY_S = 20.0
"""A step that takes longer says so each time that this has passed."""
_SHOWN_LINES = 40


class StepFailed(Exception):
    """A tool failed; the message has the end of its output and where the rest is."""


class Progress:
    """Progress lines, and tools run quietly: what a tool prints is shown only if it fails.

    Steps may run side by side, each in a thread of its own.
    """

    def __init__(self, logs: Path, every_s: float = EVERY_S) -> None:
        self._logs = logs
        self._every_s = every_s
        self._running: list[str] = []
        logs.mkdir(parents=True, exist_ok=True)

    def say(self, text: str) -> None:
        # In one piece: lines of two threads do not mix.
        sys.stderr.write(f"set-up: {text}\n")
        sys.stderr.flush()

    @contextmanager
    def step(self, text: str, how_far: Callable[[], str] = str) -> Iterator[None]:
        """Announces a step, says now and then that it runs, and at its end how long it took.

        `how_far` may tell more of it, such as "120 of 224 steps".
        """
        self.say(f"{text} ...")
        start = time.monotonic()
        ended = threading.Event()
        about = (text, how_far, start, ended)
        teller = threading.Thread(target=self._tell, args=about, daemon=True)
        self._running.append(text)
        teller.start()
        outcome = "failed after"
        try:
            yield
            outcome = "done in"
        finally:
            ended.set()
            teller.join()
            self._running.remove(text)
            rest = "".join(f"; still running: {other}" for other in [*self._running])
            self.say(f"{text}: {outcome} {time.monotonic() - start:.1f} s{rest}")

    def _tell(
        self, text: str, how_far: Callable[[], str], start: float, ended: threading.Event
    ) -> None:
        while not ended.wait(self._every_s):
            state = f"{how_far()}, {time.monotonic() - start:.0f} s so far".removeprefix(", ")
            self.say(f"{text}: {state}")

    def log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def run(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        keep_open: Sequence[int] = (),
    ) -> None:
        """Runs a tool in `folder` with its output in the log `name`; raises StepFailed.

        `keep_open` are file descriptors that the tool inherits.
        """
        log = self.log(name)
        with log.open("wb") as output:
            status = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=folder,
                pass_fds=keep_open,
                check=False,
            ).returncode
        if status != 0:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            end = "\n".join(lines[-_SHOWN_LINES:])
            raise StepFailed(
                f"{end}\n{' '.join(command[:4])} ... failed ({status}); all of its output: {log}"
            )
