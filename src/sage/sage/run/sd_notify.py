"""What a service manager is told: sd_notify(3), without a library of systemd's."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, MutableMapping

_SOCKET, _PERIOD, _PID = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"


class ServiceNotifier:
    """Tells the service manager that started this process; nobody where none did.

    The variables are taken out of the environment: processes that this one starts are not to speak
    for it.

    Args:
        environment: of this process.
        on_fault: told once why the service manager could not be told something.

    Attributes:
        is_heard: whether there is a service manager.
    """

    def __init__(
        self, environment: MutableMapping[str, str], on_fault: Callable[[str], None]
    ) -> None:
        path = environment.pop(_SOCKET, "")
        period_us = environment.pop(_PERIOD, "")
        pid = environment.pop(_PID, str(os.getpid()))
        self._address = f"\0{path[1:]}" if path.startswith("@") else path
        self.is_heard = bool(path)
        self._period_s = int(period_us) * 1e-6 if period_us and pid == str(os.getpid()) else 0.0
        self._fed_s = 0.0
        self._status = ""
        self._on_fault: Callable[[str], None] | None = on_fault

    def ready(self) -> None:
        """The graph is up, or has read anew what was asked of it."""
        self._send("READY=1")

    def reloading(self) -> None:
        """What a reload asks for begins; `ready` says that it is done."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The graph is about to end."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """How it is, in a line; sent when it has changed."""
        if text != self._status:
            self._status = text
            self._send(f"STATUS={text}")

    def feed_watchdog(self, now_s: float) -> None:
        """All is well at `now_s` [s, monotonic]; sent twice as often as is asked for."""
        if self._period_s and now_s - self._fed_s >= self._period_s / 2:
            self._fed_s = now_s
            self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if not self.is_heard:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.setblocking(False)
            try:
                sender.connect(self._address)
                sender.send(message.encode())
            except OSError as error:  # the graph runs on without it
                if self._on_fault is not None:
                    self._on_fault(f"the service manager does not hear: {error}")
                    self._on_fault = None
