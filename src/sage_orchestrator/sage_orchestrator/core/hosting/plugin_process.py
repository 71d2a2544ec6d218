"""The process of a plugin: started, asked, watched, and ended with all that it started."""

from __future__ import annotations

import contextlib
import select
import socket
import subprocess
import time
from collections.abc import Callable
from typing import Any, TypeAlias

from sage_common.core.errors import words_of
from sage_orchestrator.core.hosting import wire
from sage_orchestrator.core.hosting.limits import ProcessEnded, ProcessLimits, words_of_end
from sage_orchestrator.core.hosting.process_tree import kill_descendants, reaping
from sage_orchestrator.core.hosting.warden import command, environment
from sage_orchestrator.core.plugin.interface import NothingToDo

WATCH_PERIOD_S = 0.05
"""Its memory and processes are counted so often while it works."""
IDLE_PERIOD_S = 0.5
"""And so often while it does not."""
KILL_TIMEOUT_S = 2.0
LINK_TIMEOUT_S = 2.0
"""So long a message may take once it has begun."""
NICE = 5
_NS_PER_S = 1_000_000_000
Answer: TypeAlias = Callable[[str, list[Any], dict[str, Any]], Any]


class PluginProcess:
    """See the module. One thread asks it at a time; any may kill it.

    Args:
        name: of the plugin.
        limits: of it and all that it starts.
        answer: what the plugin asks of this side, by the name of a capability, with its arguments
            and named arguments.

    Attributes:
        fault: why it is no more, in words; empty while it is.
    """

    def __init__(self, name: str, limits: ProcessLimits, answer: Answer) -> None:
        self._limits = limits
        self._answer = answer
        self._checked_ns = time.monotonic_ns()
        self.fault = ""
        self._link, theirs = socket.socketpair()
        self._link.settimeout(LINK_TIMEOUT_S)
        with theirs:
            self._warden = subprocess.Popen(
                command(name, theirs, limits.memory_bytes, NICE),
                stdin=subprocess.DEVNULL, start_new_session=True, pass_fds=(theirs.fileno(),),
                env=environment(),
            )  # fmt: skip

    def call(self, limit_s: float | None, method: str, *arguments: Any) -> Any:
        """Have a method called there, and answer what it asks for meanwhile.

        Args:
            limit_s: the longest that it may take; None: as long as it takes.

        Raises:
            ProcessEnded: the process ended, or was killed because it took longer or too much.
            NothingToDo: as the plugin's.
            Exception: of the name and with the words of what it raised.
        """
        if self.fault:
            raise ProcessEnded(self.fault)
        began_ns = time.monotonic_ns()
        try:
            wire.send(self._link, wire.packed([method, *arguments]))
            while True:
                self._await(began_ns, limit_s)
                outcome, *answer = wire.receive(self._link)
                if outcome != "ask":
                    break
                self._reply(*answer)
        except (OSError, EOFError, ValueError, TypeError) as error:
            self._note_end(error)
            raise ProcessEnded(self.fault) from error
        if outcome == "return":
            return answer[0]
        kind, words = answer
        raise NothingToDo(words) if kind == NothingToDo.__name__ else _error_there(kind, words)

    def check(self, period_s: float = IDLE_PERIOD_S) -> None:
        """Raises ProcessEnded: the process has ended, or has too much and is killed.

        Args:
            period_s: so long what was counted counts.
        """
        now_ns = time.monotonic_ns()
        with reaping():
            code = self._warden.poll()
        if code is not None:
            self.fault = self.fault or words_of_end(code)
        elif now_ns - self._checked_ns > period_s * _NS_PER_S:
            self._checked_ns = now_ns
            if excess := self._limits.excess(self._warden.pid):
                self.kill(excess)
        if self.fault:
            self._link.close()
            raise ProcessEnded(self.fault)

    def close(self) -> None:
        """End it; only by the thread that asks it."""
        self.kill("it is unloaded")
        self._link.close()

    def kill(self, words: str) -> None:
        """End the process and all that it started, at once; safe from any thread."""
        if self.fault:
            return
        self.fault = words
        kill_descendants(self._warden.pid)
        with reaping():
            try:
                self._warden.wait(KILL_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._warden.kill()
                self._warden.wait()
        with contextlib.suppress(OSError):
            self._link.shutdown(socket.SHUT_RDWR)  # whoever waits there closes it

    def _await(self, began_ns: int, limit_s: float | None) -> None:
        """Wait for a message; raises ProcessEnded if none comes in time."""
        poll = select.poll()
        poll.register(self._link, select.POLLIN)
        while True:
            now_ns = time.monotonic_ns()
            passed_s = (now_ns - began_ns) / _NS_PER_S
            left_s = WATCH_PERIOD_S if limit_s is None else limit_s - passed_s
            if now_ns - self._checked_ns > WATCH_PERIOD_S * _NS_PER_S:
                self.check(WATCH_PERIOD_S)
            if poll.poll(max(0.0, min(WATCH_PERIOD_S, left_s)) * 1e3):
                return
            if left_s <= 0.0:
                words = f"{passed_s:.1f} s in one step: killed"
                self.kill(words)
                self._link.close()
                raise ProcessEnded(words, is_late=True)

    def _reply(self, name: str, arguments: list[Any], named: dict[str, Any]) -> None:
        try:
            answer = wire.packed(["return", self._answer(name, arguments, named)])
        except Exception as error:  # noqa: BLE001 - what a capability raises is for the plugin
            answer = wire.packed(["raise", type(error).__name__, words_of(error)])
        wire.send(self._link, answer)

    def _note_end(self, error: Exception) -> None:
        """The link failed: the process has ended, or says what nobody understands."""
        if not self.fault and isinstance(error, EOFError | ConnectionError):
            with reaping(), contextlib.suppress(subprocess.TimeoutExpired):
                self.fault = words_of_end(self._warden.wait(KILL_TIMEOUT_S))
        self.kill(f"killed: what it says is not understood ({words_of(error)})")
        self._link.close()


def _error_there(kind: str, words: str) -> Exception:
    """What a plugin raised in its process, under the name that it had there."""
    made: Exception = type(kind, (RuntimeError,), {})(words)
    return made
