"""Experiences to remember, and the stores that keep them, on every engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from experiences import START_NS, numbered

from sage_common.core.clock import ManualClock
from sage_memory import Experience, Memory
from sage_memory.core.engine.store_key import StoreKey
from sage_memory.core.sleep import consolidation
from sage_memory.core.sleep.changes import purge, undo
from sage_memory.core.store.storage import Storage, open_storage

Make = Callable[..., Experience]


@pytest.fixture
def experience() -> Make:
    """Makes experiences; keyword arguments change fields."""
    return numbered


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still."""
    return ManualClock(START_NS)


@dataclass(frozen=True)
class Place:
    """Where a store lies, and what `Memory.open` wants to know of it."""

    home: Path
    options: dict[str, Any] = field(default_factory=dict)

    def open(self, **more: Any) -> Memory:
        return Memory.open(self.home, **(self.options | more))

    def storage(self) -> Storage:
        """Below `open`."""
        wanted = {"url": "", "key": None, "device_id": ""} | self.options
        return open_storage(self.home, **wanted)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A PostgreSQL server of this session."""
    pytest.importorskip("pg8000", reason="pg8000 (requirements/memory.in) is not installed")
    import postgres_server

    programs = postgres_server.find_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server: Debian's package postgresql has one")
    with postgres_server.PostgresServer(programs) as server:
        yield server


@pytest.fixture
def key() -> StoreKey:
    """A key of an encrypted store."""
    for package in ("sqlcipher3", "cryptography"):
        pytest.importorskip(package, reason=f"{package} (requirements/memory.in) is not installed")
    return StoreKey(bytes(range(32)), is_passphrase=False)


@pytest.fixture(params=["sqlite", "sqlcipher", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty place for a store on each engine."""
    home = tmp_path / "home"
    home.mkdir()
    if request.param == "sqlcipher":
        return Place(home, {"key": request.getfixturevalue("key")})
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        return Place(home, {"url": server.url, "device_id": f"{tmp_path}"[-64:]})
    return Place(home)


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many transactions a sleep, so that there is much to cut off."""
    monkeypatch.setattr(consolidation, "GROUPS_PER_STEP", 2)
    monkeypatch.setattr(consolidation, "EVICTIONS_PER_STEP", 7)
    monkeypatch.setattr(undo, "STEP", 7)
    monkeypatch.setattr(purge, "AT_ONCE", 16)
