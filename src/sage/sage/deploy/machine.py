"""Another machine, reached by the `ssh` of this one and its configuration."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_CONNECT_TIMEOUT_S = 10
_ANSWER_TIMEOUT_S = 60


class MachineError(RuntimeError):
    """It is not reached, or what it was asked to do failed."""


@contextmanager
def connected(host: str, ssh_config: Path | None) -> Iterator[Machine]:
    """A machine, over one connection that all commands share; it asks for no password.

    Args:
        host: as `ssh` takes it: a name, an address, `user@host`, or a `Host` of its configuration.
        ssh_config: a configuration in place of the user's own; None: that one.

    Raises:
        MachineError: it is not reached, or would ask.
    """
    with tempfile.TemporaryDirectory(prefix="sage-ssh-") as folder:
        config = [] if ssh_config is None else ["-F", str(ssh_config)]
        ssh = ["ssh", *config, "-S", f"{folder}/link"]
        timeout = f"ConnectTimeout={_CONNECT_TIMEOUT_S}"
        open_it = [*ssh, "-o", "BatchMode=yes", "-o", timeout, "-M", "-N", "-f", "--", host]
        with Path(folder, "said").open("w+") as said:  # no pipe: what stays would hold it open
            opened = subprocess.run(
                open_it, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False
            )
            said.seek(0)
            if opened.returncode:
                raise MachineError(f"{host}: {said.read().strip()}")
        try:
            yield Machine(host, tuple(ssh))
        finally:
            close_it = [*ssh, "-O", "exit", "--", host]
            subprocess.run(close_it, capture_output=True, check=False)


@dataclass(frozen=True)
class Machine:
    """A machine that takes commands over SSH.

    Attributes:
        host: its name.
        ssh: the program, and the options by which it uses the connection.
    """

    host: str
    ssh: tuple[str, ...]

    def answer(self, *words: str) -> str:
        """What a command prints there.

        Raises:
            MachineError: with what it says.
        """
        try:
            done = subprocess.run(
                self._command(words), capture_output=True, text=True, check=False,
                stdin=subprocess.DEVNULL, timeout=_ANSWER_TIMEOUT_S,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise MachineError(f"{self.host}: no answer in {_ANSWER_TIMEOUT_S} s") from error
        if done.returncode:
            said = done.stderr.strip() or f"exit status {done.returncode}"
            raise MachineError(f"{self.host}: {words[0]}: {said}")
        return done.stdout.strip()

    def run(self, *words: str, stdin: IO[bytes] | int = subprocess.DEVNULL) -> None:
        """Run a command there; what it prints is seen here while it works.

        Raises:
            MachineError: it failed.
        """
        done = subprocess.run(self._command(words), stdin=stdin, check=False)
        if done.returncode:
            raise MachineError(f"{self.host}: {words[0]} failed; what it says stands above")

    def _command(self, words: Sequence[str]) -> list[str]:
        return [*self.ssh, "--", self.host, shlex.join(words)]
