"""The package of docs/add_a_plugin.md, really installed into a folder of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs" / "add_a_plugin.md"


def block(language: str) -> str:
    """The first code block of the page in a language."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def install(site: Path, version: str = "1.0", says: str = "it is") -> None:
    """Install the package of the page into `site`, in place of an older one.

    Args:
        site: the folder; it need not exist.
        version: of the package.
        says: what its answers begin with.
    """
    source = site.parent / f"source-{version}"
    source.mkdir(parents=True)
    code = block("python").replace('f"it is {name}"', f'f"{says} {{name}}"')
    (source / "colour_plugin.py").write_text(code)
    project = block("toml").replace('version = "1.0"', f'version = "{version}"')
    (source / "pyproject.toml").write_text(project)
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps",
         "--no-build-isolation", "--upgrade", "--target", site, source],
        check=True,
    )  # fmt: skip
