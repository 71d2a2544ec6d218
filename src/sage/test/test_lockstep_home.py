"""A run in lock-step that is refused leaves its home folder as it was."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from memory_homes import experience, made_home

from sage.replay.lockstep_home import lockstep_home
from sage_common.core.errors import InvalidInput
from sage_memory import Memory, Payload, Query
from sage_memory.core.store.leftovers import find_leftovers


def content(home: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()
    }


def run_in(home: Path, refused: bool) -> None:
    with lockstep_home(str(home)) as given:
        with Memory.open(given) as memory:
            memory.remember(experience(77), Payload(b"seen", "image/webp")).result()
        shutil.rmtree(home / "payloads" / sorted(os.listdir(home / "payloads"))[0])
        (home / "state").mkdir(exist_ok=True)
        (home / "state" / "new.state").write_bytes(b"made")
        assert find_leftovers(home) or not content(home), "a copy is in it while it runs"
        if refused:
            raise InvalidInput("checkpoint", True, "a graph that can be resumed")


def test_a_home_that_was_there_is_as_it_was(tmp_path: Path) -> None:
    home = tmp_path / "home"
    made_home(home)
    (home / "link").symlink_to(tmp_path)
    home.chmod(0o750)
    before, inode = content(home), home.stat().st_ino
    with pytest.raises(InvalidInput, match="resumed"):
        run_in(home, refused=True)
    assert content(home) == before
    assert home.stat().st_ino == inode and home.stat().st_mode & 0o777 == 0o750
    assert not find_leftovers(home)
    with Memory.open(home) as memory:
        memory.verify()
        assert len(memory.recall(Query(limit=100))) == 6


def test_a_home_that_was_not_there_is_gone(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput), lockstep_home(str(tmp_path / "home")) as given:
        made_home(Path(given))
        raise InvalidInput("checkpoint", True, "a graph that can be resumed")
    assert not (tmp_path / "home").exists()


def test_a_run_that_is_not_refused_stays(tmp_path: Path) -> None:
    home = tmp_path / "home"
    made_home(home)
    run_in(home, refused=False)
    assert (home / "state" / "new.state").read_bytes() == b"made" and not find_leftovers(home)
    with Memory.open(home) as memory:
        assert len(memory.recall(Query(limit=100))) == 7
    with lockstep_home("") as given:
        assert Path(given).is_dir() and not os.listdir(given)
    assert not Path(given).exists()
