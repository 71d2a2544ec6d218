"""Parameter files are layered, checked, and may hold what is for others."""

from __future__ import annotations

import pytest

from sage.graph.settings import left_out, node_values, plain
from sage_common.core.errors import InvalidInput
from sage_common.core.parameter_files import Entry

NODES, KNOWN = ("memory", "fusion", "camera"), ("history", "resume")


def entry(name: str, **values: object) -> Entry:
    return Entry("my.yaml", name, values)


def told(*entries: Entry) -> str:
    return left_out(entries, "/robot1", NODES, KNOWN)


def test_a_later_file_wins_key_by_key() -> None:
    files = [[entry("fusion", x=1, y=2)], [entry("/robot1/fusion", y=3)]]
    assert node_values(files, "/robot1", "fusion", "fusion", ("x", "y")) == {"x": 1, "y": 3}


def test_of_what_is_said_to_all_nodes_a_node_takes_what_it_knows() -> None:
    files = [[entry("/**", history=5, max_speed=3.0, use_sim_time=True)]]
    found = node_values(files, "/robot1", "fusion", "fusion", KNOWN)
    assert found == {"history": 5, "use_sim_time": True}


def test_what_is_for_others_is_named_in_one_line() -> None:
    line = told(
        entry("/**", history=5, max_speed=3.0),
        entry("/robot1/fusion", history=5),
        entry("/robot2/fusion", history=5),
        entry("controller_server", rate=1.0),
        entry("camera_2", rate=1.0),
    )
    assert line == (
        "my.yaml: not for nodes of /robot1, left out: "
        "/** max_speed, /robot2/fusion, controller_server, camera_2"
    )


def test_nothing_is_told_where_all_is_for_the_graph() -> None:
    assert told(entry("/**", resume=True), entry("memory", resume=True)) == ""


@pytest.mark.parametrize("name", ["memroy", "/**/memroy"])
def test_a_misspelt_node_names_the_nearest(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"my\.yaml = 'memroy'.*perhaps memory"):
        told(entry(name))


def test_a_full_name_of_another_namespace_is_never_taken_for_misspelt() -> None:
    assert "/robot2/memroy" in told(entry("/robot2/memroy"))


@pytest.mark.parametrize("namespace", ["/robot1", "/"])
def test_a_full_name_of_the_graphs_own_namespace_is_checked_as_a_bare_one(namespace: str) -> None:
    above = namespace.rstrip("/")
    with pytest.raises(InvalidInput, match=rf"my\.yaml = '{above}/memroy'.*perhaps memory"):
        left_out([entry(f"{above}/memroy")], namespace, NODES, KNOWN)
    other = f"{above}/controller_server"
    assert other in left_out([entry(other)], namespace, NODES, KNOWN)


def test_tuples_become_lists() -> None:
    assert plain({"a": (1.0, 2.0), "b": "x"}) == {"a": [1.0, 2.0], "b": "x"}
