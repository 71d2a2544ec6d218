"""The store of a fleet: whose it is, who holds it, and what is said when the server is away."""

from __future__ import annotations

import os

import pytest
from sqlalchemy import text

from sage_common.core.errors import InvalidInput
from sage_memory import Memory, NotStored, Query, StoreLocked
from sage_memory.backends import postgresql
from sage_memory.backends.postgresql import ServerStorage, schema_name
from sage_memory.backends.server_address import ServerAddress
from sage_memory.core.engine.errors import NotDurable, OptionMissing, StoreUnreachable
from sage_memory.core.engine.store_key import StoreKey

pytest.importorskip("pg8000", reason="pg8000 (requirements/memory.in) is not installed")
URL = "postgresql+pg8000://sage@fleet.example:6432/robots"


@pytest.fixture
def device(tmp_path) -> str:
    """A device of this test alone."""
    return str(tmp_path)[-64:]


def test_an_address_is_read_from_its_url() -> None:
    address = ServerAddress.parse(URL)
    assert (address.user, address.host, address.port) == ("sage", "fleet.example", 6432)
    assert address.database == "robots"
    assert address.ssl_mode == "verify-full"
    assert str(address.place("sage_a")) == "postgresql:fleet.example:6432/robots/sage_a"


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("postgresql://sage@localhost/robots", "disable"),
        ("postgresql://sage@/robots?unix_sock=/run/x/.s.PGSQL.5432", "disable"),
        ("postgresql://sage@10.0.0.1/robots?sslmode=require", "require"),
        ("postgresql://sage@10.0.0.1/robots", "verify-full"),
    ],
)
def test_only_a_server_of_this_machine_may_do_without_tls(url, mode) -> None:
    assert ServerAddress.parse(url).ssl_mode == mode


@pytest.mark.parametrize(
    "url",
    [
        "robots",
        "mysql://sage@host/robots",
        "postgresql://host/robots",
        "postgresql://sage@host",
        "postgresql://sage@host/robots?sslmode=prefer",
        "postgresql://sage@host/robots?timeout=3",
    ],
)
def test_a_wrong_url_is_refused(url) -> None:
    with pytest.raises(InvalidInput, match="database_url"):
        ServerAddress.parse(url)


def test_a_password_in_the_url_is_refused_and_not_shown() -> None:
    with pytest.raises(InvalidInput, match="PGPASSWORD") as caught:
        ServerAddress.parse("postgresql://sage:opensesame@host/robots")
    assert "opensesame" not in str(caught.value)


def test_the_password_comes_from_the_environment(monkeypatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "opensesame")
    address = ServerAddress.parse(URL)
    assert address.connect_arguments()["password"] == "opensesame"
    assert "opensesame" not in repr(address)


def test_the_password_comes_from_a_private_file(tmp_path, monkeypatch) -> None:
    path = tmp_path / "pgpass"
    path.write_text("other:*:*:*:wrong\n*:6432:robots:sage:open\\:sesame\n")
    monkeypatch.setenv("PGPASSFILE", str(path))
    monkeypatch.delenv("PGPASSWORD", raising=False)
    path.chmod(0o644)
    with pytest.raises(InvalidInput, match="chmod 600"):
        ServerAddress.parse(URL).connect_arguments()
    path.chmod(0o600)
    assert ServerAddress.parse(URL).connect_arguments()["password"] == "open:sesame"


def test_names_of_devices_become_names_of_schemas() -> None:
    names = {schema_name(device) for device in ("Robot 1", "robot-1", "robot_1", "x" * 64, "été")}
    assert len(names) == 5
    assert all(name.isascii() and len(name) <= 63 for name in names)


def test_a_key_and_a_server_exclude_each_other(tmp_path) -> None:
    with pytest.raises(InvalidInput, match="a server encrypts its own disk"):
        Memory.open(tmp_path, url=URL, key=StoreKey(bytes(32), is_passphrase=False))


