"""The file that a soak writes while it lasts: a line of JSON for each look, whatever ends it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sage.soak.sample import Sample
from sage_common.core.errors import InvalidInput


@dataclass(frozen=True)
class ProcessLook:
    """One process at one moment; `messages`: published by its nodes so far."""

    name: str
    pid: int
    sample: Sample
    messages: int


@dataclass(frozen=True)
class Look:
    """A graph and its host at one moment.

    Attributes:
        time_s: since the soak began [s].
        load: load average of the host over 1 min.
        graph_shared_mb: of /dev/shm what the processes have mapped [MB].
        host_shared_mb: what lies there, of any program [MB].
        free_mb: on the disk of the home folder [MB].
        dropped: messages and frames that went no further so far, by node and place.
        processes: that ran.
        awake: the robot neither rests nor sleeps; its nodes publish less then.
    """

    time_s: float
    load: float
    graph_shared_mb: float
    host_shared_mb: float
    free_mb: float
    dropped: Mapping[str, int]
    processes: tuple[ProcessLook, ...] = ()
    awake: bool = True


@dataclass
class Soak:
    """What was seen.

    Attributes:
        header: what was soaked: see `sage.soak.live`.
        looks: in order of time.
    """

    header: Mapping[str, Any]
    looks: list[Look] = field(default_factory=list)


class SamplesFile:
    """Writes looks.

    Args:
        path: of a file that does not exist yet.
        header: its first line.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self.path = path
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "w")
        self._write(header)

    def add(self, look: Look) -> None:
        """Write a look; it stays when the power is cut a moment later."""
        self._write(asdict(look) | {"processes": [_plain(item) for item in look.processes]})
        os.fdatasync(self._file.fileno())

    def close(self) -> None:
        """Write no more."""
        self._file.close()

    def _write(self, line: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


def read_samples(path: Path) -> Soak:
    """What a file holds; a last line that a cut power left unfinished is left out.

    Raises:
        FileNotFoundError: it is not there.
        InvalidInput: it is no file of a soak.
    """
    lines = path.read_text().splitlines(keepends=True)
    whole = [line for line in lines if line.endswith("\n")]
    try:
        header, *looks = (json.loads(line) for line in whole)
        return Soak(header, [_look(line) for line in looks])
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(str(path), str(error), "a file that sage soak has written") from error


def _plain(item: ProcessLook) -> dict[str, Any]:
    fields = {"name": item.name, "pid": item.pid, **item.sample._asdict()}
    rounded = {k: round(v, 3) if isinstance(v, float) else v for k, v in fields.items()}
    return rounded | {"messages": item.messages}


def _look(line: dict[str, Any]) -> Look:
    processes = []
    for item in line.pop("processes"):
        name, pid, messages = item.pop("name"), item.pop("pid"), item.pop("messages")
        processes.append(ProcessLook(name, pid, Sample(**item), messages))
    return Look(**line, processes=tuple(processes))
