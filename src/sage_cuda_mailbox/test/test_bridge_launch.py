"""The launch file of the camera bridge: a transport for images, in its own process only."""

from __future__ import annotations

import importlib.util
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SAGE_PROFILE = ROOT.parents[1] / "config" / "fastdds.xml"
PROFILE = ROOT / "components" / "config" / "fastdds_images.xml"
VARIABLES = {"FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"}
IMPORTED = {
    "launch": ["LaunchDescription"],
    "launch.actions": ["DeclareLaunchArgument", "LogInfo"],
    "launch.conditions": ["IfCondition", "UnlessCondition"],
    "launch.substitutions": ["EqualsSubstitution", "LaunchConfiguration"],
    "launch_ros": [],
    "launch_ros.actions": ["ComposableNodeContainer", "LoadComposableNodes"],
    "launch_ros.descriptions": ["ComposableNode"],
}


def stand_in(name: str) -> Any:
    """A class of launch that keeps what it was given."""
    return lambda *given, **named: SimpleNamespace(kind=name, given=given, **named)


@pytest.fixture
def actions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """What the launch file describes, with a stand-in for launch, which comes in no wheel."""
    for name, classes in IMPORTED.items():
        module = ModuleType(name)
        vars(module).update({item: stand_in(item) for item in classes})
        monkeypatch.setitem(sys.modules, name, module)
    path = ROOT / "components" / "launch" / "camera_bridge.launch.py"
    spec = importlib.util.spec_from_file_location("camera_bridge_launch", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(module.generate_launch_description().given[0])


def text(tag: str, profile: Path) -> list[str]:
    root = ElementTree.parse(profile).getroot()
    return [element.text or "" for element in root.iter() if element.tag.endswith("}" + tag)]


def test_the_container_and_nothing_else_gets_the_transport(actions: list[Any]) -> None:
    given = {a.kind: a for a in actions if hasattr(a, "additional_env")}
    assert given.keys() == {"ComposableNodeContainer"}
    environment = given["ComposableNodeContainer"].additional_env
    assert environment.keys() == VARIABLES
    assert {value.given for value in environment.values()} == {("profile",)}
    arguments = {a.given[0]: a for a in actions if a.kind == "DeclareLaunchArgument"}
    (said,) = [a for a in actions if a.kind == "LogInfo"]
    assert said.msg[-1].given == ("profile",), "the user is told what the driver needs"
    default = Path(arguments["profile"].default_value)
    assert default.parts[-3:] == ("sage_cuda_mailbox", "config", PROFILE.name)


def test_the_profile_carries_images_and_lets_nodes_of_one_process_hear_each_other() -> None:
    for tag in ("segment_size", "maxMessageSize", "useBuiltinTransports", "type"):
        assert text(tag, PROFILE) == text(tag, SAGE_PROFILE)
    assert not text("name", PROFILE)
    assert not text("address", PROFILE), (
        "the driver's host is the bridge's, its network is not ours"
    )
