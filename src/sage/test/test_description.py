"""The graph description, and that the launch files start exactly what `sage run` starts."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sage.cli import main
from sage.graph.catalogue import CATALOGUE
from sage.graph.description import PROFILES, GraphOptions, describe
from sage.run.launching import ARGUMENTS, graph_options, node_actions
from sage.run.process_commands import commands, executable, node_command
from sage_common.core.errors import InvalidInput
from sage_common.core.parameters import ParameterError, specs
from sage_common.ros.container import node_class, yaml_value

ROOT = Path(__file__).resolve().parents[3]
DEFAULTS = {name: default for name, (default, _) in ARGUMENTS.items()}


@pytest.mark.parametrize("kind", sorted(CATALOGUE))
def test_every_kind_of_node_exists_with_its_parameters_and_executable(kind: str) -> None:
    entry = CATALOGUE[kind]
    assert node_class(entry.node_class).parameters_type is entry.parameters_type()
    assert specs(entry.parameters_type())
    assert Path(executable(entry.package, entry.executable)).is_file()


@pytest.mark.parametrize("profile", PROFILES)
def test_each_profile_is_a_whole_graph_with_unique_names(profile: str) -> None:
    graph = describe(GraphOptions(profile=profile))
    names = [node.name for node in graph.nodes]
    assert len(set(names)) == len(names)
    kinds = [node.kind for node in graph.nodes]
    assert kinds.count("scorer") == 4
    assert {"fusion", "attention", "orchestrator", "memory", "recording"} <= set(kinds)
    assert kinds.index("recording") == len(kinds) - 1, "producers start after consumers"


@pytest.mark.parametrize("value", ["abc", "-5", "nan", "inf"])
def test_a_wrong_target_of_memory_is_refused_before_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    monkeypatch.setenv("SAGE_CACHE_GREEN_MB", value)
    assert main(["run", "--duration", "1"]) == 2
    said = f"sage run: SAGE_CACHE_GREEN_MB = '{value}': expected MB from 1 to 1e+06\n"
    assert capsys.readouterr().err == said
    with pytest.raises(InvalidInput, match="SAGE_CACHE_GREEN_MB"):
        describe(GraphOptions())


def test_thor_without_a_gpu_says_that_it_runs_on_the_cpu() -> None:
    graph = describe(GraphOptions(profile="thor"))
    if graph.device == "cpu":
        assert any("CPU" in note for note in graph.notes)


def test_a_user_file_wins_over_the_profile(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("/**/memory:\n  ros__parameters:\n    checkpoint_period_s: 7.0\n")
    graph = describe(GraphOptions(config=str(path)))
    memory = next(node for node in graph.nodes if node.kind == "memory")
    assert memory.parameters["checkpoint_period_s"] == 7.0


def test_a_file_for_the_whole_robot_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "robot.yaml"
    path.write_text(
        "/**:\n  ros__parameters: {use_sim_time: true, max_speed: 3.0}\n"
        "/robot1/fusion:\n  ros__parameters: {history: 50}\n"
        "/robot1/controller:\n  ros__parameters: {rate: 9.0}\n"
    )
    graph = describe(GraphOptions(namespace="/robot1", config=str(path)))
    fusion = next(node for node in graph.nodes if node.kind == "fusion")
    assert fusion.parameters == {"use_sim_time": True, "history": 50}
    assert fusion.own_parameters == {"history": 50}
    assert graph.options.use_sim_time, "the command's own node follows the same clock"
    (note,) = (note for note in graph.notes if str(path) in note)
    assert note.endswith("left out: /** max_speed, /robot1/controller")


def test_settings_of_a_kind_reach_every_node_of_it_and_a_name_wins(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "/**/scorer:\n  ros__parameters:\n    checkpoint_period_s: 7.0\n"
        "/**/audio_scorer:\n  ros__parameters:\n    checkpoint_period_s: 8.0\n"
    )
    graph = describe(GraphOptions(config=str(path)))
    periods = {
        n.name: n.parameters["checkpoint_period_s"] for n in graph.nodes if n.kind == "scorer"
    }
    assert periods["audio_scorer"] == 8.0
    assert periods["vision_scorer"] == 7.0


def test_a_vector_stream_becomes_a_scorer_with_its_own_settings(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "/**/graph:\n  ros__parameters:\n    vectors: [motor_current, heat]\n"
        "/**/vector_scorer:\n  ros__parameters:\n    memory: 100\n"
        "/**/heat_scorer:\n  ros__parameters:\n    stale_after_s: 5.0\n"
    )
    graph = describe(GraphOptions(config=str(path)))
    found = {n.name: n.parameters for n in graph.nodes if n.kind == "vector_scorer"}
    assert found == {
        "motor_current_scorer": {"modality": "motor_current", "memory": 100},
        "heat_scorer": {"modality": "heat", "memory": 100, "stale_after_s": 5.0},
    }
    assert not any(n.kind == "vector_scorer" for n in describe(GraphOptions()).nodes)


def test_who_speaks_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("/**/graph:\n  ros__parameters:\n    speaks: true\n")
    assert "speaker" not in {node.name for node in describe(GraphOptions(source="topics")).nodes}
    graph = describe(GraphOptions(source="topics", config=str(path)))
    assert "speaker" in {node.name for node in graph.nodes}


@pytest.mark.parametrize("names", ["[heat, heat]", "[vision]", "[Motor]", "['']"])
def test_a_vector_stream_needs_a_name_of_its_own(tmp_path: Path, names: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"/**/graph:\n  ros__parameters:\n    vectors: {names}\n")
    with pytest.raises(InvalidInput, match=r"graph\.vectors = .*: expected each once"):
        describe(GraphOptions(config=str(path)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/**/graph:\n  ros__parameters:\n    vector: [heat]\n", "graph: vector: .* vectors"),
        ("/**/graph:\n  ros__parameters:\n    vectors: heat\n", "graph: vectors = .* strings"),
        ("/**/memory:\n  ros__parameters:\n    checkpoint_periods: 7.0\n", "checkpoint_period_s"),
        ("/**/memory:\n  ros__parameters:\n    checkpoint_period_s: soon\n", "number"),
        ("/**/memory:\n  ros__parameters:\n    use_sim_time: soon\n", "memory: use_sim_time"),
        ("/sage/memory:\n  ros__parameters:\n    max_speed: 3.0\n", "memory: max_speed"),
        ("/**:\n  ros__parameters:\n    checkpoint_period_s: soon\n", "number"),
        ("memory:\n  ros__parameters:\n    private_modalities: [visoin]\n", "'visoin'.* vision"),
        ("/**/memroy:\n  ros__parameters: {}\n", "memory"),
    ],
)
def test_a_wrong_key_value_or_node_is_an_error_that_helps(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises((ParameterError, InvalidInput), match=words):
        describe(GraphOptions(config=str(path)))


@pytest.mark.parametrize("namespace", ["sage", "/a b", "/1st", "/robot/", "/" + 128 * "a"])
def test_a_wrong_namespace_is_refused(namespace: str) -> None:
    with pytest.raises(InvalidInput, match="namespace"):
        describe(GraphOptions(namespace=namespace))


def test_a_wrong_profile_is_refused() -> None:
    with pytest.raises(InvalidInput, match="profile"):
        describe(GraphOptions(profile="mega"))


def fake_node(**arguments: Any) -> SimpleNamespace:
    """Stands in for launch_ros.actions.Node: keeps what it was given."""
    return SimpleNamespace(**arguments)


@pytest.mark.parametrize("profile", PROFILES)
def test_launch_starts_node_by_node_what_run_starts(profile: str) -> None:
    values = {**DEFAULTS, "composed": "false", "log_level": "warn"}
    graph = describe(graph_options(profile, values))
    assert graph == describe(GraphOptions(profile=profile))
    actions = node_actions(graph, values, {"A": "b"}, fake_node)
    for action, node in zip(actions, graph.nodes, strict=True):
        launched = launch_command(action)
        assert launched == node_command(node, "warn")[1:], node.name


def launch_command(action: Any) -> list[str]:
    """The command line that launch_ros makes of a Node with these arguments."""
    command = [executable(action.package, action.executable), "--ros-args"]
    command += ["-r", f"__node:={action.name}", "-r", f"__ns:={action.namespace}"]
    for old, new in action.remappings:
        command += ["-r", f"{old}:={new}"]
    for values in action.parameters:
        for key, value in values.items():
            command += ["-p", f"{key}:={yaml_value(value)}"]
    return [*command, *action.arguments[1:]]


@pytest.mark.parametrize("profile", PROFILES)
def test_composed_launch_starts_the_container_that_run_starts(profile: str) -> None:
    graph = describe(graph_options(profile, DEFAULTS))
    (action,) = node_actions(graph, DEFAULTS, {"A": "b"}, fake_node)
    ran = commands(graph, composed=True, log_level=DEFAULTS["log_level"])["container"]
    assert [executable(action.package, action.executable), *action.arguments] == ran[1:]


@pytest.mark.parametrize("name", ["nano", "thor", "replay"])
def test_launch_files_are_thin_over_the_description(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ROOT / "launch" / f"{name}.launch.py"
    spec = importlib.util.spec_from_file_location(f"{name}_launch", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    called: list[tuple[str, dict[str, str]]] = []
    monkeypatch.setattr(module, "generate", lambda p, **d: called.append((p, d)) or "made")
    assert module.generate_launch_description() == "made"
    ((profile, defaults),) = called
    assert profile in PROFILES
    assert set(defaults) <= set(ARGUMENTS)
    assert describe(graph_options(profile, {**DEFAULTS, **defaults})).nodes


@pytest.mark.parametrize("argument", ["composed", "respawn", "use_sim_time", "network"])
def test_a_launch_argument_that_is_neither_true_nor_false_is_refused(argument: str) -> None:
    from sage.run.launching import truth

    with pytest.raises(InvalidInput, match=argument):
        truth(argument, "maybe")


def test_a_log_level_that_is_none_is_refused_before_anything_starts() -> None:
    values = {**DEFAULTS, "log_level": "loud"}
    with pytest.raises(InvalidInput, match=r"log_level = 'loud'.*debug or info"):
        node_actions(describe(graph_options("nano", values)), values, {}, fake_node)


@pytest.mark.parametrize("use_sim_time", [True, False])
def test_the_source_topics_says_how_a_bag_is_played_into_it(use_sim_time: bool) -> None:
    graph = describe(GraphOptions(source="topics", use_sim_time=use_sim_time))
    assert any("ros2 bag play --clock" in note for note in graph.notes)
    assert not any("--clock" in note for note in describe(GraphOptions()).notes)


def test_one_knob_for_all_scorers_and_for_one_of_them(tmp_path):
    path = tmp_path / "own.yaml"
    said = "{{ros__parameters: {{false_alarms_per_hour: {:.1f}}}}}"
    asked = {"scorer": 6.0, "audio_scorer": 30.0, "memory": 10.0}
    path.write_text("".join(f"{name}: {said.format(rate)}\n" for name, rate in asked.items()))
    graph = describe(GraphOptions(source="topics", config=str(path)))
    found = {node.name: node.parameters.get("false_alarms_per_hour") for node in graph.nodes}
    assert (found["vision_scorer"], found["audio_scorer"], found["memory"]) == (6.0, 30.0, 10.0)
    path.write_text("memory: {ros__parameters: {salience_floor: 0.3}}\n")
    with pytest.raises(ValueError, match="salience_floor: is now false_alarms_per_hour, another"):
        describe(GraphOptions(source="topics", config=str(path)))


def test_parameters_of_a_plugin_that_is_not_installed_do_not_stop_the_graph(tmp_path):
    path = tmp_path / "own.yaml"
    said = "plugins: [recall, nearest]\n    nearest: {min_salience: 0.1}\n"
    path.write_text(f"orchestrator:\n  ros__parameters:\n    {said}")
    graph = describe(GraphOptions(source="topics", config=str(path)))
    (warning,) = [text for text in graph.warnings if "nearest" in text]
    assert warning == "orchestrator: nearest.min_salience ignored: not installed"
    path.write_text(path.read_text().replace("nearest: {min", "recall: {mn"))
    with pytest.raises(ValueError, match=r"recall\.mn_salience: unknown parameter"):
        describe(GraphOptions(source="topics", config=str(path)))


def test_the_gateway_is_there_where_a_page_is_asked_for(tmp_path: Path) -> None:
    def gateways(options: GraphOptions) -> list[Any]:
        return [node.parameters for node in describe(options).nodes if node.kind == "gateway"]

    assert gateways(GraphOptions(source="topics")) == []
    (asked,) = gateways(GraphOptions(source="topics", page=9000))
    assert (asked["port"], asked["allow_actions"]) == (9000, True)
    (looked_at,) = gateways(GraphOptions(source="topics", page=9000, page_acts=False))
    assert not looked_at["allow_actions"]
    config = tmp_path / "page.yaml"
    config.write_text("/**/graph: {ros__parameters: {page: true}}\n")
    (by_file,) = gateways(GraphOptions(source="topics", config=str(config)))
    assert "allow_actions" not in by_file  # read-only, as its default says


def test_foxglove_is_served_where_that_is_asked_for(tmp_path: Path) -> None:
    def servers(options: GraphOptions) -> list[Any]:
        return [node.parameters for node in describe(options).nodes if node.kind == "foxglove"]

    assert servers(GraphOptions(source="topics", page=9000)) == []
    (asked,) = servers(GraphOptions(source="topics", foxglove=9001))
    assert asked["port"] == 9001
    config = tmp_path / "foxglove.yaml"
    config.write_text("/**/graph: {ros__parameters: {foxglove: true}}\n")
    (by_file,) = servers(GraphOptions(source="topics", config=str(config)))
    assert "port" not in by_file
