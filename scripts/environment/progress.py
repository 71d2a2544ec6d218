"""Says on stderr which step runs and how long it took; keeps the output of tools in log files."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_SHOWN_LINES = 40


class StepFailed(Exception):
    """A tool failed; the message has the end of its output and where the rest is."""


class Progress:
    """Progress lines, and tools run quietly: what a tool prints is shown only if it fails."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        logs.mkdir(parents=True, exist_ok=True)

    def say(self, text: str) -> None:
        print(f"set-up: {text}", file=sys.stderr, flush=True)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Announces a step, and at its end the seconds that it took."""
        self.say(f"{text} ...")
        start = time.monotonic()
        yield
        self.say(f"{text}: done in {time.monotonic() - start:.1f} s")

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
