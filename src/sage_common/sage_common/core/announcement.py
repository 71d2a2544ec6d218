"""How a graph is found that `sage run` did not start: its processes announce themselves.

Each keeps a locked file in `run/` of the home folder; the kernel releases the lock however the
process ends.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from sage_common.core.home import make_private

_PREFIX = "process-"


@dataclass(frozen=True)
class Announcement:
    """What other commands need to reach a process.

    Attributes:
        pid: of the process.
        domain_id: ROS domain.
        namespace: of its nodes.
        network: True if it talks to other hosts.
        use_sim_time: True if its time is that of /clock.
    """

    pid: int
    domain_id: int
    namespace: str
    network: bool
    use_sim_time: bool = False


class Announced:
    """An announcement, which holds until `withdraw` or the end of this process.

    Raises:
        OSError: the home folder cannot be written.
    """

    def __init__(self, home: Path, announcement: Announcement) -> None:
        folder = home / "run"
        make_private(folder)
        self._path = folder / f"{_PREFIX}{announcement.pid}.json"
        draft = self._path.with_suffix(".tmp")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.fdopen(os.open(draft, flags, 0o600), "w")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._file.write(json.dumps(asdict(announcement)))
        self._file.flush()
        draft.replace(self._path)

    def withdraw(self) -> None:
        """Be found no more."""
        self._path.unlink(missing_ok=True)
        self._file.close()


def announced(home: Path) -> tuple[Announcement, ...]:
    """The living processes that have announced themselves in a home folder, by pid."""
    paths = (home / "run").glob(f"{_PREFIX}*.json")
    found = (_living(path) for path in paths)
    return tuple(sorted((item for item in found if item), key=lambda item: item.pid))


def _living(path: Path) -> Announcement | None:
    try:
        with path.open("r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return Announcement(**json.load(file))
        path.unlink(missing_ok=True)  # killed: nobody withdrew it
    except FileNotFoundError:
        pass
    return None
