"""Packages of strangers, installed for a test: modules and `dist-info` in a folder of their own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def install(
    site: Path,
    package: str,
    modules: Mapping[str, str],
    entry_points: Mapping[str, Mapping[str, str]],
) -> Path:
    """Lay a package into `site` as pip would; whoever has that on sys.path finds it.

    Args:
        site: folder that is put on sys.path or PYTHONPATH.
        package: its name.
        modules: source text by name of the module.
        entry_points: targets by name, by group.
    """
    site.mkdir(parents=True, exist_ok=True)
    for name, text in modules.items():
        (site / f"{name}.py").write_text(text)
    information = site / f"{package}-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = []
    for group, targets in entry_points.items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in targets.items())]
    (information / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return site
