"""The terminal view, and the generated pages."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from rich.console import Console
from rich.text import Text

from sage.commands.graph import status
from sage.observe import statuses
from sage.observe.highlights import Highlight
from sage.observe.latest import Latest
from sage.observe.live_view import bar, in_a_line, render
from sage.observe.observer_node import LISTENER
from sage.observe.tally import Tally
from sage_bench.commands.docs import pages
from sage_common.core.topics import TOPICS
from sage_msgs.msg import (
    Attention,
    BudgetState,
    Experience,
    FusedSalience,
    PluginBudget,
    Salience,
)

ROOT = Path(__file__).resolve().parents[3]


def shown(latest: Latest, tally: Tally) -> str:
    console = Console(width=120, record=True, file=StringIO())
    console.print(render(latest, tally, "a title"))
    return console.export_text()


def test_the_view_of_an_empty_graph_says_that_nothing_came_yet() -> None:
    text = shown(Latest(), Tally())
    assert "a title" in text
    assert text.count("nothing yet") == 5


def test_the_view_shows_what_is_private() -> None:
    latest = Latest()
    facts = {"private_modalities": "audio", "private_places": "none", "private_here": "no"}
    values = [KeyValue(key=key, value=value) for key, value in facts.items()]
    latest.diagnostics["memory"] = DiagnosticStatus(name="memory", values=values)
    assert "private: modalities audio; places none; now: no" in shown(latest, Tally())


def test_the_view_shows_salience_reason_budget_and_attention() -> None:
    latest = Latest()
    latest.fused = FusedSalience(total=0.625, reason="audio: novelty 0.97", valid=True)
    latest.saliences["audio"] = Salience(total=0.5, reason="a bang", valid=True)
    latest.saliences["vision"] = Salience(valid=False, invalid_reason="no input for 3 s")
    latest.attention = Attention(modality="vision", valid=True, x_max=0.5, y_max=0.5)
    plugin = PluginBudget(name="look", trust=0.75, allocated_atp=600.0, spent_atp=42.0, steps=3)
    latest.budget = BudgetState(
        cycle=7, budget_atp=500.0, rating=0.5, spent_atp=42.0, plugins=[plugin]
    )
    text = shown(latest, Tally())
    for words in ("0.62", "novelty 0.97", "a bang", "no input for 3 s", "look", "trust 0.75",
                  "42 of 600 ATP in 3 steps", "the processor keeps 50% of the budget"):  # fmt: skip
        assert words in text, words


def test_the_view_shows_fused_streams_of_the_user_too() -> None:
    latest = Latest()
    own = Salience(modality="motor_current", total=0.7, reason="motor_current: stalled", valid=True)
    latest.fused = FusedSalience(total=0.7, modalities=[own], reason="why", valid=True)
    assert "motor_current: stalled" in shown(latest, Tally())


def test_the_view_names_what_packages_declare_wrongly_and_what_stands_behind_a_sensor() -> None:
    fault = "sage.modalities scent of package nose is left out: rate_hz = 'fast'"
    latest = Latest(modalities=("vision", "temperature"), warnings=(fault,))
    camera = DiagnosticStatus(name="/sage/camera", level=DiagnosticStatus.OK)
    camera.values = [KeyValue(key="camera backend", value="wanderer:bar")]
    latest.diagnostics[camera.name] = camera
    text = shown(latest, Tally())
    assert "camera: wanderer:bar" in text and "temperature" in text and "audio" not in text
    assert f"warn: {fault}" in text


def test_a_long_reason_is_wrapped_not_cut() -> None:
    words = [f"word{index}" for index in range(40)]
    latest = Latest()
    latest.fused = FusedSalience(total=0.7, reason=" ".join(words), valid=True)
    latest.experiences = [Experience(id="x" * 36, reason=" ".join(words).replace("word", "kept"))]
    text = shown(latest, Tally())
    assert [word for word in words if word not in text] == []
    assert "kept39" in text


def test_the_view_says_what_stood_out_and_how_rare_that_is() -> None:
    latest, tally = Latest(), Tally()
    assert "nothing stood out so far" in shown(latest, tally)
    tally.highlights.add(Highlight(0, 0.9, 0.5, "audio: a bang"))
    latest.fused = FusedSalience(total=0.625, reason="a knock", alarms_per_hour=30.0, valid=True)
    text = shown(latest, tally)
    assert "0.90  audio: a bang (as rare as 0.5 false alarms an hour)" in text
    assert "a knock (as rare as 30 false alarms an hour)" in text
    assert "60 an hour unless you set another" in text
    latest.fused.total = 0.0
    assert "a knock (" not in shown(latest, tally)


def test_a_reason_is_not_told_twice() -> None:
    latest = Latest()
    reason = "audio: novelty 0.97, nothing seen"
    latest.fused = FusedSalience(total=0.7, reason=reason, valid=True)
    latest.saliences["audio"] = Salience(modality="audio", total=0.8, reason=reason, valid=True)
    text = shown(latest, Tally())
    assert text.count(reason) == 1 and "as above" in text


def test_a_pipe_gets_a_line_a_second(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "LINE_PERIOD_S", 0.0)
    latest = Latest()
    latest.fused = FusedSalience(total=0.625, reason="a bang", valid=True)
    gone = DiagnosticStatus(name="/sage/camera", level=DiagnosticStatus.ERROR, message="gone")
    latest.diagnostics[gone.name] = gone
    tally = Tally()
    tally.highlights.add(Highlight(0, 0.9, 0.5, "a knock before"))
    observer = SimpleNamespace(latest=latest, tally=tally)
    assert status._print(observer, "SAGE /sage", 0.001) == 0
    title, first, *_ = capsys.readouterr().out.splitlines()
    assert title == "SAGE /sage"
    assert first.endswith("salience 0.90  a knock before; error: camera: gone")
    assert status._print(observer, "SAGE /sage", 0.001) == 0
    _, first, *_ = capsys.readouterr().out.splitlines()
    assert first.endswith("salience 0.62  a bang; error: camera: gone")


def attached_with(latest: Latest, *publishers: str) -> SimpleNamespace:
    """What `status` looks with: an observer, and a host that knows who publishes /diagnostics."""
    found = [SimpleNamespace(node_name=name, node_namespace="/sage") for name in publishers]
    host = SimpleNamespace(get_publishers_info_by_topic=lambda topic: found)
    return SimpleNamespace(node=SimpleNamespace(latest=latest, tally=Tally()), host=host)


def test_a_look_lasts_until_each_node_that_is_there_has_said_how_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    attached = attached_with(Latest(), "camera", "memory", f"{LISTENER}_5")
    latest = attached.node.latest
    latest.diagnostics["/sage/camera"] = DiagnosticStatus(name="/sage/camera")

    def memory_reports(_: float) -> None:
        latest.diagnostics["/sage/memory"] = DiagnosticStatus(name="/sage/memory")

    monkeypatch.setattr(statuses.time, "sleep", memory_reports)
    monkeypatch.setattr(statuses.time, "monotonic", lambda: 0.0)  # no end by its timeout
    statuses.wait_for_statuses(attached, "/sage", 1.0)
    assert set(latest.diagnostics) == {"/sage/camera", "/sage/memory"}


@pytest.mark.parametrize("as_json", [False, True])
def test_where_nothing_is_heard_it_is_said_what_was_looked_for(
    monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    monkeypatch.setattr(status, "LOOK_TIMEOUT_S", 0.0)
    monkeypatch.setenv("ROS_DOMAIN_ID", "43")
    attached = attached_with(Latest())
    other = DiagnosticStatus(name="/other/camera", level=DiagnosticStatus.OK)
    attached.node.latest.diagnostics[other.name] = other
    with pytest.raises(FileNotFoundError, match="namespace /nothere of ROS domain 43"):
        status._look_once(attached, "/nothere", as_json)


def test_a_graph_without_salience_whose_nodes_are_heard_is_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "LOOK_TIMEOUT_S", 0.0)
    attached = attached_with(Latest())
    gone = DiagnosticStatus(name="/sage/camera", level=DiagnosticStatus.ERROR, message="gone")
    attached.node.latest.diagnostics[gone.name] = gone
    assert status._look_once(attached, "/sage", False) == 1
    assert "camera: gone" in capsys.readouterr().out


@pytest.mark.parametrize(("value", "full"), [(0.0, 0), (0.5, 5), (1.0, 10), (7.0, 10), (-1.0, 0)])
def test_a_bar_is_as_long_as_its_value_and_never_longer(value: float, full: int) -> None:
    drawn = bar(value, 10).plain
    assert drawn.count("█") == full
    assert len(drawn) == 10


def test_the_generated_pages_are_up_to_date() -> None:
    for name, text in pages().items():
        assert (ROOT / "docs" / name).read_text() == text, f"docs/{name}: run make docs"


def test_the_pages_name_every_topic_and_every_parameter_of_a_node() -> None:
    made = pages()
    for spec in TOPICS.values():
        assert spec.name in made["topics.md"]
    for word in ("checkpoint_period_s", "payload_cap_mb", "budget_atp", "jpeg_quality"):
        assert word in made["parameters.md"]


def test_the_view_tells_a_cause_once_with_what_follows_from_it() -> None:
    latest = Latest()
    for name, level, values in (
        ("camera", b"\x02", {"/sage/camera/front/image_raw published": "0"}),
        ("vision_encoder", b"\x01", {"inputs at fault": "/sage/camera/front/image_raw"}),
        ("memory", b"\x01", {"inputs at fault": "/sage/camera/front/image_raw"}),
    ):
        pairs = [KeyValue(key=key, value=value) for key, value in values.items()]
        status = DiagnosticStatus(name=f"/sage/{name}", level=level, message="oh", values=pairs)
        latest.diagnostics[status.name] = status
    text = " ".join(shown(latest, Tally()).replace("│", " ").split())
    assert text.count("oh") == 1
    assert "error: camera: oh; therefore at fault: memory, vision_encoder" in text
    assert "; error: camera: oh" in in_a_line(latest)


def test_frames_that_cannot_be_judged_yet_are_not_called_dropped() -> None:
    tally = Tally()
    for number in range(76):
        tally.frames.announced(number * 33_333_333)
    text = shown(Latest(), tally)
    assert "76 frames since this view began, none judged yet: no vision puzzle was seen" in text
    for number in (*range(76, 90), *range(91, 150)):
        tally.puzzle("vision", number * 33_333_333, 1.0)
    assert "1 dropped (1 left out by the camera)" in shown(Latest(), tally)


def test_the_view_shows_on_which_way_pictures_go() -> None:
    latest = Latest()
    taker = {"transport": "image (there is no mailbox front)", "tensors missed": "7"}
    giver = {"/sage/camera/front/tensor mailbox": "shm, 29 MB"}
    for name, values in (("vision_encoder", taker), ("recording", giver)):
        pairs = [KeyValue(key=key, value=value) for key, value in values.items()]
        status = DiagnosticStatus(name=f"/sage/{name}", level=b"\x00", values=pairs)
        latest.diagnostics[status.name] = status
        latest.counters.note(status)
    text = shown(latest, Tally())
    assert "pictures by image (there is no mailbox front) to vision_encoder" in text
    assert "missed 7" in text
    assert "warn: vision_encoder: pictures: image" in text


def test_the_view_names_a_node_whose_callbacks_raise_although_it_runs_on() -> None:
    status = DiagnosticStatus(name="/sage/fusion", level=b"\x00", message="running")
    status.values = [KeyValue(key="callback_errors", value="3")]
    status.values.append(KeyValue(key="last_callback_error", value="RuntimeError: oh"))
    latest = Latest(diagnostics={status.name: status})
    text = shown(latest, Tally())
    assert "warn: fusion: errors in callbacks: 3, the last: RuntimeError: oh" in text
    assert "nodes are ok" not in text


def test_the_drawing_is_of_the_most_salient_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    latest = SimpleNamespace(fused=SimpleNamespace(total=0.0))
    totals = iter([0.1, 0.9, 0.3])

    def next_moment(period_s: float) -> None:
        latest.fused = SimpleNamespace(total=next(totals, 0.2))

    monkeypatch.setattr(status, "_wait_for_first_message", lambda observer: True)
    monkeypatch.setattr(
        status, "render", lambda latest, tally, title: Text(f"fused {latest.fused.total}")
    )
    monkeypatch.setattr(status.time, "sleep", next_moment)
    path = tmp_path / "view.svg"
    assert status._draw(SimpleNamespace(latest=latest, tally=None), path, 0.2) == 0
    drawn = path.read_text(encoding="utf-8").replace("&#160;", " ")
    assert "fused 0.9" in drawn and "@font-face" not in drawn
