"""The rules of the house hold in src/, and each of them finds a breach when there is one."""

from __future__ import annotations

from pathlib import Path

import house_rules as rules
import pytest

from sage_common.core.specs.entry_points import OWN_PACKAGES

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = sorted(
    path.parent
    for path in (ROOT / "src").glob("*/package.xml")
    if (path.parent / path.parent.name / "__init__.py").is_file()
)
MODULES = {name: path for package in PACKAGES for name, path in rules.modules(package).items()}


def test_there_are_packages_to_check() -> None:
    assert {package.name for package in PACKAGES} == set(rules.FLOORS) - {"sage_msgs"}
    assert len(MODULES) > 50


def test_own_packages_are_those_of_the_workspace() -> None:
    assert {package.name for package in PACKAGES} == OWN_PACKAGES


def test_cores_are_free_of_ros_and_of_other_packages() -> None:
    cores = {name: path for name, path in MODULES.items() if ".core." in name}
    assert cores
    assert [b for n, p in cores.items() for b in rules.impure_core(p.read_text(), n)] == []


def test_arrows_between_packages_point_down() -> None:
    assert [b for n, p in MODULES.items() for b in rules.upward_imports(p.read_text(), n)] == []


def test_ros_is_reached_through_sage_common_only() -> None:
    inside = ("sage_common.ros", *rules.RAW_ROS_USERS)
    outside = {n: p for n, p in MODULES.items() if not n.startswith(inside)}
    assert [b for n, p in outside.items() for b in rules.raw_ros_calls(p.read_text(), n)] == []


def test_node_files_are_thin() -> None:
    nodes = {name: path for name, path in MODULES.items() if ".nodes." in name}
    assert nodes
    lines = {name: len(path.read_text().splitlines()) for name, path in nodes.items()}
    assert {n: count for n, count in lines.items() if count > rules.LONGEST_NODE_FILE} == {}


def test_folders_have_rooms() -> None:
    paths = ["/".join(name.split(".")) + ".py" for name in MODULES if name.count(".")]
    assert rules.crowded_folders(paths) == {}


def test_a_crowded_folder_is_found() -> None:
    few = [f"sage_x/core/m{number}.py" for number in range(rules.MOST_MODULES)]
    assert rules.crowded_folders([*few, "sage_x/core/__init__.py"]) == {}
    assert rules.crowded_folders([*few, "sage_x/core/one.py"]) == {
        "sage_x/core": rules.MOST_MODULES + 1
    }


def test_rooms_do_not_import_each_other() -> None:
    found = rules.circular_rooms({name: path.read_text() for name, path in MODULES.items()})
    assert {name: way for name, way in found.items() if name not in rules.CIRCULAR} == {}
    assert set(found) == rules.CIRCULAR, "a room that is in order by now leaves the list"


def test_a_circle_of_rooms_is_found() -> None:
    sources = {
        "sage_x.core.index.scan": "from sage_x.core.rows import row",
        "sage_x.core.rows.row": "from sage_x.core.engine.file import open_file",
        "sage_x.core.engine.file": "def late():\n    from sage_x.backends.sqlite import File",
        "sage_x.backends.sqlite": "from sage_x.core.engine import errors",
        "sage_x.core.errors": "from sage_x.core.index.scan import Scan",
    }
    assert rules.circular_rooms(sources) == {}
    sources["sage_x.core.engine.errors"] = "from sage_x.core.index.scan import Scan"
    (rooms,) = rules.circular_rooms(sources).values()
    assert {room.rpartition(".")[2] for room in rooms} == {"index", "rows", "engine"}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_package_xml_declares_every_import(package: Path) -> None:
    sources = {name: path.read_text() for name, path in rules.modules(package).items()}
    package_xml = (package / "package.xml").read_text()
    assert rules.missing_dependencies(sources, package_xml) == []


@pytest.mark.parametrize(
    "line",
    [
        "import rclpy",
        "from sensor_msgs.msg import Image",
        "from ament_index_python.packages import get_package_share_directory",
        "from sage_common.ros.node import SageNode",
        "from sage_encoders.core import framing",
        "from sage_snarc.nodes import scorer_node",
        "from ..nodes import scorer_node",
        "def late():\n    import rclpy",
        "from sage_snarc.backends import saliency",
    ],
)
def test_an_impure_core_is_found(line: str) -> None:
    assert len(rules.impure_core(line, "sage_snarc.core.fusion")) == 1


@pytest.mark.parametrize(
    "line",
    [
        "import numpy",
        "from sage_common.core.clock import Clock",
        "from .reason import place_in",
        "def late():\n    from sage_snarc.backends import saliency",
    ],
)
def test_a_pure_core_is_let_pass(line: str) -> None:
    assert rules.impure_core(line, "sage_snarc.core.fusion") == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("sage_sensors.core.video", "from sage_encoders.core import framing"),
        ("sage_memory.nodes.memory_node", "import sage_orchestrator"),
        ("sage_common.ros.node", "from sage.graph import description"),
        (
            "sage_snarc.nodes.scorer_node",
            "from sage_encoders.nodes.vision_encoder_node import main",
        ),
    ],
)
def test_an_arrow_pointing_up_is_found(module: str, line: str) -> None:
    assert len(rules.upward_imports(line, module)) == 1


def test_an_arrow_pointing_down_is_let_pass() -> None:
    line = "from sage_encoders.core.framing import Framing"
    assert rules.upward_imports(line, "sage_snarc.nodes.attention_node") == []
    line = "from sage_snarc.nodes.scorer_node import ScorerNode"
    assert rules.upward_imports(line, "sage.graph.description") == []


@pytest.mark.parametrize("call", sorted(rules._RAW_CALLS))
def test_a_raw_ros_call_is_found(call: str) -> None:
    assert rules.raw_ros_calls(f"self.{call}(Image, 'image', 10)", "sage_sensors.nodes.x") == [
        f"sage_sensors.nodes.x:1 calls {call}"
    ]


@pytest.mark.parametrize(
    ("line", "is_declared"),
    [
        ("import numpy", True),
        ("import json", True),
        ("from sage_snarc.core import fusion", True),
        ("from mcap.reader import SeekingReader", True),
        ("import cv2", False),
        ("import tokenizers", False),
        ("from std_msgs.msg import Header", False),
        ("import something_new", False),
    ],
)
def test_an_undeclared_import_is_found(line: str, is_declared: bool) -> None:
    package_xml = """<package>
      <exec_depend>python3-numpy</exec_depend>
      <!-- <exec_depend>std_msgs</exec_depend> --><!-- mcap (PyPI) has no rosdep key -->
    </package>"""
    found = rules.missing_dependencies({"sage_snarc.core.fusion": line}, package_xml)
    assert (found == []) is is_declared
