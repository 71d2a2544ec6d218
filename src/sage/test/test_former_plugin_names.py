"""A bag and a parameter file of the time when the plugin look was called focus."""

from __future__ import annotations

from pathlib import Path

from lockstep_replay import replay
from rclpy.serialization import deserialize_message, serialize_message
from small_bag import START_NS, header, small_bag

from sage.bags.metadata import QOS_BY_PROFILE
from sage.bags.reader import open_bag
from sage.bags.writer import BagWriter
from sage_common.core.clock import NS_PER_S
from sage_msgs.msg import BudgetState, Outcome, PluginBudget, Refinement

MIDDLE_NS = START_NS + NS_PER_S


def old_bag(folder: Path) -> Path:
    """A small bag, with what the graph of then told and was told of its plugin focus."""
    source = open_bag(small_bag(folder.with_name("sensors")))
    told = {
        "/sage/budget": (BudgetState(plugins=[PluginBudget(name="focus", trust=0.5)]), "latched"),
        "/sage/refinement": (Refinement(plugin="focus", answer="a bench"), "standard"),
        "/sage/outcome": (Outcome(plugin="focus", reward=-1.0, source="test"), "standard"),
    }
    with BagWriter(folder) as writer:
        for topic in source.topics.values():
            writer.add_topic(topic.name, topic.type_name, topic.qos or QOS_BY_PROFILE["sensor"])
        for name, (message, profile) in told.items():
            kind = f"sage_msgs/msg/{type(message).__name__}"
            writer.add_topic(name, kind, QOS_BY_PROFILE[profile])
        for item in source.messages():
            writer.write(item.topic, item.time_ns, item.data)
        for name, (message, _) in told.items():
            message.header = header(MIDDLE_NS)
            writer.write(name, MIDDLE_NS, serialize_message(message))
    return folder


def test_both_open_and_mean_the_plugin_look(tmp_path: Path) -> None:
    config = tmp_path / "old.yaml"
    config.write_text("orchestrator: {ros__parameters: {plugins: [focus, recall]}}\n")
    bag, output = old_bag(tmp_path / "bag"), tmp_path / "again"
    assert replay(str(bag), "--config", str(config), "-o", str(output))["warnings"] == []
    last = [item for item in open_bag(output).messages() if item.topic == "/sage/budget"][-1]
    state = deserialize_message(last.data, BudgetState)
    assert [line.name for line in state.plugins] == ["look", "recall"]
    assert state.plugins[0].trust < 0.5, "the outcome of focus was learned for look"
