"""The package of docs/add_a_plugin.md does what the page says."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import rclpy
from lockstep_replay import replay
from orchestrator_graph import diagnostics, play, started
from plugin_package import block, install
from rclpy.serialization import deserialize_message
from small_bag import small_bag

from sage.bags.reader import open_bag
from sage.graph.description import GraphOptions, describe
from sage.run.process_commands import commands
from sage_common.core.specs.entry_points import refresh
from sage_common.ros.lockstep.host import LockstepHost
from sage_common.ros.rclpy_host.host import RosHost
from sage_msgs.msg import PluginBudget, Refinement
from sage_msgs.srv import ListPlugins, LoadPlugin, SetTrust, UnloadPlugin
from sage_orchestrator.nodes.orchestrator_node import OrchestratorNode


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed package."""
    folder = tmp_path_factory.mktemp("installed") / "site"
    install(folder)
    return folder


@pytest.fixture
def site(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of it, which Python searches."""
    folder = tmp_path / "site"
    shutil.copytree(installed, folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "colour_plugin", raising=False)
    refresh()
    yield folder
    monkeypatch.undo()
    refresh()


@pytest.fixture
def config(site: Path) -> Path:
    """The parameter file of the page."""
    path = site.parent / "colour.yaml"
    path.write_text(block("yaml"))
    return path


def test_it_names_colours_within_its_budget(site: Path, tmp_path: Path) -> None:
    host = started(tmp_path, ["colour"], **{"colour.sure": 0.5})
    play(host)
    found = host.messages("refinement")
    assert found and {message.plugin for message in found} == {"colour"}
    for message in found:
        assert message.answer == "it is grey" and list(message.labels) == ["grey"]
        assert message.state == PluginBudget.DONE
        assert list(message.energies) == sorted(message.energies, reverse=True)
        assert message.energies[-1] <= 0.5 or message.steps == 7
        assert message.spent_atp == pytest.approx(2.0 * (message.steps + 1))
    for state in host.messages("budget"):
        assert state.spent_atp == pytest.approx(sum(p.spent_atp for p in state.plugins))
        assert state.allocated_atp in (0.0, 1000.0)


def answers(host: LockstepHost) -> list[str]:
    """What the plugin found, in order."""
    return [m.answer for m in host.messages("refinement") if m.plugin == "colour"]


def test_it_is_loaded_replaced_and_unloaded_while_the_graph_runs(
    site: Path, tmp_path: Path
) -> None:
    host = started(tmp_path, ["misbehaving_plugins:ENDLESS"])
    play(host, seconds=0.5)
    answer = host.call("orchestrator/load_plugin", LoadPlugin.Request(plugin="colour"))
    assert (answer.success, answer.replaced, answer.message) == (True, False, "colour is loaded")
    play(host, seconds=1.0)
    assert answers(host)[-1] == "it is grey"
    host.call("orchestrator/set_trust", SetTrust.Request(plugin="colour", trust=0.9))

    code = (site / "colour_plugin.py").read_text().replace('"it is', '"what I see is')
    (site / "colour_plugin.py").write_text(code)
    answer = host.call("orchestrator/load_plugin", LoadPlugin.Request(plugin="colour"))
    assert (answer.replaced, answer.message) == (True, "colour is replaced")
    known = {
        p.name: p for p in host.call("orchestrator/list_plugins", ListPlugins.Request()).plugins
    }
    assert known["colour"].trust == pytest.approx(0.9)
    assert known["colour"].trust_reason == "set by hand"
    assert known["colour"].package == "colour-plugin 1.0"
    assert list(known["colour"].needs) == ["frames"]
    assert known["look"].package and not known["look"].loaded
    play(host, seconds=1.0)
    assert (answers(host)[0], answers(host)[-1]) == ("it is grey", "what I see is grey")

    answer = host.call("orchestrator/unload_plugin", UnloadPlugin.Request(plugin="colour"))
    assert (answer.success, answer.message) == (True, "colour is unloaded")
    again = host.call("orchestrator/unload_plugin", UnloadPlugin.Request(plugin="colour"))
    assert not again.success
    assert again.message == "plugin = 'colour': expected one that is loaded; this one is not"
    play(host, seconds=2.5)  # a healthy node reports every 2 s
    assert diagnostics(host)["plugins"] == "endless"
    for state in host.messages("budget"):
        assert state.spent_atp == pytest.approx(sum(p.spent_atp for p in state.plugins))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no_such", "plugins = 'no_such': expected an installed plugin"),
        ("misbehaving_plugins:RAISING", "expected the name of an installed plugin"),
    ],
)
def test_what_cannot_be_loaded_is_refused_by_name(
    site: Path, tmp_path: Path, name: str, words: str
) -> None:
    host = started(tmp_path, ["misbehaving_plugins:ENDLESS"])
    answer = host.call("orchestrator/load_plugin", LoadPlugin.Request(plugin=name))
    assert not answer.success and words in answer.message
    answer = host.call("orchestrator/unload_plugin", UnloadPlugin.Request(plugin=name))
    assert not answer.success and "one of: endless" in answer.message


def test_a_replacement_that_cannot_be_imported_leaves_the_old_plugin_at_work(
    site: Path, tmp_path: Path
) -> None:
    host = started(tmp_path, ["colour"])
    play(host, seconds=1.0)
    code = (site / "colour_plugin.py").read_text()
    (site / "colour_plugin.py").write_text(code + "import no_such_module\n")
    answer = host.call("orchestrator/load_plugin", LoadPlugin.Request(plugin="colour"))
    assert not answer.success and "no_such_module" in answer.message
    before = len(answers(host))
    play(host, seconds=1.0)
    assert answers(host)[before:][-1] == "it is grey"
    (site / "colour_plugin.py").write_text(code.replace('("frames",)', '("frames", "smell")'))
    answer = host.call("orchestrator/load_plugin", LoadPlugin.Request(plugin="colour"))
    assert not answer.success and "needs of plugin colour = 'smell'" in answer.message


def test_a_replacement_that_is_no_plugin_leaves_the_modules_of_before_in_place(
    site: Path, tmp_path: Path
) -> None:
    host = started(tmp_path, ["colour"])
    before = sys.modules["colour_plugin"]
    code = (site / "colour_plugin.py").read_text()
    (site / "colour_plugin.py").write_text(code + "\nColourPlugin = 7\n")
    answer = host.call("orchestrator/load_plugin", LoadPlugin.Request(plugin="colour"))
    assert not answer.success and "expected a subclass of Plugin" in answer.message
    assert "of package colour-plugin 1.0" in answer.message
    assert sys.modules["colour_plugin"] is before


def test_its_parameters_come_from_the_file_and_are_checked(config: Path) -> None:
    described = describe(GraphOptions(config=str(config), source="topics"))
    parameters = {node.name: node.parameters for node in described.nodes}["orchestrator"]
    alone = commands(described, composed=False, log_level="info")["orchestrator"]
    assert "colour.sure:=0.5" in alone
    assert (parameters["colour.sure"], parameters["colour.period_s"]) == (0.5, 1.0)
    config.write_text(config.read_text().replace("sure: 0.5", "sure: 70.0"))
    with pytest.raises(ValueError, match=r"orchestrator: colour\.sure = 70\.0: expected number"):
        describe(GraphOptions(config=str(config), source="topics"))
    config.write_text(config.read_text().replace("sure: 70.0", "surer: 0.5"))
    with pytest.raises(ValueError, match=r"colour\.surer: unknown parameter; .* colour\.sure"):
        describe(GraphOptions(config=str(config), source="topics"))


def test_its_parameters_are_those_of_ros(site: Path, tmp_path: Path) -> None:
    rclpy.init()
    values = {"plugins": '["colour"]', "home": str(tmp_path), "colour.sure": "0.25"}
    arguments = [word for name, value in values.items() for word in ("-p", f"{name}:={value}")]
    host = RosHost(OrchestratorNode, cli_args=["--ros-args", *arguments])
    try:
        assert host.start()
        assert host.get_parameter("colour.sure").value == 0.25
        descriptor = host.describe_parameter("colour.first_pixels")
        assert descriptor.description == "pixels of the first look"
        assert descriptor.integer_range[0].to_value == 4096
        assert host.node._plugins._read_parameters().grouped["colour"].sure == 0.25
    finally:
        host.stop()
        rclpy.shutdown()


def test_it_goes_through_lockstep_the_same_each_time(config: Path, tmp_path: Path) -> None:
    bag, output = str(small_bag(tmp_path / "bag")), tmp_path / "out"
    # Within seconds nothing is known to be rare.
    text = config.read_text().replace(
        "sure: 0.5", "sure: 0.5\n      false_alarms_per_hour: 36000.0"
    )
    config.write_text(text)
    first = replay(bag, "--config", str(config), "-o", str(output))
    found = [m for m in open_bag(output).messages() if m.topic == "/sage/refinement"]
    plugins = {deserialize_message(m.data, Refinement).plugin for m in found}
    assert "colour" in plugins
    assert replay(bag, "--config", str(config))["digest"] == first["digest"]
