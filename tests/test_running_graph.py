"""One graph that runs all the while: asked, told and misled by others, and then ended."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import graph_command
import pytest
from graph_command import (
    UP_TIMEOUT_S,
    experiences,
    processes_of,
    run,
    starting,
    summary,
    wait_until,
    wait_until_up,
)
from mcp import Client, StdioServerParameters
from viewer_layouts import KNOWN, RVIZ, foxglove, rqt, rviz
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from sage_common.ros.conversions.definitions import canonical, typestore

pytestmark = pytest.mark.graph


@dataclass(frozen=True)
class RunningGraph:
    """`sage run`, its home folder, and the file that it writes errors to."""

    home: Path
    command: subprocess.Popen[str]
    errors: Path


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGraph]:
    """Started once. The last test ends it; none before may."""
    folder = tmp_path_factory.mktemp("running")
    home, errors = folder / "home", folder / "errors"
    with errors.open("w") as said, starting(home, said) as start:
        command = start("run", "--log-level", "warn", "--page", "--foxglove")
        wait_until_up(home)
        yield RunningGraph(home, command, errors)


def predicts_its_senses(home: Path) -> bool:
    """True once the running graph explains its newest moment with an error to compare with.

    A modality has a usual error from its second percept on, and comes alive at its own pace.
    """
    newest = run(home, "explain", "--json")
    if newest.returncode != 0:  # a busy machine may have nothing yet, or answer late
        return False
    found = summary(newest.stdout)
    assert found["origin"] == "graph"
    compared = {
        item["modality"]
        for item in found["modalities"]
        if item["live"] and item["predicted"]["usual_error"] > 0.0
    }
    return compared >= {"vision", "audio", "proprioception"}


def newest_memory(home: Path) -> str:
    """The id of an experience that was just kept."""
    found = json.loads(run(home, "recall", "--limit", "1", "--json").stdout)["answers"]
    return str(found[0]["id"])


def test_a_second_one_in_the_same_home_is_refused(graph: RunningGraph) -> None:
    second = run(graph.home, "run", "--duration", "2")
    assert second.returncode == 2
    assert f"pid {graph.command.pid}" in second.stderr
    looked = run(graph.home, "status", "--json")
    assert looked.returncode == 0, looked.stderr
    assert set(summary(looked.stdout)["salience"]) >= {"vision", "audio"}


def test_a_soak_is_attached_to_it_and_names_what_has_no_budget(
    graph: RunningGraph, tmp_path: Path
) -> None:
    budgets = tmp_path / "budgets.json"
    budgets.write_text('{"container": {"CPU": 500, "memory": 0.0, "messages": 0}}')
    words = ["--duration", "6", "--warm-up", "1", "--budgets", str(budgets), "--json"]
    soaked = run(graph.home, "soak", "--attach", *words)
    assert soaked.returncode == 1, soaked.stderr
    found = summary(soaked.stdout)
    assert found["attached_to"] == graph.command.pid
    assert "command: no budget of CPU, memory, messages" in found["failures"]
    over = [failure for failure in found["failures"] if failure.startswith("container: memory")]
    assert len(over) == 1 and over[0].endswith("expected at most 5")
    assert 0.0 < found["figures"]["container"]["CPU"]["value"] < 500.0
    assert found["levels"]["container"]["threads"][0] > 10
    assert len(Path(found["samples"]).read_text().splitlines()) == found["looks"] + 1


def test_it_explains_its_moments(graph: RunningGraph) -> None:
    kept = newest_memory(graph.home)
    wait_until(
        lambda: predicts_its_senses(graph.home), UP_TIMEOUT_S, "usual errors of three senses"
    )
    said = run(graph.home, "explain", kept)
    assert said.returncode == 0, said.stderr
    assert f"experience {kept}" in said.stdout
    assert "known to the running graph since" in said.stdout
    assert "nearest to what was asked for" not in said.stdout
    assert "\nmetabolic state: " in said.stdout
    state = summary(run(graph.home, "explain", "--json").stdout)["state"]
    assert state["name"] or "first change" in state["reason"], state
    long_ago = run(graph.home, "explain", "1h")
    assert long_ago.returncode == 1
    assert "the running graph: nothing within 1 s" in long_ago.stderr
    assert "keeps nothing within 60 s" in long_ago.stderr


def test_its_page_shows_it_and_lets_the_token_act(graph: RunningGraph) -> None:
    said = graph.errors.read_text()
    found = re.search(r"page: (http://127\.0\.0\.1:\d+)/#token=(\S+)", said)
    assert found, said
    bearer = {"Authorization": f"Bearer {found[2]}", "Content-Type": "application/json"}

    def ask(path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(found[1] + path, data, bearer)
        with urllib.request.urlopen(request, timeout=60.0) as answer:
            return json.load(answer)

    told = ask("/api/status")
    assert told["allow_actions"] and set(told["modalities"]) >= {"vision", "audio"}
    kept = ask("/api/recall?limit=1")["results"][0]["experience"]
    assert ask("/api/pin", {"id": kept["id"], "pinned": True})["message"] == "pinned"
    assert ask("/api/pin", {"id": kept["id"], "pinned": False})["message"] == "no longer pinned"
    names = {plugin["name"] for plugin in ask("/api/plugins")["plugins"] if plugin["loaded"]}
    assert "look" in names
    with urllib.request.urlopen(
        urllib.request.Request(f"{found[1]}/api/events?also=camera,puzzles", headers=bearer),
        timeout=60.0,
    ) as stream:
        wanted = {"hello", "salience", "attention", "camera", "puzzles", "budget", "history"}
        while wanted:
            line = stream.readline().decode()
            assert line, f"the stream ended before {wanted} came"
            wanted.discard(line.removeprefix("event: ").strip())
    assert ask("/api/sleep", {"dry_run": True})["job"] == 1


def test_foxglove_reads_it_and_every_layout_shows_what_is_there(graph: RunningGraph) -> None:
    """Each topic is published, with its type; rviz's are in frames of the graph's transforms."""
    said = graph.errors.read_text()
    found = re.search(r"foxglove: (ws://127\.0\.0\.1:\d+/\?token=\S+)", said)
    assert found, said
    shown = {item.topic for item in (*foxglove(), *rviz(), *rqt())}
    framed = {"/tf_static", *(item.topic for item in rviz())}
    types: dict[str, str] = {}
    parents: dict[str, str] = {}
    frames: dict[str, set[str]] = {}

    def look(viewer: ClientConnection) -> None:
        """Take the next text or message."""
        frame = viewer.recv(timeout=60.0)
        if isinstance(frame, bytes):
            topic = names[int.from_bytes(frame[1:5], "little")]
            data = canonical(frame[13:], types[topic])
            message = typestore().deserialize_cdr(data, types[topic])
            if topic == "/tf_static":
                parents.update((t.child_frame_id, t.header.frame_id) for t in message.transforms)
            else:
                frames.setdefault(topic, set()).update(
                    item.header.frame_id for item in getattr(message, "markers", (message,))
                )
            return
        told = json.loads(frame)
        for channel in told.get("channels", ()):
            names[channel["id"]], types[channel["topic"]] = channel["topic"], channel["schemaName"]
            if channel["topic"] in framed:
                pairs = [{"id": channel["id"], "channelId": channel["id"]}]
                viewer.send(json.dumps({"op": "subscribe", "subscriptions": pairs}))

    names: dict[int, str] = {}
    protocols = [Subprotocol("foxglove.sdk.v1")]
    with connect(found[1], subprotocols=protocols, max_size=None) as viewer:
        end_s = time.monotonic() + UP_TIMEOUT_S
        while not (shown <= types.keys() and parents and frames.keys() == framed - {"/tf_static"}):
            look(viewer)
            assert time.monotonic() < end_s, (shown - types.keys(), parents, frames)
    assert {topic: types[topic] for topic in shown} == {topic: KNOWN[topic] for topic in shown}
    fixed = RVIZ["Visualization Manager"]["Global Options"]["Fixed Frame"]
    for topic, of_messages in frames.items():
        assert {root_of(frame, parents) for frame in of_messages} == {fixed}, (topic, parents)


def root_of(frame: str, parents: dict[str, str]) -> str:
    """Where the chain of transforms above a frame ends."""
    while frame in parents:
        frame = parents[frame]
    return frame


def test_an_agent_asks_it_over_pipes(graph: RunningGraph) -> None:
    program = StdioServerParameters(
        command=str(Path(sys.prefix, "bin", "sage")),
        args=["mcp", "--home", str(graph.home)],
        env=dict(os.environ),
    )

    async def ask() -> dict[str, Any]:
        async with Client(program) as agent:
            names = ("salient_now", "look", "plugins", "status")
            found: dict[str, Any] = {name: await agent.call_tool(name) for name in names}
            found["recall"] = await agent.call_tool("recall", {"modality": "vision", "limit": 1})
            moment = json.loads(found["recall"].content[1].text)["results"][0]["experience"]
            judged = {"reward": 1.0, "experience_id": moment["id"]}
            found["outcome"] = await agent.call_tool("outcome", judged)
            return found

    told = anyio.run(ask)
    assert not [result for result in told.values() if result.is_error], told
    for name, picture in (("look", "image/jpeg"), ("recall", "image/webp")):
        assert told[name].content[2].mime_type == picture
    salient = json.loads(told["salient_now"].content[1].text)
    assert "vision" in {item["modality"] for item in salient["modalities"] if item["live"]}
    status = json.loads(told["status"].content[1].text)
    assert status["budget"]["cycle"] > 0


def test_it_says_where_its_time_goes(graph: RunningGraph) -> None:
    said = run(graph.home, "profile", "--report", "--json")
    assert said.returncode == 0, said.stderr
    found = summary(said.stdout)
    assert found["modality"] == "vision"
    parts = {part["stage"]: part for part in found["to_salience"]["parts"]}
    assert set(parts) == {
        "sense camera", "encode vision", "score vision", "fuse vision", "hand over",
    }  # fmt: skip
    assert sum(part["share"] for part in parts.values()) == pytest.approx(1.0)
    worked = {part["stage"] for part in found["work"]}
    assert worked >= {"encode audio", "score audio", "attend", "remember", "decide"}
    (container,) = (item for item in found["processes"] if item["name"] == "container")
    assert container["cpu"] > 0.0 and "executor" in container["threads"]


def test_it_hears_of_pressure_and_goes_on(graph: RunningGraph) -> None:
    for level, said in (("orange", "orange for 600 s\n"), ("auto", ", as it is read\n")):
        done = run(graph.home, "pressure", level)
        assert done.returncode == 0 and done.stdout.endswith(said), done.stderr
    now = run(graph.home, "pressure")
    assert now.returncode == 0 and "\n  method: " in now.stdout, now.stderr
    looked = run(graph.home, "status", "--json")
    assert set(summary(looked.stdout)["salience"]) >= {"vision", "audio"}


def test_it_sleeps_and_takes_it_back_pins_and_forgets(graph: RunningGraph) -> None:
    home = graph.home

    def memory(*words: str) -> dict[str, Any]:
        done = run(home, "memory", *words, "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    wait_until(lambda: experiences(home) > 3, UP_TIMEOUT_S, "experiences")
    kept = json.loads(run(home, "recall", "--limit", "2", "--json").stdout)["answers"]
    assert memory("pin", kept[0]["id"])["pinned"]
    slept = memory("sleep", "--target", "0.5")
    assert slept["bytes_after"] <= slept["bytes_before"]
    if slept["run_id"]:
        memory("undo", slept["run_id"])
    assert memory("forget", kept[1]["id"], "--yes")["forgotten"] == 1
    refused = run(home, "memory", "pin", kept[1]["id"])
    assert refused.returncode == 2 and "not forgotten" in refused.stderr


def test_it_learns_a_word_and_forgets_it(graph: RunningGraph) -> None:
    taught = run(graph.home, "teach", "my", "street", "--last", "--modality", "audio", "--json")
    assert taught.returncode == 0, taught.stderr
    lesson = json.loads(taught.stdout)
    assert (lesson["word"], lesson["examples"]) == ("my street", 1) and lesson["found"] >= 1
    gone = run(graph.home, "teach", "my street", "--forget")
    assert gone.stdout == "my street is forgotten\n", gone.stderr


def test_wrong_messages_on_every_input_are_counted_and_the_others_go_on(
    graph: RunningGraph,
) -> None:
    domain = run(graph.home, "status", "--domain").stdout.strip()
    ran = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("hostile_publisher.py"))],
        env={**graph_command.environment(graph.home), "ROS_DOMAIN_ID": domain},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert ran.returncode == 0, ran.stderr
    found = summary(ran.stdout)
    for name in (
        "camera/front/tensor", "camera/front/camera_info", "microphone/front/audio",
        "imu/body/data", "joint_states", "text", "vision/puzzle", "vision/salience", "salience",
        "attention", "outcome",
    ):  # fmt: skip
        assert found["rejected"].get(f"/sage/{name}", 0) > 0, (name, found)
    assert found["puzzles_after"] > found["puzzles_before"] + 10


def test_ctrl_c_leaves_nothing_behind_but_what_it_kept(graph: RunningGraph) -> None:
    os.killpg(graph.command.pid, signal.SIGINT)
    graph.command.communicate(timeout=60)
    errors = graph.errors.read_text()
    assert graph.command.returncode == 0, errors
    assert not list(processes_of(graph.command.pid))
    assert "Traceback" not in errors
    assert "/sage/camera/front/tensor: dropped a message: " in errors
    explained = run(graph.home, "explain", newest_memory(graph.home), "--json")
    assert explained.returncode == 0, explained.stderr
    assert summary(explained.stdout)["origin"] == "memory"
    again = run(graph.home, "run", "--duration", "1", "--json", "--log-level", "warn")
    assert again.returncode == 0, again.stderr
    assert summary(again.stdout)["fused"]["n"] > 0
