"""Where a machine keeps SAGE: its releases, its state, copies of that, and the unit."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

UNIT = "sage.service"
_REVISIONS = "src/sage_memory/sage_memory/migrations/versions"


@dataclass(frozen=True)
class Layout:
    """The folders of a machine.

    Attributes:
        root: what all of them lie under; `/` but in tests.
    """

    root: Path

    @property
    def releases(self) -> Path:
        return self.root / "opt/sage/releases"

    @property
    def current(self) -> Path:
        """A link to the release that the service runs."""
        return self.root / "opt/sage/current"

    @property
    def previous(self) -> Path:
        """A link to the release that it ran before."""
        return self.root / "opt/sage/previous"

    @property
    def state(self) -> Path:
        """SAGE's home: memory, checkpoints, logs."""
        return self.root / "var/lib/sage"

    @property
    def backups(self) -> Path:
        """The state as each release left it, by the name of the release."""
        return self.root / "var/backups/sage"

    @property
    def unit(self) -> Path:
        return self.root / "etc/systemd/system" / UNIT

    @property
    def network(self) -> Path:
        """What is added to the unit where other machines take part."""
        return self.unit.with_name(f"{UNIT}.d") / "network.conf"


def switch(link: Path, target: Path) -> None:
    """Point a link at another folder; there is no moment without it."""
    new = link.with_name(f"{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    os.replace(new, link)


def revisions(release: Path) -> frozenset[str]:
    """The revisions of the memory's schema that a release knows."""
    return frozenset(path.name for path in (release / _REVISIONS).glob("revision_*.py"))