def test_a_missing_driver_is_named(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pg8000.dbapi", None)
    with pytest.raises(OptionMissing, match=r"pg8000.*make demo OPTIONS=1"):
        Memory.open(tmp_path, url=URL)


def test_devices_share_a_database_and_not_a_store(tmp_path, postgres, device, experience) -> None:
    stores = [f"{device[-60:]} {name}" for name in "ab"]
    for index, name in enumerate(stores):
        with Memory.open(tmp_path / name[-1], url=postgres.url, device_id=name) as memory:
            memory.remember(experience(index)).result()
    for index, name in enumerate(stores):
        options = {"url": postgres.url, "device_id": name, "read_only": True}
        with Memory.open(tmp_path / "elsewhere", **options) as memory:
            (answer,) = memory.recall(Query())
            assert answer.experience.reason == f"reason {index}"
            assert answer.experience.device_id == name


def test_who_holds_the_store_is_named(tmp_path, postgres, device) -> None:
    options = {"url": postgres.url, "device_id": device}
    holder = f"in use by sage {os.getpid()}@"
    with Memory.open(tmp_path / "a", **options), pytest.raises(StoreLocked, match=holder):
        Memory.open(tmp_path / "b", **options)


def test_a_server_that_does_not_sync_is_refused(tmp_path, postgres, device) -> None:
    def set_full_page_writes(value: str) -> None:
        engine = ServerStorage(postgres.url, device).open_reader()
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"ALTER SYSTEM SET full_page_writes = {value}"))
            connection.execute(text("SELECT pg_reload_conf()"))
        engine.dispose()

    with Memory.open(tmp_path, url=postgres.url, device_id=device):
        pass
    set_full_page_writes("off")
    try:
        with pytest.raises(NotDurable, match="full_page_writes is off"):
            for _ in range(100):  # until the server has read its settings again
                Memory.open(tmp_path, url=postgres.url, device_id=device).close()
    finally:
        set_full_page_writes("on")


def test_waiting_for_a_server_is_told_once_and_at_once(tmp_path, monkeypatch, caplog) -> None:
    pytest.importorskip("pg8000")
    monkeypatch.setattr(postgresql, "RECONNECT_S", 0.3)
    url = "postgresql+pg8000://sage@localhost:1/memory"
    with pytest.raises(StoreUnreachable, match="localhost:1/memory"):
        Memory.open(tmp_path, url=url, device_id="robot")
    (told,) = caplog.messages
    assert "localhost:1/memory" in told and "cannot be reached" in told
    assert told.endswith("trying again for 0 s"), "0.3 s, rounded"


def test_a_server_that_stays_away_stores_nothing(
    tmp_path, postgres, device, experience, monkeypatch
) -> None:
    monkeypatch.setattr(postgresql, "RECONNECT_S", 0.2)
    with Memory.open(tmp_path, url=postgres.url, device_id=device) as memory:
        kept = memory.remember(experience(1)).result()
        postgres.stop("fast")
        try:
            for index in (2, 3):
                with pytest.raises(NotStored, match="cannot be reached"):
                    memory.remember(experience(index)).result()
            with pytest.raises(StoreUnreachable):
                memory.recall(Query())
            with pytest.raises(StoreUnreachable):
                Memory.open(tmp_path / "b", url=postgres.url, device_id="other")
        finally:
            postgres.start()
        later = memory.remember(experience(4)).result()
        memory.verify()
        assert {a.experience.id for a in memory.recall(Query())} == {kept.id, later.id}
        assert memory.statistics().failed == 2


def test_what_a_lost_answer_left_in_doubt_is_written_once(
    tmp_path, postgres, device, experience, monkeypatch
) -> None:
    with Memory.open(tmp_path, url=postgres.url, device_id=device) as memory:
        commits = []

        def answer_lost(connection) -> None:
            connection.commit()
            commits.append(connection)
            if len(commits) == 1:
                connection.close()  # committed, but nobody heard of it
                raise memory_driver.InterfaceError("network error")

        import pg8000.dbapi as memory_driver

        dialect = memory._store._connection.rows.dialect
        monkeypatch.setattr(dialect, "do_commit", answer_lost)
        kept = memory.remember(experience(1)).result()
        again = memory.remember(experience(2)).result()
        memory.verify()
        assert [a.experience.id for a in memory.recall(Query(limit=9))].count(kept.id) == 1
        assert len(memory.recall(Query(limit=9))) == 2
        assert again.id != kept.id
        assert len(commits) > 1


def test_numbers_go_on_after_those_that_were_brought_along(
    tmp_path, postgres, device, experience
) -> None:
    options = {"url": postgres.url, "device_id": device}
    with Memory.open(tmp_path, **options) as memory:
        memory.remember(experience(1)).result()
        bring = text("UPDATE vectors SET number = number + 2")  # as an import may
        memory.change(lambda connection: connection.execute(bring).rowcount).result()
    with Memory.open(tmp_path, **options) as memory:
        for index in (2, 3, 4):
            memory.remember(experience(index)).result()
        memory.verify()
        assert len(memory.recall(Query())) == 4
