"""A PostgreSQL server for one test session, from Debian's packages, behind a socket of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

USERS = ("postgres", "nobody")  # PostgreSQL refuses root
OPTIONS = "-c listen_addresses= -c fsync=on -c shared_buffers=16MB"


def find_programs() -> Path | None:
    """Folder of `initdb` and `pg_ctl`; None: not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


class PostgresServer:
    """Made on entering, gone on leaving; no TCP."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._user = _unprivileged_user()

    def __enter__(self) -> PostgresServer:
        self._folder = Path(tempfile.mkdtemp(prefix="sage_pg_"))
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        self._run("initdb", "-U", "sage", "-A", "trust", "--no-instructions")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop("immediate")
        shutil.rmtree(self._folder)

    @property
    def url(self) -> str:
        """Of its only database."""
        return f"postgresql+pg8000://sage@/postgres?unix_sock={self._folder}/.s.PGSQL.5432"

    def tables(self) -> bytes:
        """Every byte of the tables on the disk; what is in memory goes there first."""
        self._run("psql", "-h", str(self._folder), "-U", "sage", "-c", "CHECKPOINT", "postgres")
        files = (self._folder / "data" / "base").rglob("*")
        return b"".join(file.read_bytes() for file in files if file.is_file())

    def start(self) -> None:
        log = self._folder / "log"
        self._run("pg_ctl", "start", "-w", "-l", str(log), "-o", f"{OPTIONS} -k {self._folder}")

    def stop(self, mode: str) -> None:
        """`fast` ends sessions in order; `immediate` is a crash: it recovers at the next start."""
        self._run("pg_ctl", "stop", "-w", "-m", mode)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        data = str(self._folder / "data")
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC", "PGDATA": data}
        done = subprocess.run(
            command,
            user=self._user,
            cwd=self._folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=(self._folder / f"{program}.out").open("w"),
            stderr=subprocess.STDOUT,
            check=False,
        )
        said = (self._folder / f"{program}.out").read_text()
        assert done.returncode == 0, f"{program}: {said}"


def _unprivileged_user() -> str | None:
    """Who runs the server where we are root; None: we are not."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in USERS if name in known)
