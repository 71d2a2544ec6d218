"""A checkout's last commit, put onto a machine and run there as a service."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from sage.deploy.machine import Machine, MachineError
from sage_common.core.errors import InvalidInput

X86, ARM = "x86_64", "aarch64"


class Deployment:
    """One machine, and where SAGE lies on it.

    Args:
        machine: to deploy to.
        root: what `/opt/sage` lies under there; `/` but in tests.
        report: given a line before each step.
    """

    def __init__(self, machine: Machine, root: str, report: Callable[[str], None]) -> None:
        self._machine = machine
        self._root = root.rstrip("/")
        self._report = report
        self._architecture = machine.answer("uname", "-m")
        if self._architecture not in (X86, ARM):
            raise InvalidInput(machine.host, self._architecture, f"{X86} or {ARM}")
        self._as_root = () if machine.answer("id", "-u") == "0" else ("sudo", "-n")

    def install(self, checkout: Path, network: bool) -> None:
        """Send the last commit, set it up there, and run it.

        On x86-64 that is a service of systemd; on arm64, for which ROS 2 comes in no wheels, the
        containers of `docker/compose.yaml`.

        Raises:
            InvalidInput: no checkout.
            MachineError: a step failed; the machine goes on with what it had.
        """
        release = _git(checkout, "describe", "--always", "--abbrev=12").decode().strip()
        if _git(checkout, "status", "--porcelain", "--untracked-files=no"):
            self._report("what is not committed is left out")
        folder = f"{self._root}/opt/sage/releases/{release}"
        self._report(f"sending {release} to {self._machine.host}:{folder}")
        self._machine.run(*self._as_root, "mkdir", "-p", "--", folder)
        with _archive(checkout) as archive:
            self._machine.run(*self._as_root, "tar", "-x", "-C", folder, stdin=archive.stdout)
        if archive.returncode:
            raise MachineError(f"{checkout}: git archive failed: {archive.returncode}")
        self._report("setting it up; the first time takes minutes")
        if self._architecture == X86:
            self._service(folder, "install", *(["--network"] if network else []))
        else:
            compose = f"{folder}/docker/compose.yaml"
            self._machine.run(*self._as_root, "docker", "compose", "--file", compose,
                              "up", "--build", "--detach", "nano")  # fmt: skip

    def roll_back(self, is_memory_restored: bool) -> None:
        """Have the service run the release before the current one again.

        Raises:
            MachineError: it cannot.
        """
        self._service(self._current(), "rollback",
                      *(["--restore-memory"] if is_memory_restored else []))  # fmt: skip

    def uninstall(self, is_purged: bool) -> None:
        """Remove the service; with `is_purged` its memory, too.

        Raises:
            MachineError: it cannot.
        """
        self._service(self._current(), "uninstall", *(["--purge"] if is_purged else []))

    def _current(self) -> str:
        if self._architecture != X86:
            raise InvalidInput(self._machine.host, self._architecture, f"{X86}: there is a service")
        return self._machine.answer("readlink", "-e", f"{self._root}/opt/sage/current")

    def _service(self, release: str, *words: str) -> None:
        program = f"{release}/scripts/install_service.py"
        root = ["--root", self._root] if self._root else []
        self._machine.run(*self._as_root, "python3", program, *root, *words)


def _git(checkout: Path, *words: str) -> bytes:
    done = subprocess.run(["git", "-C", checkout, *words], capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise InvalidInput("checkout", str(checkout), f"a clone of SAGE's repository ({said})")
    return done.stdout


def _archive(checkout: Path) -> subprocess.Popen[bytes]:
    command = ["git", "-C", str(checkout), "archive", "--format=tar", "HEAD"]
    return subprocess.Popen(command, stdout=subprocess.PIPE)
