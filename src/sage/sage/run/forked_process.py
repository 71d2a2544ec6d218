"""Processes that a fork server makes: `sage_common.fork_server` says how and why.

They are children of this process, which becomes their subreaper, and are watched as those of
`subprocess` are.
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

_PR_SET_CHILD_SUBREAPER = 36
_WAIT_PERIOD_S = 0.01
_END_TIMEOUT_S = 5.0
ROOM = " " * 8192
"""Of the server's command line, into which each process writes its own."""


class ForkedProcess:
    """A program in a fork of the server, watched like a `subprocess.Popen`.

    Attributes:
        pid: its number; None until the server has forked it.
        returncode: its exit status, or minus the signal that ended it; None while it runs.
    """

    def __init__(self, hear: Callable[[], None]) -> None:
        self._hear = hear
        self.pid: int | None = None
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its return code; None while it runs or is still to be forked."""
        if self.pid is None:
            self._hear()
        if self.pid is not None and self.returncode is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout_s: float = math.inf) -> int:
        """Its return code, once it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not in time.
        """
        end_s = time.monotonic() + timeout_s
        while (code := self.poll()) is None:
            if time.monotonic() >= end_s:
                raise subprocess.TimeoutExpired(str(self.pid), timeout_s)
            time.sleep(_WAIT_PERIOD_S)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended or was never forked."""
        if self.poll() is None and self.pid is not None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """This end of the connection with one fork server.

    Args:
        program: path of the executable `fork_server`.
        modules: what it imports.
        start: starts a command that inherits a descriptor.
    """

    def __init__(
        self,
        program: str,
        modules: Sequence[str],
        start: Callable[[list[str], tuple[int, ...]], subprocess.Popen[bytes]],
    ) -> None:
        become_subreaper(True)
        self._asked: deque[ForkedProcess] = deque()
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._requests.setblocking(False)
        with theirs:
            number = str(theirs.fileno())
            words = [sys.executable, program, "--socket", number, "--room", ROOM, *modules]
            self.process = start(words, (theirs.fileno(),))

    def fork(self, command: Sequence[str], environment: Mapping[str, str]) -> ForkedProcess:
        """Ask for the Python program `command[1]` in a process of its own, without waiting.

        `environment` comes on top of the server's. A server that has ended forks nothing more:
        `pid` stays None.
        """
        forked = ForkedProcess(self.hear)
        try:
            self._requests.send(json.dumps([list(command), dict(environment)]).encode())
            self._asked.append(forked)
        except (BrokenPipeError, ConnectionResetError):
            pass  # its end is seen by whoever watches `process`
        return forked

    def hear(self) -> None:
        """Take note of what was forked since the last time."""
        while self._asked:
            try:
                answer = self._requests.recv(64)
            except ConnectionResetError:
                continue  # it ended with requests unread; what it had answered comes after this
            except BlockingIOError:
                return
            if not answer:
                return
            self._asked.popleft().pid = int(json.loads(answer))

    def stop(self) -> None:
        """End the server, and note all that it has forked; what is left will not be."""
        self.process.terminate()
        try:
            self.process.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:  # it is stopped, or in the middle of an import
            self.process.kill()
            self.process.wait()
        self.hear()
        self._asked.clear()
        self._requests.close()


def become_subreaper(is_one: bool) -> None:
    """Whether processes whose parent ends become this one's children."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, int(is_one), 0, 0, 0)
