"""A second graph of one namespace in one ROS domain is told of the first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sage.graph.namespace_claim import claimed


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def test_the_second_is_warned_until_the_first_has_ended() -> None:
    with claimed(7, "/sage") as first:
        assert first == ""
        with claimed(7, "/sage") as second:
            said = f"another /sage runs in ROS domain 7 (process {os.getpid()}), "
            assert second.startswith(said)
        with claimed(7, "/sage") as third:
            assert third.startswith(said), "who was warned has taken nothing away"
    with claimed(7, "/sage") as again:
        assert again == ""


def test_other_namespaces_and_domains_are_apart() -> None:
    with claimed(7, "/sage"), claimed(8, "/sage") as domain, claimed(7, "/sage/a") as namespace:
        assert (domain, namespace) == ("", "")


def test_what_cannot_be_claimed_is_said_and_stops_nothing(folder: Path) -> None:
    os.symlink(folder / "elsewhere", folder / f"sage-{os.getuid()}-domain-7-graph.sage.lock")
    with claimed(7, "/sage") as warning:
        assert warning.startswith("whether another /sage runs in ROS domain 7 is not known: ")
    assert not (folder / "elsewhere").exists()
