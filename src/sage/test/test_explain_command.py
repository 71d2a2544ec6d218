"""`sage explain` on bags and on the memory: a real walk in lock-step, and messages made by hand."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from rclpy.serialization import deserialize_message, serialize_message

from sage.bags.metadata import QOS_BY_PROFILE
from sage.bags.reader import open_bag
from sage.bags.writer import BagWriter
from sage.cli import main
from sage_common.core.clock import NS_PER_MS, NS_PER_S, local_time
from sage_common.ros.conversions.fused_totals import fused_alarms_per_hour, fused_total
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_msgs.msg import Experience, FusedSalience, MetabolicState, Salience

DATA = Path(os.environ.get("SAGE_DATA") or Path(__file__).parents[4] / "shared" / "data")
WALK_S = 6
T0 = 1_700_000_000 * NS_PER_S
UNKNOWN_ID = "01234567-89ab-7def-8000-0123456789ab"


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the graph made of a recorded walk: `bag`, and its home `home`."""
    if not (DATA / "bags" / "gopro_walk_ros2").is_dir():
        pytest.skip(f"no recorded bags in {DATA} (SAGE_DATA)")
    folder = tmp_path_factory.mktemp("walk")
    config = folder / "once_a_second.yaml"  # in 6 s nothing is known to be as rare as once a minute
    asked = "{ros__parameters: {false_alarms_per_hour: 3600.0}}"
    config.write_text("".join(f"{kind}: {asked}\n" for kind in ("scorer", "fusion", "memory")))
    words = ["--lockstep", "-o", str(folder / "bag"), "--home", str(folder / "home")]
    words += ["--config", str(config)]
    bag = str(DATA / "bags" / "gopro_walk_ros2")
    assert main(["replay", bag, *words, "--duration", str(WALK_S)]) == 0
    return folder


def fused_of(bag: Path) -> list[FusedSalience]:
    found = open_bag(bag).messages(["/sage/salience"])
    return [deserialize_message(item.data, FusedSalience) for item in found]


