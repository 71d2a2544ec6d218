"""The demo's story through the real encoders, scorers and fusion, in lock-step: what stands out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sage.graph.demonstration import FALSE_ALARMS_PER_HOUR, TOLD, for_demo
from sage.graph.description import Graph, GraphOptions, NodeSpec, describe
from sage.replay.lockstep import LockstepReplay, Output
from sage.story.closing_question import asked_after, is_right, verdict
from sage.story.standing_out import Named, StandingOut
from sage.story.story_report import report_lines, story_report
from sage_common.core.clock import NS_PER_S
from sage_common.ros.lockstep.host import Delivered
from sage_sensors.backends.recording import data_folder
from sage_sensors.backends.story.opening import Story, demo_story
from sage_sensors.core.story.composition import composition_of
from sage_sensors.core.story.laps import Laps

START_NS = 1_700_000_000 * NS_PER_S
DELAY_NS = NS_PER_S // 2
NOT_NEEDED = ("memory", "governor", "orchestrator", "attention")
STORY = {
    "title": "Two things",
    "lap_s": 30,
    "recordings": {"path": {"file": "a.mp4", "what": "a path"}},
    "bed": {"video": "path", "back_and_forth": True},
    "events": [
        {"name": "it is dark", "at_s": 10, "for_s": 2, "picture": {"brightness": 0}},
        {
            "name": "a bell", "at_s": 20, "for_s": 2, "sound": {"recording": "path"},
            "question": "when did I hear a bell?",
        },
    ],
}  # fmt: skip


class Fused(Output):
    """Hands fused salience to whoever collects what stands out."""

    def __init__(self, found: StandingOut) -> None:
        super().__init__(None)
        self._found = found

    def add(self, item: Delivered) -> None:
        super().add(item)
        if item.topic != "/sage/salience":
            return
        from rclpy.serialization import deserialize_message

        from sage_msgs.msg import FusedSalience

        message: Any = deserialize_message(bytes(item.data), FusedSalience)
        stamp = message.header.stamp.sec * NS_PER_S + message.header.stamp.nanosec
        if message.valid:
            self._found.look(stamp, message.total, message.dominant_modality, message.reason)


def test_most_of_what_happens_in_the_demo_stands_out(tmp_path: Path) -> None:
    graph = for_demo(describe(GraphOptions(source="story", home=str(tmp_path), resume=False)))
    nodes = tuple(node for node in graph.nodes if node.kind not in NOT_NEEDED)
    found = StandingOut()
    story = Story(demo_story(data_folder()), data_folder())
    end_s = max(one.end_ns for one in story.laps.of(0)) / NS_PER_S + 0.6
    LockstepReplay(replace(graph, nodes=nodes), START_NS, Fused(found)).run_for(end_s)
    until_ns = START_NS + round(end_s * NS_PER_S)
    report = story_report(story.laps, START_NS + DELAY_NS, until_ns, found)
    assert len(report.outcomes) == 6
    assert report.noticed >= 5, list(report_lines(report))
    assert len(report.false_alarms) <= 2, list(report_lines(report))


def test_the_report_says_what_was_noticed_when_and_as_what() -> None:
    found = StandingOut()
    for at_s, total in ((4.0, 0.7), (10.2, 0.9), (10.3, 0.95), (14.5, 0.4)):
        found.look(START_NS + round(at_s * NS_PER_S), total, "vision", "vision: surprise")
    found.name(Named(START_NS + 11 * NS_PER_S, "recognise", "vision", "attended: cave 0.6"))
    found.name(Named(START_NS + 21 * NS_PER_S, "hear", "audio", "heard: bell 0.8"))
    laps = Laps(composition_of(STORY))
    report = story_report(laps, START_NS, START_NS + 25 * NS_PER_S, found)
    dark, bell = report.outcomes
    assert (dark.noticed_s, dark.total, dark.names) == (
        10.2,
        0.95,
        ("attended: cave 0.6 (recognise)",),
    )
    assert (bell.noticed_s, bell.total, bell.names) == (None, 0.0, ("heard: bell 0.8 (hear)",))
    assert report.false_alarms == ((4.0, 0.7, "vision", "vision: surprise"),)
    assert report.noticed == report.as_json()["noticed"] == 1
    lines = list(report_lines(report))
    assert lines[0] == "of 2 things that happened, 1 stood out; 1 false alarms"
    assert (
        lines[1] == "  0:10  it is dark: noticed after 0.2 s; named: attended: cave 0.6 (recognise)"
    )
    assert lines[3] == "  0:20  a bell: not noticed; named: heard: bell 0.8 (hear)"
    assert lines[4] == "  0:04  false alarm: 0.70  vision: surprise"
    early = story_report(laps, START_NS, START_NS + 11 * NS_PER_S, found)
    assert early.outcomes == () and len(early.false_alarms) == 1, "it still goes on"


def test_asked_after_is_what_was_noticed_and_kept_and_the_truth_is_the_compositions() -> None:
    found = StandingOut()
    found.look(START_NS + 10 * NS_PER_S, 0.99, "vision", "vision: surprise")
    laps, end_ns = Laps(composition_of(STORY)), START_NS + 25 * NS_PER_S
    unnoticed = story_report(laps, START_NS, end_ns, found)
    assert asked_after(unnoticed, lambda *_: True) is None, "the dark has no question"
    found.look(START_NS + 20 * NS_PER_S, 0.6, "audio", "audio: novelty")
    report = story_report(laps, START_NS, end_ns, found)
    assert asked_after(report, lambda *_: False) is None, "nothing is kept of it"
    spans: list[tuple[int, int]] = []
    bell = asked_after(report, lambda *span: not spans.append(span))
    assert bell is not None and bell.question == "when did I hear a bell?"
    assert spans == [(START_NS + 20 * NS_PER_S, START_NS + 26 * NS_PER_S)]
    right_ns, wrong_ns = START_NS + 21 * NS_PER_S, START_NS + 12 * NS_PER_S
    assert is_right(report, bell, right_ns) and not is_right(report, bell, wrong_ns)
    assert verdict(report, bell, right_ns).startswith("right: 0:21 ")
    assert (
        verdict(report, bell, wrong_ns) == "wrong: 0:12 of the composition; it was: a bell, at 0:20"
    )
    assert verdict(report, bell, None) == "no answer; it was: a bell, at 0:20"


@pytest.mark.parametrize("story", ["", "story.yaml"])
def test_a_demo_is_told_of_more_where_a_story_is_played(story: str) -> None:
    nodes = (
        NodeSpec("recording", "recording", "/sage", {"story": story} if story else {}),
        NodeSpec("fusion", "fusion", "/sage"),
        NodeSpec("scorer", "audio_scorer", "/sage", {"false_alarms_per_hour": 10.0}),
        NodeSpec("orchestrator", "orchestrator", "/sage"),
    )
    made = for_demo(Graph(GraphOptions(), nodes, {}, "cpu", ()))
    by = {node.name: node.parameters for node in made.nodes}
    assert by["audio_scorer"] == {"false_alarms_per_hour": 10.0}, "the user's own word"
    assert by["fusion"] == ({"false_alarms_per_hour": FALSE_ALARMS_PER_HOUR} if story else {})
    assert (made.notes == (TOLD,)) == bool(story)
