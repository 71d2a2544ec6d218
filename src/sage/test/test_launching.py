"""A bring-up that includes SAGE's launch file: what is SAGE's stays with SAGE's processes."""

from __future__ import annotations

from pathlib import Path

import pytest
import toy_launch

from sage.run.launching import generate


def bring_up(monkeypatch: pytest.MonkeyPatch, **configurations: str) -> toy_launch.Context:
    """A robot's node, SAGE's graph, and another node of the robot."""
    toy_launch.install(monkeypatch)
    context = toy_launch.Context({"ROS_DOMAIN_ID": "7"}, configurations)
    robot = toy_launch.Node("robot", {})
    toy_launch.run([robot, *generate("nano"), robot], context)
    return context


@pytest.mark.parametrize("composed", ["true", "false"])
def test_only_processes_of_sage_get_its_environment(
    monkeypatch: pytest.MonkeyPatch, composed: str
) -> None:
    context = bring_up(monkeypatch, composed=composed)
    of_robot = [env for name, env in context.started if name == "robot"]
    of_sage = [env for name, env in context.started if name != "robot"]
    assert of_robot == [{"ROS_DOMAIN_ID": "7"}] * 2
    assert len(of_sage) == 1 if composed == "true" else len(of_sage) > 10
    for environment in of_sage:
        assert environment["ROS_DOMAIN_ID"] == "7"
        assert environment["SAGE_LOCAL_BUS"] == "1"
        assert environment["MALLOC_TOP_PAD_"]
    profiles = {
        name: Path(environment["FASTRTPS_DEFAULT_PROFILES_FILE"]).name
        for name, environment in context.started
        if name != "robot"
    }
    sending = {"container"} if composed == "true" else {"recording_node"}
    assert {name for name, file in profiles.items() if file == "fastdds.xml"} == sending
    assert set(profiles.values()) <= {"fastdds.xml", "fastdds_small.xml"}


def test_arguments_of_sage_do_not_become_those_of_what_is_included_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert bring_up(monkeypatch).configurations == {}


def test_arguments_of_the_bring_up_reach_sage(monkeypatch: pytest.MonkeyPatch) -> None:
    context = bring_up(monkeypatch, network="true")
    environment = dict(context.started)["container"]
    assert environment["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "SUBNET"
    assert context.configurations == {"network": "true"}
