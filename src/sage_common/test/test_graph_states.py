"""One node has every node that learns save its state, on either host."""

from __future__ import annotations

from pathlib import Path

from toy_nodes import ToyNode

from sage_common.core.state import file as state_file
from sage_common.ros.graph_states import SavedStates, save_states
from sage_common.ros.node import SageNode


class AskingNode(SageNode):
    """Learns nothing itself; asks on a worker."""

    default_name = "asking"

    def on_configure(self) -> None:
        self.answers: list[SavedStates] = []
        self.asking = self.worker("ask")

    def ask(self) -> None:
        self.asking.submit(lambda: self.answers.append(save_states(self)))


def ask(rig, node: AskingNode) -> SavedStates:
    count = len(node.answers)
    node.ask()
    assert rig.until(lambda: len(node.answers) > count)
    return node.answers[-1]


def learned(path: str) -> float:
    return float(state_file.load(Path(path)).arrays["learned"][0])


def test_all_are_saved_and_who_could_not_is_named(rig, tmp_path):
    asking, toy = rig.add(AskingNode), rig.add(ToyNode)
    assert rig.until(lambda: bool(asking.clients("~/save_state")))
    toy.learned[0] = 3.0
    saved = ask(rig, asking)
    assert saved.failures == [] and [Path(p).name for p in saved.paths] == ["toy.state"]
    assert learned(saved.paths[0]) == 3.0

    toy.learned[0] = 4.0
    rig.deactivate(toy)
    toy.learned[0] = 5.0
    asleep = ask(rig, asking)
    assert asleep.failures == [], "it saved when it was deactivated"
    assert learned(asleep.paths[0]) == 4.0
    rig.activate(toy)

    folder = tmp_path / "state"
    folder.rename(tmp_path / "elsewhere")
    folder.write_text("in the way")
    failed = ask(rig, asking)
    assert failed.paths == []
    assert len(failed.failures) == 1 and failed.failures[0].startswith("/sage/toy: ")
    assert "in the way" not in failed.failures[0] and "state" in failed.failures[0]
    folder.unlink()
