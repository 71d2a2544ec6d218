"""A toy that fails once in a phase, or waits in it until it is let go."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, ClassVar

from toy_nodes import ToyNode

WAIT_S = 20.0


class FailingToy(ToyNode):
    """Fails in each phase that `fail_in` holds, once.

    Attributes:
        fail_in: configure, restore, activate, deactivate.
        wait_in: phases that wait for `go`; `waiting` says that one does.
        ran: what ran, in order.
    """

    default_name = "toy"
    fail_in: ClassVar[set[str]] = set()
    wait_in: ClassVar[set[str]] = set()

    def on_configure(self) -> None:
        super().on_configure()
        self.ran: list[str] = []
        self.go, self.waiting = threading.Event(), threading.Event()
        self.later = self.worker("later")
        self._phase("configure")

    def restore(self, state: Mapping[str, Any]) -> None:
        if "restore" in self.fail_in:
            raise RuntimeError("told to fail in restore")
        super().restore(state)

    def on_activate(self) -> None:
        super().on_activate()
        self.learned[3] = 7.0  # a failed activation may have changed what is learned
        self._phase("activate")

    def on_deactivate(self) -> None:
        super().on_deactivate()
        self._phase("deactivate")

    def _on_text(self, message: Any) -> None:
        if message.text == "wait":
            self._wait()
        self.ran.append(f"heard {message.text}")
        super()._on_text(message)

    def _phase(self, name: str) -> None:
        if name in self.wait_in:
            self._wait()
        self.ran.append(name)
        if name in self.fail_in:
            self.fail_in.remove(name)
            raise RuntimeError(f"told to fail in {name}")

    def _wait(self) -> None:
        self.waiting.set()
        assert self.go.wait(WAIT_S)
