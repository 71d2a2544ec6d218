"""Corrects the CMake files of the ROS wheels, which carry the paths of the machine that built them.

Three kinds of path are foreign: the headers of the build machine's Python, the headers of its
numpy, and its library folder. Each is replaced by the place where this environment has the same
thing. Running the fix on corrected files changes nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_NUMPY_INCLUDE = re.compile(r"/opt/python/[^;\"\s]*?/site-packages/numpy/(?:_core|core)/include")
_PYTHON_INCLUDE = re.compile(r"/opt/python/[^;\"\s]*?/include/python\d+\.\d+")
_SYSTEM_LIBRARY = re.compile(r"/usr/lib64/(?P<file>lib(?P<name>[A-Za-z0-9_+-]+)\.so[0-9.]*)")


@dataclass(frozen=True)
class Places:
    """Where this environment has what the wheels look for."""

    python_include: str
    numpy_include: str
    library_folder: str  # of the platform, for instance /usr/lib/x86_64-linux-gnu
    site_packages: Path  # holds the `*.libs` folders with the libraries bundled by the wheels


def corrected_text(text: str, places: Places) -> str:
    """`text` of one CMake file with every foreign path replaced."""
    text = _NUMPY_INCLUDE.sub(lambda _: places.numpy_include, text)
    text = _PYTHON_INCLUDE.sub(lambda _: places.python_include, text)
    return _SYSTEM_LIBRARY.sub(lambda match: _library(match, places), text)


def correct_tree(root: Path, places: Places) -> list[Path]:
    """Corrects the CMake files below `root`, where wheels put them; returns those changed."""
    changed = []
    for path in _cmake_files(root):
        text = path.read_text(encoding="utf-8")
        corrected = corrected_text(text, places)
        if corrected != text:
            _replace(path, corrected)
            changed.append(path)
    return changed


def _library(match: re.Match[str], places: Places) -> str:
    # The wheel's own copy, where it has one, needs no development package of the platform.
    copies = sorted(places.site_packages.glob(f"*.libs/lib{match['name']}-*.so*"))
    return str(copies[0]) if copies else f"{places.library_folder}/{match['file']}"


def _cmake_files(root: Path) -> Iterator[Path]:
    for folder in ("share", "lib/cmake"):
        yield from sorted((root / folder).rglob("*.cmake"))


def _replace(path: Path, text: str) -> None:
    """Writes a new file in place of the old: an interrupted run leaves one or the other, whole."""
    draft = path.with_name(path.name + ".correcting")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)
