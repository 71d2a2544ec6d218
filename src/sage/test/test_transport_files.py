"""Files that a killed process leaves in shared memory go; those of living ones stay."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from sage.graph.environment import PROFILE_VARIABLES, DomainLease, config_folder
from sage.run.transport_files import (
    FOLDER,
    MIN_AGE_S,
    RetiredPorts,
    _mapped,
    has_lost_segment,
    port_locks,
    remove_dead,
)

PROGRAM = """
import sys, rclpy
rclpy.init()
node = rclpy.create_node("left_behind")
print("ready", flush=True)
sys.stdin.read()
"""
PATIENCE_S = 30.0
PORT = "fastrtps_port26661"
MUTEX = f"sem.{PORT}_mutex"
SEGMENT = "fastrtps_0123456789abcdef"


@pytest.fixture
def participant(monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    """A process alone in its domain: in a shared one, others map its segment, and it theirs."""
    monkeypatch.delenv("ROS_DOMAIN_ID")
    domain = DomainLease()
    kept = {k: v for k, v in os.environ.items() if not k.startswith("_ROS_WHEELS")}
    environment = {**kept, "ROS_DOMAIN_ID": str(domain.domain_id)}
    with started(environment) as child:
        yield child
    domain.release()


@contextmanager
def started(
    environment: Mapping[str, str], stderr: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        env=environment,
    )
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def files_of(pid: int) -> set[Path]:
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    names = {Path(line.split()[-1]) for line in lines if f" {FOLDER}/" in line}
    own = {name for name in names if "fastrtps" in name.name or "fastdds" in name.name}
    return own | {Path(f"{name}_el") for name in own if Path(f"{name}_el").exists()}


def test_a_process_whose_segment_is_removed_is_known(participant: subprocess.Popen[str]) -> None:
    assert not has_lost_segment(participant.pid)
    for path in files_of(participant.pid):
        if "port" not in path.name:
            path.unlink()
    assert has_lost_segment(participant.pid)
    participant.kill()
    participant.wait()
    assert not has_lost_segment(participant.pid), "it has ended"


def test_what_a_killed_process_leaves_is_removed(participant: subprocess.Popen[str]) -> None:
    files = files_of(participant.pid)
    assert any("port" in path.name for path in files)
    remove_dead()
    assert all(path.exists() for path in files), "it lives"
    participant.kill()
    participant.wait()
    ports = {path for path in files if "port" in path.name}
    assert any(path.exists() for path in files)
    # Another process of these tests may look at the same locks just now, and so hold them, or may
    # have taken over a port of the same number.
    end_s = time.monotonic() + PATIENCE_S
    while left := {path for path in files - ports if path.exists()}:
        assert time.monotonic() < end_s, left
        remove_dead()
        time.sleep(0.05)


def test_who_comes_after_a_killed_process_takes_no_port_of_it(
    participant: subprocess.Popen[str],
) -> None:
    environment = environment_of(participant.pid)
    locks = port_locks(participant.pid)
    assert locks and locks <= files_of(participant.pid)
    participant.kill()
    participant.wait()
    assert not port_locks(participant.pid), "it has ended"
    retired = RetiredPorts()
    retired.add(locks)
    with started(environment) as successor:
        taken = port_locks(successor.pid)
    retired.close()
    assert len(taken) == len(locks) and locks.isdisjoint(taken)


@pytest.mark.parametrize("stem", ["fastdds", "fastdds_small"])
def test_what_the_middleware_says_of_a_port_keeps_off_stdout(
    participant: subprocess.Popen[str], stem: str
) -> None:
    profile = dict.fromkeys(PROFILE_VARIABLES, str(config_folder() / f"{stem}.xml"))
    own = max(port_locks(participant.pid), key=lambda lock: int(lock.name.split("port")[1][:-3]))
    number = int(own.name.split("port")[1][:-3])
    following = own.with_name(f"fastrtps_port{number + 2}_el")
    following.touch()
    following.with_name(f"fastrtps_port{number + 2}").unlink(missing_ok=True)  # of an earlier run
    retired = RetiredPorts()
    retired.add({following})
    with started({**environment_of(participant.pid), **profile}, subprocess.PIPE) as successor:
        output, errors = successor.communicate()
    retired.close()
    following.unlink()
    assert output == "", "'ready' came first"
    assert f"Failed init_port fastrtps_port{number + 2}" in errors


def environment_of(pid: int) -> dict[str, str]:
    words = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(word.split("=", 1) for word in words if "=" in word)


def test_only_ports_of_the_newest_are_kept(tmp_path: Path) -> None:
    retired = RetiredPorts(capacity=2)
    locks = [tmp_path / str(n) for n in range(3)]
    for lock in locks:
        lock.touch()
        retired.add({lock})
    assert [is_locked(lock) for lock in locks] == [False, True, True]
    retired.close()
    assert not any(is_locked(lock) for lock in locks)


def is_locked(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()


def test_all_files_of_a_dead_port_go(tmp_path: Path) -> None:
    port = "fastdds_port7413"
    make(tmp_path, port, f"{port}_el", f"sem.{port}_mutex")
    assert len(remove_dead(tmp_path)) == 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lock", ["_el", "_sl"])
def test_a_locked_file_stays(tmp_path: Path, lock: str) -> None:
    make(tmp_path, SEGMENT, f"{SEGMENT}_el", f"{SEGMENT}_sl")
    with (tmp_path / f"{SEGMENT}{lock}").open() as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        assert remove_dead(tmp_path) == []
    assert len(remove_dead(tmp_path)) == 3


def make_old(folder: Path, *names: str) -> None:
    make(folder, *names)
    for name in names:
        os.utime(folder / name, (0, time.time() - 2 * MIN_AGE_S))


@pytest.mark.parametrize("names", [(PORT, MUTEX), (PORT,), (MUTEX,)])
def test_what_has_lost_its_lock_file_goes_when_it_is_old(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    make_old(tmp_path, *names)
    assert sorted(remove_dead(tmp_path)) == sorted(names)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("new", [PORT, MUTEX])
def test_what_is_just_being_created_stays(tmp_path: Path, new: str) -> None:
    make_old(tmp_path, PORT, MUTEX)
    (tmp_path / new).unlink()
    make(tmp_path, new)
    assert remove_dead(tmp_path) == []


def test_an_old_port_that_is_mapped_or_open_stays_without_lock_file(tmp_path: Path) -> None:
    import mmap

    (tmp_path / PORT).write_bytes(b"x")
    make_old(tmp_path, PORT, MUTEX)
    with (tmp_path / MUTEX).open("rb"):
        assert remove_dead(tmp_path) == []
    with (tmp_path / PORT).open("rb") as stream:
        view = mmap.mmap(stream.fileno(), 1, access=mmap.ACCESS_READ)
    # The mapping's own descriptor shows, too: both ways of looking find it.
    assert PORT in set(_mapped(Path("/proc/self/maps"), tmp_path))
    assert remove_dead(tmp_path) == []
    view.close()
    assert len(remove_dead(tmp_path)) == 2


def test_a_mapped_file_stays_though_nobody_locks_it(tmp_path: Path) -> None:
    import mmap

    make(tmp_path, f"{SEGMENT}_el")
    (tmp_path / SEGMENT).write_bytes(b"x")
    with (tmp_path / SEGMENT).open("rb") as stream:
        view = mmap.mmap(stream.fileno(), 1, access=mmap.ACCESS_READ)
        assert remove_dead(tmp_path) == []
        view.close()
    assert len(remove_dead(tmp_path)) == 2


def test_other_files_and_other_peoples_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = ["fastrtps_notes_el", "sage-mailbox.0..lock", "sem.fastrtps_port1_mutex", SEGMENT]
    make(tmp_path, *others)
    assert remove_dead(tmp_path) == []
    make(tmp_path, f"{SEGMENT}_el")
    monkeypatch.setattr(os, "getuid", lambda: 4321)
    assert remove_dead(tmp_path) == []
    assert len(list(tmp_path.iterdir())) == 5
