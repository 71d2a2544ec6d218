"""Plugins that misuse the machine or their process, each in a way of its own."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from misbehaving_plugins import Halving

from sage_orchestrator.core.plugin import Budget, Task


class Spinning(Halving):
    """Spins in its second step, for ever, and catches what it can."""

    def step(self, state: float) -> float:
        while True:
            try:
                sum(range(1000))
            except Exception:  # noqa: BLE001
                continue


class Sleeping(Halving):
    """Sleeps in its second step, without end."""

    def step(self, state: float) -> float:
        while True:
            time.sleep(3600.0)


class Hoarding(Halving):
    """Takes 160 MB more in each step, which it does not end."""

    def step(self, state: float) -> float:
        held = [b"\1" * 16_000_000 for _ in range(10)]
        while held:
            time.sleep(0.001)
        return state


class Gulping(Halving):
    """Takes 4 GB at once."""

    def step(self, state: float) -> float:
        return float(len(bytearray(4_000_000_000)))


class Forking(Halving):
    """Starts processes that start others, and leave its session and its process group."""

    def step(self, state: float) -> float:
        while True:
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    time.sleep(3600.0)
                os._exit(0)  # its child is an orphan now
            time.sleep(0.001)


class Crashing(Halving):
    """Reads memory that there is not."""

    def step(self, state: float) -> float:
        return float(ctypes.string_at(0)[0])


class BurningOut(Crashing):
    """Computes for 0.2 s of CPU time, and then crashes."""

    def step(self, state: float) -> float:
        end_s = time.process_time() + 0.2
        while time.process_time() < end_s:
            pass
        return super().step(state)


class Leaving(Halving):
    """Ends its process, as a native library may."""

    def step(self, state: float) -> float:
        os._exit(3)


class Garbling(Halving):
    """Writes into whatever it finds open."""

    def step(self, state: float) -> float:
        for number in sorted(int(name) for name in os.listdir("/proc/self/fd"))[3:]:
            try:
                os.write(number, b"\0" * 4096)
            except OSError:
                continue
        return state / 2.0


class Delegating(Halving):
    """Has a process of its own compute for 0.2 s of CPU time in each step, and waits for it."""

    max_steps = 2
    busy_s = 0.2

    def halt(self, history: Any) -> str:
        return ""

    def step(self, state: float) -> float:
        burn = f"import time\nwhile time.process_time() < {self.busy_s}: pass"
        subprocess.run([sys.executable, "-I", "-S", "-c", burn], check=True)
        return state / 2.0


class LeavingWorkBehind(Halving):
    """Starts a process in its first answer that computes on between its steps and its runs."""

    def load(self) -> None:
        self.helper: subprocess.Popen[bytes] | None = None

    def init_state(self, task: Task, budget: Budget) -> float:
        if self.helper is None:
            self.helper = subprocess.Popen([sys.executable, "-I", "-S", "-c", "while True: pass"])
        return 1.0

    def result(self, state: float) -> Mapping[str, Any]:
        return {"helper": self.helper.pid}

    def unload(self) -> None:
        self.helper.kill()
        self.helper.wait()


class DyingLater(Halving):
    """Its process ends a moment after its run."""

    def result(self, state: float) -> Mapping[str, Any]:
        threading.Timer(0.05, os.kill, (os.getpid(), 11)).start()
        return {"summary": "not for long"}
