"""Finds a Python that the ROS wheels are made for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

OLDEST, NEWEST = (3, 10), (3, 12)
_QUESTION = """
import importlib.util, json, platform, sys, sysconfig
print(json.dumps({
    "version": list(sys.version_info[:3]),
    "executable": sys.executable,
    "include": sysconfig.get_path("include"),
    "implementation": platform.python_implementation(),
    "machine": platform.machine(),
    "has_ensurepip": importlib.util.find_spec("ensurepip") is not None,
}))
"""


class NoInterpreter(Exception):
    """No suitable Python; the message says what was tried and what would do."""


@dataclass(frozen=True)
class Interpreter:
    """A Python that runs."""

    executable: str
    version: tuple[int, int, int]
    include: str  # folder that has, or should have, Python.h
    implementation: str  # "CPython", ...
    machine: str  # "x86_64", ...
    has_ensurepip: bool  # Debian splits it off

    @property
    def release(self) -> tuple[int, int]:
        return self.version[:2]

    @property
    def unsuitable(self) -> str | None:
        """Why SAGE cannot use it; None if it can."""
        if self.implementation != "CPython":
            return f"is {self.implementation}, not CPython"
        if not OLDEST <= self.release <= NEWEST:
            return f"is Python {self.release[0]}.{self.release[1]}, not 3.10 to 3.12"
        return None


def find_interpreter(wanted: str | None, present: str | None = None) -> Interpreter:
    """The Python named by `wanted`; else `present`, or else the first suitable one on the PATH.

    `present` is the one that an existing environment was made by. Raises NoInterpreter, which
    says for each candidate why it will not do.
    """
    if wanted:
        return choose([wanted], ask)
    named = [present] if present else []
    return choose([*named, "python3", "python3.12", "python3.11", "python3.10"], ask)


def choose(names: Sequence[str], ask: Callable[[str], Interpreter | str]) -> Interpreter:
    """The first of `names` that is suitable; `ask` returns the interpreter or why there is none."""
    reasons = []
    for name in names:
        answer = ask(name)
        if isinstance(answer, str):
            reasons.append(f"{name} {answer}")
        elif answer.unsuitable:
            reasons.append(f"{name} {answer.unsuitable}")
        else:
            return answer
    raise NoInterpreter(
        f"no suitable Python: {'; '.join(reasons)}. Install Python 3.10, 3.11 or 3.12, or name "
        "one: PYTHON=/path/to/python3.11 make ..."
    )


def ask(name: str) -> Interpreter | str:
    """Runs the Python called `name` and asks what it is; returns why not, if it does not run.

    Only running it tells: a version manager's shim may be there without the version.
    """
    path = shutil.which(name)
    if path is None:
        return "is not on the PATH"
    try:
        answer = subprocess.run(
            [path, "-I", "-c", _QUESTION],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=without_python_settings(os.environ),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"does not run ({error})"
    if answer.returncode != 0:
        return f"does not run (exit status {answer.returncode})"
    facts = json.loads(answer.stdout)
    facts["version"] = tuple(facts["version"])
    return Interpreter(**facts)


def without_python_settings(environment: os._Environ[str] | dict[str, str]) -> dict[str, str]:
    """A copy of `environment` without what another Python, environment or ROS left in it."""
    foreign = {
        "AMENT_PREFIX_PATH",
        "CMAKE_PREFIX_PATH",
        "COLCON_PREFIX_PATH",
        "LD_LIBRARY_PATH",
        "MAKEFLAGS",
        "MFLAGS",
        "PYTHONHOME",
        "PYTHONPATH",
        "VIRTUAL_ENV",
        "_ROS_WHEELS_BOOTSTRAP_COMPLETE",
        "__PYVENV_LAUNCHER__",
    }
    return {name: value for name, value in environment.items() if name not in foreign}
