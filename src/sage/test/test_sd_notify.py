"""A service manager hears what sd_notify(3) says that it does, and nobody hears without one."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sage.run.sd_notify import ServiceNotifier


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """Its socket, and the name of it as the environment has it."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@sage-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(f"\0{name[1:]}" if name.startswith("@") else name)
        made.setblocking(False)
        yield made, name


def heard(manager: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(manager.recv(4096).decode())
        except BlockingIOError:
            return found


def test_it_is_told_each_state_in_its_words(manager: tuple[socket.socket, str]) -> None:
    made, name = manager
    environment = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "2000000", "HOME": "/"}
    notifier = ServiceNotifier(environment, pytest.fail)
    assert notifier.is_heard and environment == {"HOME": "/"}
    notifier.ready()
    for text in ("17 processes run", "17 processes run", "degraded: camera"):
        notifier.status(text)
    for now_s in (100.0, 100.5, 101.0, 101.4, 102.0):
        notifier.feed_watchdog(now_s)
    notifier.reloading()
    notifier.stopping()
    *before, reloading, stopping = heard(made)
    assert before == [
        "READY=1", "STATUS=17 processes run", "STATUS=degraded: camera",
        "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1",
    ]  # fmt: skip
    first, second = reloading.splitlines()
    assert first == "RELOADING=1" and int(second.removeprefix("MONOTONIC_USEC=")) > 0
    assert stopping == "STOPPING=1"


def test_a_watchdog_of_another_process_is_not_fed(manager: tuple[socket.socket, str]) -> None:
    made, name = manager
    environment = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "1"}
    ServiceNotifier(environment, pytest.fail).feed_watchdog(100.0)
    assert heard(made) == []


def test_without_a_service_manager_nothing_is_sent() -> None:
    notifier = ServiceNotifier({}, pytest.fail)
    assert not notifier.is_heard
    notifier.ready()
    notifier.feed_watchdog(100.0)


def test_a_service_manager_that_does_not_hear_is_a_fault_that_is_said_once(tmp_path: Path) -> None:
    faults: list[str] = []
    notifier = ServiceNotifier({"NOTIFY_SOCKET": str(tmp_path / "none")}, faults.append)
    notifier.ready()
    notifier.stopping()
    assert len(faults) == 1 and "does not hear" in faults[0]
