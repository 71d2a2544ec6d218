"""Parameter files as rcl reads them: full names, nested namespaces, wildcards."""

from __future__ import annotations

from pathlib import Path

import pytest
import rclpy
from rclpy.context import Context

from sage_common.core.errors import InvalidInput
from sage_common.core.parameter_files import (
    Entry,
    general_values,
    read_entries,
    values_for,
)

ROBOT = """
/**:
  ros__parameters:
    use_sim_time: true
    max_speed: 3.0
/robot1:
  fusion:
    ros__parameters:
      history: 5
/**/fusion:
  ros__parameters:
    max_age_s: 2.0
/robot1/*:
  ros__parameters:
    resume: false
/robot2/fusion:
  ros__parameters:
    history: 9
controller:
  ros__parameters:
    gains: {p: 1.0, i: 2.0}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "a.yaml"
    path.write_text(text)
    return path


def test_a_node_gets_what_rcl_gives_it(tmp_path: Path) -> None:
    path = write(tmp_path, ROBOT)
    context = Context()
    rclpy.init(args=["x", "--ros-args", "--params-file", str(path)], context=context)
    node = rclpy.create_node("fusion", namespace="/robot1", context=context)
    given = {name: parameter.value for name, parameter in node._parameter_overrides.items()}
    node.destroy_node()
    context.shutdown()

    entries = read_entries(path)
    own = values_for(entries, "/robot1", "fusion", "fusion")
    assert own == {"history": 5, "max_age_s": 2.0}
    assert {**general_values(entries, "/robot1", "fusion"), **own} == given


@pytest.mark.parametrize(
    ("name", "is_matched"),
    [
        ("fusion", True),
        ("/robot1/left/fusion", True),
        ("/**", True),
        ("/robot1/**", True),
        ("/**/fusion", True),
        ("**/fusion", True),
        ("/robot1/*/fusion", True),
        ("/robot1/le*/fus*", True),
        ("/fusion", False),
        ("/*", False),
        ("/*/fusion", False),
        ("/robot2/**", False),
        ("/robot1/left/fusio", False),
        ("/robot1.left/fusion", False),
        ("memory", False),
    ],
)
def test_names_and_wildcards(name: str, is_matched: bool) -> None:
    assert Entry("a.yaml", name, {}).matches("/robot1/left", "fusion") is is_matched


def test_nested_parameters_have_dotted_names(tmp_path: Path) -> None:
    (entry,) = read_entries(write(tmp_path, "a:\n  ros__parameters:\n    b: {c: {d: 1}, e: 2}\n"))
    assert entry.values == {"b.c.d": 1, "b.e": 2}


def test_a_name_wins_over_its_kind_wherever_it_stands(tmp_path: Path) -> None:
    text = "audio_scorer:\n  ros__parameters: {m: 1}\nscorer:\n  ros__parameters: {m: 2, n: 3}\n"
    entries = read_entries(write(tmp_path, text))
    assert values_for(entries, "/sage", "scorer", "audio_scorer") == {"m": 1, "n": 3}


def test_an_empty_file_sets_nothing(tmp_path: Path) -> None:
    assert read_entries(write(tmp_path, "# nothing\n")) == ()


@pytest.mark.parametrize(
    "text",
    ["- a\n", "memory: 3\n", "memory:\n  resume: true\n", "a: [\n", "a: {}\n",
     "a:\n  ros__parameters: 3\n"],
)  # fmt: skip
def test_another_form_is_refused_with_the_file_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput, match=r"a\.yaml"):
        read_entries(write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [("memory:\n  ros__parameters:\n   resume: [true\nfusion: 1\n", 4, "fusion: 1"),
     ("memory: {a: 1\n", 2, "''"), ("a:\n\tb: 1\n", 2, "b: 1"), ("a: b: c\n", 1, "a: b: c"),
     ("a: !!python/object:os.system {}\n", 1, "python/object")],
)  # fmt: skip
def test_what_is_no_yaml_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InvalidInput) as caught:
        read_entries(path)
    told = str(caught.value)
    assert told.startswith(f"{path}, line {line} = ") and said in told
    assert "expected a YAML file of parameters; " in told and "\\n" not in told


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000 + "1" + "}" * 5000])
def test_a_file_nested_too_deep_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput, match=r"a\.yaml = 'nested too deep'"):
        read_entries(write(tmp_path, text))


def test_a_date_that_is_none_is_refused_with_the_file_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"a\.yaml = 'month must be in 1\.\.12'"):
        read_entries(write(tmp_path, "a: {ros__parameters: {x: 2020-13-45}}\n"))


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="'a folder': expected a parameter file"):
        read_entries(tmp_path)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothere\.yaml: expected a parameter file"):
        read_entries(tmp_path / "nothere.yaml")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match=r"a\.yaml"):
        read_entries(tmp_path / "a.yaml")
