"""The layouts for rviz, rqt and Foxglove show topics and fields that exist; no viewer runs here.

That a running graph publishes them, and in frames that its transforms hold together, is tested
in tests/test_running_graph.py.
"""

from __future__ import annotations

import pytest
from viewer_layouts import (
    FOXGLOVE,
    RVIZ,
    SPECS,
    Shown,
    foxglove,
    foxglove_panels,
    rqt,
    rqt_settings,
    rviz,
    rviz_displays,
)

from sage_common.ros.qos import OFFERED, is_kept
from sage_sensors.params import CameraParameters
from sage_snarc.params import AttentionParameters

NUMBERS = {"float", "double", "boolean", "uint8", "uint32", "uint64"}
IMAGE = "sensor_msgs/msg/Image"
# What a panel of Foxglove, a display of rviz, or a plugin of rqt can show.
SHOWS = {
    "Image": {IMAGE},
    "ImageView": {IMAGE},
    "MarkerArray": {"visualization_msgs/msg/MarkerArray"},
    "3D": {"visualization_msgs/msg/MarkerArray"},
    "Plot": NUMBERS,
    "StateTransitions": NUMBERS | {"string"},
    "Table": {"sequence<sage_msgs/PluginBudget>"},
    "DiagnosticSummary": {"diagnostic_msgs/msg/DiagnosticArray"},
    "RosOut": {"rcl_interfaces/msg/Log"},
}
OF_ANY_TYPE = {"RawMessages"}
# Built into Foxglove and Lichtblick.
PANELS = {*SHOWS, *OF_ANY_TYPE, "Tab"} - {"ImageView", "MarkerArray"}
# Both come with ROS 2 Jazzy's desktop.
DISPLAYS = {f"rviz_default_plugins/{name}" for name in ("Grid", "TF", "MarkerArray", "Image")}
PLUGINS = {
    "rqt_plot/Plot",
    "rqt_image_view/ImageView",
    "rqt_runtime_monitor/RuntimeMonitor",
    "rqt_console/Console",
}
# What must be seen in the layouts of both rqt and Foxglove.
WORTH_SEEING = {
    "/sage/salience", "/sage/budget", "/sage/state", "/sage/pressure", "/sage/refinement",
    "/sage/heatmap", "/sage/camera/front/image_raw",
}  # fmt: skip


def kind_of(shown: Shown) -> str:
    """Such as Plot, of `Plot!total` or `rqt_plot/Plot/1`."""
    return shown.where.partition("!")[0].split("/")[-2 if shown.where.count("/") > 1 else -1]


@pytest.mark.parametrize("shown", [*foxglove(), *rviz(), *rqt()], ids=lambda s: f"{s.where} {s}")
def test_what_is_shown_exists_and_can_be_shown_so(shown: Shown) -> None:
    kind = kind_of(shown)
    found = shown.type()
    assert kind in OF_ANY_TYPE or found in SHOWS[kind], found


def test_what_is_new_is_in_the_layouts() -> None:
    for layout in (foxglove, rqt):
        assert {shown.topic for shown in layout()} >= WORTH_SEEING
    seen = {shown.topic for shown in foxglove()}
    assert seen >= {"/diagnostics", "/rosout", "/sage/vision/detections", "/sage/markers"}


def test_each_panel_of_foxglove_is_in_its_layout_once() -> None:
    assert sorted(foxglove_panels(FOXGLOVE["layout"])) == sorted(FOXGLOVE["configById"])
    assert {name.partition("!")[0] for name in FOXGLOVE["configById"]} <= PANELS


def test_rviz_and_rqt_load_what_their_packages_have() -> None:
    manager = RVIZ["Visualization Manager"]
    assert {display["Class"] for display in manager["Displays"]} == DISPLAYS
    assert {plugin.rpartition("/")[0] for plugin in rqt_settings()} == PLUGINS
    names = [display["Name"] for display in manager["Displays"]]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("display", rviz_displays(), ids=lambda display: display["Name"])
def test_rviz_asks_for_what_is_offered(display: dict) -> None:
    topic = dict(display["Topic"])
    qos = SPECS[topic.pop("Value")].qos
    assert topic == {
        "Depth": OFFERED[qos].depth if qos == "sensor" else 5,
        "Durability Policy": "Transient Local" if is_kept(qos) else "Volatile",
        "History Policy": "Keep Last",
        "Reliability Policy": "Best Effort" if qos == "sensor" else "Reliable",
    }


def test_rviz_stands_in_a_frame_that_is_published_with_the_sensors() -> None:
    fixed = RVIZ["Visualization Manager"]["Global Options"]["Fixed Frame"]
    assert fixed == CameraParameters().base_frame == AttentionParameters().marker_frame
