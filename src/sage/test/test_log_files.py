"""Log files of the graph are bounded, and a process that writes one goes on at its end."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from sage.run.log_files import keep_small

GONE = 2**22 + 7
"""No process has this number: it is beyond the kernel's limit."""


def written(folder: Path, name: str, size: int, age_s: int = 0) -> Path:
    path = folder / name
    path.write_bytes(b"x" * size)
    os.utime(path, (1e9 - age_s, 1e9 - age_s))
    return path


def test_a_long_file_goes_on_empty_and_its_writer_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / f"python_{os.getpid()}_1700000000000.log"
    for round_number in range(3):
        with path.open("ab") as writer:
            writer.write(f"round {round_number}".encode() + b"." * 1000)
            writer.flush()
            keep_small(tmp_path, most_of_one=1000)
            writer.write(b"after")
        assert path.read_bytes() == b"after"
        path.write_bytes(b"")
        older = tmp_path / (path.name + ".1")
        assert older.read_bytes().startswith(f"round {round_number}.".encode())
        assert stat.S_IMODE(older.stat().st_mode) == 0o600
    assert len(list(tmp_path.iterdir())) == 2


def test_the_oldest_of_ended_processes_are_removed(tmp_path: Path) -> None:
    running = written(tmp_path, f"python_{os.getpid()}_1.log", 900, age_s=9000)
    ended = [written(tmp_path, f"python_{GONE}_{n}.log", 400, age_s=n) for n in range(3)]
    ended.append(written(tmp_path, f"python_{GONE}_3.log", 9000, age_s=3))
    foreign = written(tmp_path, "demo.log", 5000, age_s=99999)
    keep_small(tmp_path, most_of_one=1000, most_bytes=1750)
    assert running.exists() and foreign.exists()
    assert [path.exists() for path in ended] == [True, True, False, False]


def test_many_small_files_are_bounded_in_number(tmp_path: Path) -> None:
    running = written(tmp_path, f"python_{os.getpid()}_1.log", 0, age_s=9000)
    ended = [written(tmp_path, f"python_{GONE}_{n}.log", 0, age_s=n) for n in range(5)]
    keep_small(tmp_path, most_files=3)
    assert running.exists()
    assert [path.exists() for path in ended] == [True, True, False, False, False]


def test_links_and_missing_folders_are_left_alone(tmp_path: Path) -> None:
    keep_small(tmp_path / "none")
    target = written(tmp_path, "kept.txt", 5000)
    link = tmp_path / f"python_{GONE}_1.log"
    link.symlink_to(target)
    keep_small(tmp_path, most_of_one=1000, most_bytes=0)
    assert link.is_symlink() and target.stat().st_size == 5000
