"""Files of budgets, and what nodes say that they have published."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from sage.graph.catalogue import CATALOGUE
from sage.soak.budgets import (
    UNITS,
    installed_budgets,
    least_messages,
    most_allowed,
    published,
    read_budgets,
    write_budgets,
)
from sage_common.core.errors import InvalidInput


@pytest.mark.parametrize(("recorded", "most"), [(20.0, 36.0), (0.5, 5.5), (6.25, 11.25)])
def test_1_8_times_or_five_more_is_allowed(recorded: float, most: float) -> None:
    assert most_allowed(recorded) == most
    assert least_messages(recorded) == 0.8 * recorded


def test_what_was_measured_becomes_the_budget_and_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "budgets.json"
    write_budgets({"memory": {"CPU": 1.26, "memory": 80.0}}, path)
    write_budgets({"fusion": {"CPU": 5.0}, "memory": {"CPU": 2.0}}, path)
    assert read_budgets(path) == {"memory": {"CPU": 2.0, "memory": 80.0}, "fusion": {"CPU": 5.0}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "expected JSON"),
        ("[]", "expected an object of processes"),
        ('{"memory": 3}', "memory = 3: expected an object of CPU, memory, messages"),
        ('{"memory": {"disk": 3}}', "memory: disk = 3: expected one of CPU, memory, messages"),
        ('{"memory": {"CPU": -1}}', "memory: CPU = -1: expected a number, at least 0"),
        ('{"memory": {"CPU": "much"}}', "memory: CPU = 'much': expected a number, at least 0"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "budgets.json"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=expected.replace("(", "[(]")):
        read_budgets(path)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_budgets(tmp_path / "budgets.json")


def test_every_process_of_the_graph_on_the_recording_has_a_whole_budget() -> None:
    budgets = read_budgets(installed_budgets())
    sensors = {"camera", "microphone", "imu", "text", "speaker", "vector_scorer", "scorer"}
    expected = {kind for kind in CATALOGUE if kind not in sensors and "encoder" not in kind}
    assert expected | {"command", "container", "fork_server"} <= set(budgets)
    assert all(set(kinds) == set(UNITS) for kinds in budgets.values())


def test_messages_are_counted_by_node() -> None:
    values = [
        SimpleNamespace(key="/sage/puzzle published", value="10"),
        SimpleNamespace(key="/sage/tf published", value="2"),
        SimpleNamespace(key="/sage/puzzle received", value="99"),
    ]
    statuses = [SimpleNamespace(name="/sage/fusion", values=values)]
    assert published(statuses) == {"fusion": 12}
