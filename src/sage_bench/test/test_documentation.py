"""The generated pages say what the registry and the dataclasses say."""

from __future__ import annotations

from dataclasses import dataclass

from rclpy.qos import DurabilityPolicy, ReliabilityPolicy

from sage_bench.documentation import (
    QOS_PROFILES,
    render_parameters,
    render_topics,
    table,
)
from sage_common.core.parameters import NodeParameters, parameter
from sage_common.core.topics import ACTIONS, SERVICES, TOPICS
from sage_common.ros.qos import OFFERED, PROFILES


def rows(page: str) -> list[list[str]]:
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_topic_service_action_and_profile_has_one_row():
    page = render_topics()
    first = [row[0].strip("`") for row in rows(page)]
    assert first == [
        *(spec.name for spec in TOPICS.values()),
        *(name for name, *_ in QOS_PROFILES),
        *SERVICES,
        *ACTIONS,
    ]
    (info,) = [row for row in rows(page) if row[0] == "`microphone/{name}/audio`"]
    assert info[1:7] == [
        "`audio_common_msgs/msg/AudioDataStamped`",
        "sensor",
        "10",
        "0.5",
        "yes",
        "yes",
    ]
    assert "→" in info[7] and info[8] == TOPICS["microphone/audio"].doc
    assert page == render_topics() and page.endswith("|\n")


def test_the_profiles_are_explained_as_they_are():
    reliability = {
        ReliabilityPolicy.RELIABLE: "reliable",
        ReliabilityPolicy.BEST_EFFORT: "best effort",
    }
    durability = {
        DurabilityPolicy.VOLATILE: "volatile",
        DurabilityPolicy.TRANSIENT_LOCAL: "transient local",
    }
    explained = {name: tuple(rest) for name, *rest, _ in QOS_PROFILES}

    def words(name: str) -> str:
        asked, offered = (reliability[p[name].reliability] for p in (PROFILES, OFFERED))
        return asked if asked == offered else f"{asked}; offered: {offered}"

    assert explained == {
        name: (words(name), durability[qos.durability], qos.depth) for name, qos in PROFILES.items()
    }


def test_nobody_is_offered_less_than_our_own_nodes_ask_for():
    for name, asked in PROFILES.items():
        offered = OFFERED[name]
        assert offered.depth == asked.depth and offered.durability == asked.durability
        assert offered.reliability == ReliabilityPolicy.RELIABLE


@dataclass(frozen=True)
class Example(NodeParameters):
    rate: float = parameter(30.0, doc="frames | second", unit="Hz", low=1.0, high=60.0)
    count: int = parameter(1, doc="at least", low=1)
    most: int = parameter(1, doc="at most", high=5)
    mode: str = parameter("auto", doc="which", choices=("auto", "cpu"))
    names: tuple[str, ...] = parameter(("a", "b"), doc="names")
    on: bool = parameter(False, doc="on or off")


def test_parameters_of_a_dataclass():
    page = render_parameters("Camera", Example)
    assert page.startswith("## Camera\n\n| parameter | type | default | unit | allowed | meaning |")
    assert "`home`" not in page
    assert rows(page) == [
        ["`rate`", "number", "`30.0`", "Hz", "1 to 60", "frames \\| second"],
        ["`count`", "whole number", "`1`", "–", "≥ 1", "at least"],
        ["`most`", "whole number", "`1`", "–", "≤ 5", "at most"],
        ["`mode`", "string", '`"auto"`', "–", '`"auto"`, `"cpu"`', "which"],
        ["`names`", "list of strings", '`["a", "b"]`', "–", "–", "names"],
        ["`on`", "true or false", "`false`", "–", "–", "on or off"],
    ]


def test_what_all_nodes_have_stands_once():
    assert [row[0] for row in rows(render_parameters("Every node", NodeParameters))] == [
        "`home`", "`resume`", "`checkpoint_period_s`", "`instances`",
    ]  # fmt: skip

    @dataclass(frozen=True)
    class Nothing(NodeParameters):
        pass

    assert render_parameters("X", Nothing) == "## X\n\nNo parameters of its own.\n"
    assert table(("a",), [["x\ny|z"]]) == "| a |\n| --- |\n| x y\\|z |"
