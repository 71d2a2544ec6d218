"""Links the packages' executables to where `launch_ros` looks for them: lib/<package>/."""

from __future__ import annotations

import configparser
from collections.abc import Iterable
from pathlib import Path


def link_executables(prefix: Path, site_packages: Path, packages: Iterable[str]) -> None:
    """Makes lib/<package>/ below `prefix` hold links to the package's console scripts in bin/."""
    for package in packages:
        folder = prefix / "lib" / package
        wanted = _console_scripts(site_packages, package)
        for old in _links(folder):
            if old.name not in wanted:
                old.unlink()
        for name in wanted:
            folder.mkdir(exist_ok=True)
            link = folder / name
            if not link.is_symlink():
                link.symlink_to(Path("..", "..", "bin", name))


def _links(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_symlink()] if folder.is_dir() else []


def _console_scripts(site_packages: Path, package: str) -> list[str]:
    entry_points = configparser.ConfigParser(delimiters="=")
    # Names of executables are case-sensitive; by default a ConfigParser folds them.
    entry_points.optionxform = str  # type: ignore[assignment,method-assign]
    for path in site_packages.glob(f"{package}-*.dist-info/entry_points.txt"):
        entry_points.read(path, encoding="utf-8")
    return list(entry_points["console_scripts"]) if "console_scripts" in entry_points else []
