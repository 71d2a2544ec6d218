"""Prints for every entry of a lock what there is to install on an aarch64 Linux, a Jetson say.

Reads a lock in the form of PEP 751 (`pylock.toml`), which names the files of every version, and so
needs Python 3.11. `make aarch64` keeps what it prints in requirements/aarch64.txt.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

import tomllib
from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

RELEASES = ((3, 10), (3, 11), (3, 12))
# Of Ubuntu 22.04, on which JetPack 6 is built: glibc 2.35.
PLATFORMS = [f"manylinux_2_{minor}_aarch64" for minor in range(35, 16, -1)]
PLATFORMS += ["manylinux2014_aarch64", "linux_aarch64"]


def kind_of(package: dict[str, Any]) -> str | None:
    """What one entry installs as: "any", "aarch64", "source" or "none"; None: nothing wants it.

    "any" is a wheel for every machine, "source" an sdist that is built at installation; a wheel
    counts if every Python that wants the entry has one.
    """
    marker = Marker(package["marker"]) if "marker" in package else None
    wanted = [release for release in RELEASES if marker is None or _is_wanted(marker, release)]
    if not wanted:
        return None
    tags = [parse_wheel_filename(_name(wheel))[3] for wheel in package.get("wheels", ())]
    fitting = [[found for found in tags if found & _tags(release)] for release in wanted]
    if not all(fitting):
        return "source" if "sdist" in package else "none"
    platforms = {tag.platform for wheels in fitting for wheel in wheels for tag in wheel}
    return "any" if platforms == {"any"} else "aarch64"


def _is_wanted(marker: Marker, release: tuple[int, int]) -> bool:
    version = f"{release[0]}.{release[1]}"
    return marker.evaluate(
        {
            "implementation_name": "cpython",
            "platform_machine": "aarch64",
            "platform_python_implementation": "CPython",
            "python_full_version": f"{version}.0",
            "python_version": version,
            "sys_platform": "linux",
        }
    )


@cache
def _tags(release: tuple[int, int]) -> frozenset[Tag]:
    interpreter = f"cp{release[0]}{release[1]}"
    own = cpython_tags(release, platforms=PLATFORMS)
    return frozenset((*own, *compatible_tags(release, interpreter, PLATFORMS)))


def _name(file: dict[str, Any]) -> str:
    return str(file.get("name") or file["url"].rsplit("/", 1)[-1])


def main() -> int:
    packages = tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["packages"]
    print("# What `make lock` found for aarch64, glibc 2.35, Python 3.10 to 3.12.")
    for package in packages:
        kind = kind_of(package)
        if kind is not None:
            print(f"{package['name']}=={package['version']} {kind}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
