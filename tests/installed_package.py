"""Packages of strangers, installed for a test: modules and `dist-info` in a folder of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "add_a_modality.md"


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


def blocks(language: str) -> list[str]:
    """The code blocks of the page about modalities in a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


def write_package(folder: Path) -> Path:
    """The thermometer of the page, as one saves it."""
    (folder / "thermometer").mkdir(parents=True)
    encoder, spec = blocks("python")
    (folder / "thermometer" / "encoder_node.py").write_text(encoder)
    (folder / "thermometer" / "__init__.py").write_text(spec)
    (folder / "pyproject.toml").write_text(blocks("toml")[0])
    return folder


def installed_with_pip(folder: Path) -> Path:
    """Where pip has installed the thermometer of the page, below `folder`."""
    package, site = write_package(folder / "package"), folder / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--target", site, package], check=True)
    return site