def explain(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main(["explain", *map(str, words)]) == 0
    return capsys.readouterr().out


def as_json(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(explain(capsys, *words, "--json"))
    return found


def test_a_salient_moment_of_a_walk(walk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fused = fused_of(walk / "bag")
    loudest = max(fused[60:], key=lambda item: item.total)
    stamp = stamp_ns(loudest.header.stamp)
    moments = [item for item in fused if stamp_ns(item.header.stamp) == stamp]
    expected = moments[-1]
    found = as_json(capsys, local_time(stamp), "--bag", walk / "bag")
    assert found["stamp_ns"] == stamp
    assert found["total"] == pytest.approx(expected.total, rel=1e-6)
    assert found["rank"] == pytest.approx(
        sum(item.total < expected.total for item in fused) / len(fused)
    )
    assert found["rank"] > 0.9
    assert found["alarms_per_hour"] == pytest.approx(expected.alarms_per_hour, rel=1e-6)
    by_name = {item["modality"]: item for item in found["modalities"]}
    assert set(by_name) == {item.modality for item in expected.modalities}
    for message in expected.modalities:
        item = by_name[message.modality]
        assert item["live"]
        assert item["surprise"] == pytest.approx(message.surprise, rel=1e-6)
        assert item["p_value"] == pytest.approx(message.p_value, rel=1e-6)
        assert item["alarms_per_hour"] == pytest.approx(message.alarms_per_hour, rel=1e-6)
        assert item["predicted"]["error"] == pytest.approx(message.prediction_error, rel=1e-6)
        assert item["predicted"]["usual_error"] > 0.0
        assert item["neighbour"]["distance"] == pytest.approx(message.neighbour_distance, rel=1e-6)
        assert item["neighbour"]["id"] > 0
    said = explain(capsys, local_time(stamp), "--bag", walk / "bag")
    assert re.search(
        rf"salience {expected.total:.2f}, as rare as [\d.]+ false alarms? an hour, above ", said
    )
    assert f"because: {expected.reason}" in said
    assert f"{expected.dominant_modality}/" in said and "dominates" in said
    assert "predicted to within " in said and "nearest remembered percept #" in said


def test_a_quiet_moment_of_a_walk(walk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fused = fused_of(walk / "bag")
    quietest = min(fused[60:], key=lambda item: item.total)
    after_s = (stamp_ns(quietest.header.stamp) - open_bag(walk / "bag").start_ns) / NS_PER_S
    said = explain(capsys, f"+{after_s:.6f}", "--bag", walk / "bag")
    assert f"(+{after_s:.3f} s)" in said
    assert f"\nnot salient: {quietest.reason}\n" in said
    assert said.count("  not salient: ") == len(quietest.modalities)


def test_the_metabolic_state_of_a_moment(walk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    messages = open_bag(walk / "bag").messages(["/sage/state"])
    states = [deserialize_message(item.data, MetabolicState) for item in messages]
    found = as_json(capsys, "--bag", walk / "bag")
    before = [m for m in states if stamp_ns(m.header.stamp) <= found["stamp_ns"]]
    expected = max(before, key=lambda message: stamp_ns(message.header.stamp))
    name = ("WAKE", "FOCUS", "REST", "DREAM", "CRISIS")[expected.state]
    assert found["state"] == {
        "name": name, "reason": expected.reason, "since_ns": stamp_ns(expected.since),
    }  # fmt: skip
    since = local_time(stamp_ns(expected.since))
    said = explain(capsys, "--bag", walk / "bag")
    assert f"\nmetabolic state: {name} since {since}: {expected.reason}\n" in said


def test_the_newest_is_the_default(walk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    newest = max(stamp_ns(item.header.stamp) for item in fused_of(walk / "bag"))
    assert as_json(capsys, "--bag", walk / "bag")["stamp_ns"] == newest


def test_a_kept_experience_is_found_in_bag_and_memory(
    walk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = [
        deserialize_message(item.data, Experience)
        for item in open_bag(walk / "bag").messages(["/sage/experience"])
    ]
    assert kept
    for experience in kept:
        stamp = stamp_ns(experience.header.stamp)
        in_bag = as_json(capsys, experience.id, "--bag", walk / "bag")
        assert in_bag["stamp_ns"] == stamp
        in_memory = as_json(capsys, experience.id, "--home", walk / "home")
        assert (in_memory["experience_id"], in_memory["stamp_ns"]) == (experience.id, stamp)
        assert in_memory["total"] == pytest.approx(experience.total, rel=1e-6)
        by_name = {item["modality"]: item for item in in_memory["modalities"]}
        modal = by_name[experience.modality]
        assert modal["novelty"] == pytest.approx(experience.novelty, rel=1e-6)
        assert (modal["predicted"], modal["neighbour"]) == (None, None)
        assert in_memory["state"]["name"] is None and "memory" in in_memory["state"]["reason"]
    ends = [stamp_ns(experience.end) for experience in kept]
    assert as_json(capsys, "--home", walk / "home")["stamp_ns"] == max(ends)
    later = local_time(max(ends) + 10 * NS_PER_S)
    assert as_json(capsys, later, "--home", walk / "home")["stamp_ns"] == max(ends)
    said = explain(capsys, kept[-1].id, "--home", walk / "home")
    assert f"experience {kept[-1].id}" in said
    assert "known only while the graph runs, or from a bag" in said
    assert "what is behind it was not kept" in said


def test_what_is_not_known_is_said_with_the_span_that_is(
    walk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag, home = str(walk / "bag"), str(walk / "home")
    newest = max(stamp_ns(item.header.stamp) for item in fused_of(walk / "bag"))
    for words, said in (
        (["+60", "--bag", bag], f"holds nothing within 1 s: the nearest moment is .* {newest}"),
        (["+60", "--bag", bag, "--within", "5"], "holds nothing within 5 s"),
        (["5s", "--home", home], "keeps nothing within 60 s: its nearest experience is "),
        ([UNKNOWN_ID, "--home", home], f"keeps no experience {UNKNOWN_ID}"),
        ([UNKNOWN_ID, "--bag", bag], f"holds no experience {UNKNOWN_ID}"),
    ):
        assert main(["explain", *words]) == 1
        written = capsys.readouterr()
        assert written.out == ""
        assert written.err.startswith("sage explain: ")
        for part in said.replace(str(newest), local_time(newest)).split(".*"):
            assert part in written.err
    assert main(["explain", "+60", "--bag", bag, "--within", "600"]) == 0


def made_bag(folder: Path, namespaces: tuple[str, ...] = ("/sage",)) -> Path:
    """Vision goes on; audio turns invalid, touch falls silent; 2 s at 10 Hz."""
    with BagWriter(folder) as writer:
        for namespace in namespaces:
            topics = {name: f"{namespace}/{name}/salience" for name in ("vision", "audio", "touch")}
            for topic in topics.values():
                writer.add_topic(topic, "sage_msgs/msg/Salience", QOS_BY_PROFILE["standard"])
            fused_topic = f"{namespace}/salience"
            writer.add_topic(fused_topic, "sage_msgs/msg/FusedSalience", QOS_BY_PROFILE["standard"])
            for index in range(20):
                time_ns = T0 + index * 100 * NS_PER_MS
                heard = {name: salience(name, time_ns) for name in topics}
                if index >= 5:
                    heard["audio"].valid, heard["audio"].invalid_reason = False, "unplugged"
                    del heard["touch"]
                for name, message in heard.items():
                    writer.write(topics[name], time_ns, serialize_message(message))
                live = [item for item in heard.values() if item.valid]
                fused = FusedSalience(header=live[0].header, modalities=live, total=index / 20)
                fused.dominant_modality, fused.valid, fused.reward = "vision", True, 0.5
                fused.alarms_per_hour = 60.0
                fused.weights = [1.0 / len(live)] * len(live)
                writer.write(fused_topic, time_ns, serialize_message(fused))
    return folder


def salience(modality: str, time_ns: int) -> Salience:
    message = Salience(modality=modality, source="front", reward=0.5, valid=True)
    message.header.stamp = to_stamp(time_ns)
    message.header.frame_id = "a_frame"
    message.neighbour_age_s = -1.0
    message.alarms_per_hour = 60.0
    return message


def test_a_bag_says_why_a_modality_was_not_live(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = made_bag(tmp_path / "bag")
    found = as_json(capsys, "+1.52", "--bag", bag)
    assert found["stamp_ns"] == T0 + 1500 * NS_PER_MS
    assert found["rank"] == pytest.approx(15 / 20)
    assert (found["known_from_ns"], found["known_to_ns"]) == (T0, T0 + 1900 * NS_PER_MS)
    why = {item["modality"]: item["invalid_reason"] for item in found["modalities"]}
    assert why == {"vision": "", "audio": "unplugged", "touch": "silent for 1.1 s"}
    assert [item["live"] for item in found["modalities"]] == [True, False, False]
    said = explain(capsys, "+1.52", "--bag", bag)
    assert "nearest to what was asked for: 20 ms before it" in said
    assert "audio/front  not live: unplugged" in said
    assert "touch/front  not live: silent for 1.1 s" in said
    assert "\nmetabolic state: not known: nothing stands in the bag on /sage/state\n" in said


def test_numbers_are_read_without_the_rest(tmp_path: Path) -> None:
    for item in open_bag(made_bag(tmp_path / "bag")).messages(["/sage/salience"]):
        whole = deserialize_message(item.data, FusedSalience)
        assert fused_total(item.data) == whole.total
        assert fused_alarms_per_hour(item.data) == whole.alarms_per_hour


def test_wrong_input_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag = str(made_bag(tmp_path / "bag"))
    two = str(made_bag(tmp_path / "two", ("/one", "/other")))
    other = tmp_path / "other"
    with BagWriter(other) as writer:
        writer.add_topic("/sage/text", "sage_msgs/msg/Utterance", QOS_BY_PROFILE["standard"])
    for words, said in (
        (["yesterday", "--bag", bag], "STAMP = 'yesterday': expected an ISO 8601 time"),
        (["+3", "--home", str(tmp_path)], "--bag, too"),
        (["--bag", str(tmp_path / "none")], "nothing there; expected a rosbag2 folder"),
        (["--bag", str(other)], "expected a bag with the salience of one graph, not of none"),
        (["--bag", two], "/one/salience, /other/salience"),
        (["--home", str(tmp_path / "empty")], "memory.db"),
    ):
        assert main(["explain", *words]) == 2
        written = capsys.readouterr()
        assert written.out == ""
        assert said in written.err, words
        assert len(written.err.splitlines()) == 1


def test_messages_of_another_version_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with BagWriter(tmp_path / "bag") as writer:
        writer.add_topic(
            "/sage/salience", "sage_msgs/msg/FusedSalience", QOS_BY_PROFILE["standard"]
        )
        message = FusedSalience(modalities=[salience("vision", T0)], weights=[1.0], reward=0.5)
        message.header.stamp = to_stamp(T0)
        writer.write("/sage/salience", T0, serialize_message(message)[:150])
    assert main(["explain", "--bag", str(tmp_path / "bag")]) == 2
    assert "as this version of SAGE writes it" in capsys.readouterr().err
