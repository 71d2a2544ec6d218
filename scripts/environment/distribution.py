"""The ROS 2 distributions that the set-up can install, each into an environment of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Distribution:
    """One distribution, and where in the repository at `root` its set-up keeps things."""

    name: str
    root: Path
    prefix: Path  # the virtual environment
    lock: Path
    build: Path  # folder of logs, wheels and build outputs

    @property
    def first_groups(self) -> tuple[str, ...]:
        """Requirements that come before all others: ROS, and what builds our packages on it."""
        return (f"ros_{self.name}", "build")

    def ranges(self, group: str) -> Path:
        """The file with the direct dependencies of a purpose."""
        return self.root / "requirements" / f"{group}.in"


def distributions(root: Path) -> dict[str, Distribution]:
    """The distributions by name: Jazzy is what everything uses, the others have a test."""
    requirements, build = root / "requirements", root / "build"
    return {
        "jazzy": Distribution("jazzy", root, root / ".venv", requirements / "lock.txt", build),
        "kilted": Distribution(
            "kilted",
            root,
            root / ".venv-kilted",
            requirements / "lock_kilted.txt",
            build / "kilted",
        ),
    }
