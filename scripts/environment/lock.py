"""The lock: one exact version of every package, the hashes of its files, and who asks for it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

# One version of these has a build for the processor, for CUDA and for a Jetson, each with hashes
# of its own; which of them is installed is for the index to say.
BUILT_PER_PLATFORM = frozenset({"torch"})

_PIN = re.compile(r"(?P<name>[a-z0-9._-]+)==[^\s\\]+(?: ; [^\\]*[^\\\s])?")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
_ASKED_BY = re.compile(r"\s+# via (?P<names>.+)")
_GROUP = re.compile(r"-r (?:\S*/)?(?P<group>\w+)\.in")


@dataclass(frozen=True)
class Pin:
    """One entry of the lock."""

    name: str
    requirement: str  # "numpy==2.4.6 ; python_full_version >= '3.11'"
    hashes: tuple[str, ...]  # options of pip, one per file of this version
    groups: frozenset[str]  # names of requirements/*.in that ask for it directly
    packages: frozenset[str]  # packages that need it

    @property
    def text(self) -> str:
        """As pip reads it."""
        return " ".join((self.requirement, *self.hashes))


def read_lock(path: Path) -> list[Pin]:
    """The entries of a lock that `make lock` wrote; raises ValueError for a line it cannot read."""
    pins: list[Pin] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := _PIN.match(line):
            pins.append(Pin(match["name"], match[0], (), frozenset(), frozenset()))
        elif pins and (found := _HASH.search(line)):
            pins[-1] = replace(pins[-1], hashes=(*pins[-1].hashes, found[0]))
        elif pins and (asked := _ASKED_BY.match(line)):
            names = asked["names"].split(", ")
            groups = [match["group"] for name in names if (match := _GROUP.fullmatch(name))]
            packages = [name for name in names if not name.startswith("-r ")]
            pins[-1] = replace(pins[-1], groups=frozenset(groups), packages=frozenset(packages))
        else:
            raise ValueError(f"{path.name}: not a line of a lock: {line}")
    return pins


def pins_of(pins: Sequence[Pin], groups: Collection[str]) -> list[Pin]:
    """The entries that `groups` and the packages in them need, in the order of the lock.

    What only a package of BUILT_PER_PLATFORM needs is not among them: that depends on its build.
    """
    wanted: set[str] = set()
    while True:
        more = {
            pin.name
            for pin in pins
            if pin.name not in wanted
            and (pin.groups & set(groups) or pin.packages & (wanted - BUILT_PER_PLATFORM))
        }
        if not more:
            return [pin for pin in pins if pin.name in wanted]
        wanted |= more
