"""Installs a release as the service, goes back to the one before, and removes it all."""

from __future__ import annotations

import pwd
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from service.copies import NoSpace, copy_state, delete_old, restore_state
from service.layout import UNIT, Layout, revisions, switch

ACCOUNT = "sage"
KEPT_OTHERS = 1
"""Releases and copies that stay beside those of the current release and the one before."""


class ServiceError(Exception):
    """What is asked for cannot be done; nothing was changed, or it was changed back."""


class Service:
    """The service on one machine.

    Args:
        layout: where it lies.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def install(self, release: Path, network: bool) -> None:
        """Set a release up, and have the service run it from now on, also after a restart.

        The service stops only after the release is ready, for as long as its state is copied. Where
        the new one does not start, the one before goes on with the state that it had.

        Args:
            release: a checkout in the folder of releases.
            network: other machines take part.

        Raises:
            ServiceError: it lies elsewhere, is not whole, or does not start.
        """
        layout = self._layout
        if release.parent != layout.releases:
            raise ServiceError(f"{release}: expected a folder in {layout.releases}")
        self._set_up(release)
        self._make_account()
        before = _target(layout.current)
        if before is not None:
            self._stop()
            if before != release:
                self._copy_state(before)
                switch(layout.previous, before)
        switch(layout.current, release)
        self._write_unit(release, network)
        if not self._started():
            self._go_back(before, release)
        needed = frozenset(p.name for p in (release, _target(layout.previous)) if p is not None)
        for folder in (layout.releases, layout.backups):
            if folder.is_dir():
                delete_old(folder, KEPT_OTHERS, needed)
        _say(f"{release.name} runs; it starts with the machine")

    def roll_back(self, is_memory_restored: bool) -> None:
        """Run the release before the current one again.

        Args:
            is_memory_restored: bring back the state that it left, too. What was remembered since
                then stays in the folder of copies, under the name of the current release.

        Raises:
            ServiceError: there is none before, it cannot read the memory, or it does not start.
        """
        layout = self._layout
        current, previous = _target(layout.current), _target(layout.previous)
        if current is None or previous is None or previous == current:
            raise ServiceError(f"{layout.previous}: there is no release to go back to")
        copy = layout.backups / previous.name
        if not is_memory_restored and not revisions(current) <= revisions(previous):
            raise ServiceError(
                f"{previous.name} cannot read the memory, which {current.name} has migrated; "
                f"--restore-memory brings back what {previous.name} left in {copy}, and keeps the "
                f"present one in {layout.backups / current.name}"
            )
        if is_memory_restored and not copy.is_dir():
            raise ServiceError(f"{copy}: expected the state that {previous.name} left")
        self._stop()
        self._copy_state(current)
        if is_memory_restored:
            restore_state(copy, layout.state)
        self._run(previous)
        switch(layout.previous, current)
        _say(f"{previous.name} runs again")

    def uninstall(self, is_purged: bool) -> None:
        """Remove service and releases; with `is_purged` memory, copies and account, too."""
        layout = self._layout
        self._systemctl("disable", "--now", UNIT)
        layout.unit.unlink(missing_ok=True)
        shutil.rmtree(layout.network.parent, ignore_errors=True)
        self._systemctl("daemon-reload")
        for link in (layout.current, layout.previous):
            link.unlink(missing_ok=True)
        shutil.rmtree(layout.releases, ignore_errors=True)
        if not is_purged:
            _say(f"removed; the memory stays in {layout.state}, its copies in {layout.backups}")
            return
        for folder in (layout.state, layout.backups):
            shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["userdel", ACCOUNT], check=False)
        _say("removed, and the memory with it")

    # Steps.

    def _set_up(self, release: Path) -> None:
        sage = release / ".venv/bin/sage"
        for command in (
            [sys.executable, str(release / "scripts/setup_environment.py"), "run"],
            [str(sage), "doctor"],
        ):
            if subprocess.run(command, cwd=release, check=False).returncode:
                raise ServiceError(f"{release.name} is not whole, and nothing was changed")

    def _make_account(self) -> None:
        try:
            pwd.getpwnam(ACCOUNT)
        except KeyError:
            home = str(self._layout.state)
            _checked(["useradd", "--system", "--home-dir", home, "--shell", "/usr/sbin/nologin",
                      "--user-group", ACCOUNT])  # fmt: skip

    def _copy_state(self, release: Path) -> None:
        """Copy the state as a release leaves it; where that fails, it runs on."""
        if not self._layout.state.is_dir():
            return
        try:
            copy_state(self._layout.state, self._layout.backups / release.name)
        except (NoSpace, OSError, subprocess.CalledProcessError):
            self._started()
            raise

    def _write_unit(self, release: Path, network: bool) -> None:
        layout, units = self._layout, release / "docker/systemd"
        layout.unit.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(units / UNIT, layout.unit)
        layout.network.unlink(missing_ok=True)
        if network:
            layout.network.parent.mkdir(exist_ok=True)
            shutil.copyfile(units / "network.conf", layout.network)
        self._systemctl("daemon-reload")

    def _started(self) -> bool:
        """Whether the service started; that takes until its graph is active."""
        return self._systemctl("enable", UNIT) and self._systemctl("start", UNIT)

    def _stop(self) -> None:
        if not self._systemctl("stop", UNIT):
            raise ServiceError(f"{UNIT} does not stop, and nothing was changed")

    def _run(self, release: Path) -> None:
        switch(self._layout.current, release)
        self._write_unit(release, self._layout.network.is_file())
        if not self._started():
            raise ServiceError(f"{release.name} does not start: journalctl --unit {UNIT}")

    def _go_back(self, before: Path | None, release: Path) -> None:
        if before is None or before == release:
            raise ServiceError(f"{release.name} does not start: journalctl --unit {UNIT}")
        self._systemctl("stop", UNIT)
        copy = self._layout.backups / before.name
        if copy.is_dir() and not revisions(release) <= revisions(before):
            restore_state(copy, self._layout.state)
        self._run(before)
        raise ServiceError(
            f"{release.name} did not start, so {before.name} runs again: journalctl --unit {UNIT}"
        )

    def _systemctl(self, *arguments: str) -> bool:
        return subprocess.run(["systemctl", *arguments], check=False).returncode == 0


def _target(link: Path) -> Path | None:
    return link.resolve() if link.is_symlink() and link.exists() else None


def _checked(command: Sequence[str]) -> None:
    if subprocess.run(command, check=False).returncode:
        raise ServiceError(f"{command[0]} failed, and nothing was changed")


def _say(text: str) -> None:
    print(f"service: {text}", flush=True)
