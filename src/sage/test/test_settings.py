"""Parameter files are read, layered and checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from sage.graph.settings import check_node_names, layer, plain, read_settings
from sage_common.core.errors import InvalidInput


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_reads_the_form_that_ros_reads(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yaml", "/**/memory:\n  ros__parameters:\n    resume: false\n")
    assert read_settings(path) == {"memory": {"resume": False}}


def test_an_empty_file_sets_nothing(tmp_path: Path) -> None:
    assert read_settings(write(tmp_path / "a.yaml", "# nothing\n")) == {}


@pytest.mark.parametrize("text", ["- a\n", "memory: 3\n", "memory:\n  resume: true\n", "a: [\n"])
def test_another_form_is_refused_with_the_file_named(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "a.yaml", text)
    with pytest.raises(InvalidInput, match=r"a\.yaml"):
        read_settings(path)


def test_later_layers_win_key_by_key() -> None:
    merged = layer([{"a": {"x": 1, "y": 2}}, {"a": {"y": 3}, "b": {"z": 4}}])
    assert merged == {"a": {"x": 1, "y": 3}, "b": {"z": 4}}


def test_an_unknown_node_names_the_nearest() -> None:
    with pytest.raises(InvalidInput, match="perhaps memory"):
        check_node_names({"memroy": {}}, ["memory", "fusion"], "my.yaml")


def test_tuples_become_lists() -> None:
    assert plain({"a": (1.0, 2.0), "b": "x"}) == {"a": [1.0, 2.0], "b": "x"}
