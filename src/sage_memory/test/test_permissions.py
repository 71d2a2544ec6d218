"""Stores that this user may not write, or not read: SAGE's own errors, and what can be had."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sage_memory import Memory, Payload, Query
from sage_memory.core.errors import DiskRefuses, StoreNotReadable, StoreNotWritable
from sage_memory.core.recovery.repair import repair

NOBODY = 65534


def as_user(action: Callable[[], None], user: int = NOBODY) -> str:
    """Run in a child, as another user where this one is root; what came of it."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        gc.disable()  # what earlier tests left belongs to threads that the child does not have
        told = "nothing was raised"
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(user)
                os.setuid(user)
            action()
        except BaseException as error:  # noqa: BLE001 - goes to the parent
            told = f"{type(error).__name__}: {error}"
        os.write(writer, told.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        told = stream.read()
    os.waitpid(child, 0)
    return told


def writes(home: Path) -> None:
    with Memory.open(home) as memory:
        memory.recall(Query())


def reads(home: Path) -> None:
    with Memory.open(home, read_only=True) as memory:
        (answer,) = memory.recall(Query())
        memory.payload(answer.experience)
        memory.inspect()


def repairs(home: Path) -> None:
    repair(home)


def _private(home: Path) -> None:
    for path in [home, *home.rglob("*")]:
        os.chown(path, 0, 0)


CASES = {
    "database 0400": (
        lambda home: (home / "memory.db").chmod(0o400),
        (StoreNotWritable, None, None),
    ),
    "database 0000": (lambda home: (home / "memory.db").chmod(0), (StoreNotReadable,) * 3),
    "folder 0500": (lambda home: home.chmod(0o500), (StoreNotWritable, None, DiskRefuses)),
    "folder 0000": (
        lambda home: home.chmod(0),
        (StoreNotWritable, StoreNotReadable, StoreNotReadable),
    ),
    "payloads 0000": (lambda home: (home / "payloads").chmod(0), (None, None, None)),
    "another user's": (_private, (StoreNotWritable, StoreNotReadable, StoreNotReadable)),
}


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A folder that every user can reach."""
    folder = tmp_path
    while folder != folder.parent and folder.stat().st_uid == os.getuid():
        folder.chmod(folder.stat().st_mode | 0o011)
        folder = folder.parent
    return tmp_path


@pytest.mark.parametrize("name", CASES)
def test_a_store_that_may_not_be_used_is_told_by_name(shared: Path, experience, name: str) -> None:
    if name == "another user's" and os.getuid() != 0:
        pytest.skip("only root can give a store to another user")
    limit, expected = CASES[name]
    for number, (action, error) in enumerate(zip((writes, reads, repairs), expected, strict=True)):
        home = shared / f"home{number}"
        with Memory.open(home) as memory:
            memory.remember(experience(), Payload(b"seen", "text/csv")).result()
        if os.getuid() == 0:
            for path in [home, *home.rglob("*")]:
                os.chown(path, NOBODY, NOBODY)
        limit(home)
        told = as_user(lambda action=action, home=home: action(home))
        home.chmod(0o700)
        assert told.startswith(error.__name__ if error else "nothing"), (action.__name__, told)


def test_a_lock_that_is_a_link_writes_on_nothing(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "home" / "memory.lock").symlink_to(tmp_path / "mine")
    with pytest.raises(StoreNotWritable):
        Memory.open(tmp_path / "home")
    assert (tmp_path / "mine").read_text() == "mine"
