"""The node between a graph and its viewers, on the real ROS host."""

from __future__ import annotations

import contextlib
import http.client
import json
import queue
import socket
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from graph_messages import FLAC, ID, experience, fused, header
from rclpy.qos import DurabilityPolicy, QoSProfile
from ros_graph import RosGraph
from sensor_msgs.msg import Image
from test_contract import check

from sage_common.core.diagnosis.stages import to_salience
from sage_common.core.diagnosis.timing import KEY_ENDING, TimingFacts
from sage_common.core.errors import InvalidInput
from sage_common.ros.conversions.images import array_to_image
from sage_common.ros.node import SageNode
from sage_gateway.core import streams
from sage_gateway.core.contract import answers
from sage_gateway.core.contract.endpoints import ENDPOINTS, EVENTS
from sage_gateway.core.token import token_of
from sage_gateway.nodes.gateway_node import GatewayNode
from sage_memory.core.experience import Payload
from sage_memory.core.memory import Memory
from sage_memory.core.payloads import PayloadFiles
from sage_msgs.action import Sleep
from sage_msgs.msg import (
    Attention,
    BudgetState,
    Experience,
    FusedSalience,
    MetabolicState,
    Outcome,
    PluginBudget,
    Puzzle,
    Refinement,
    ResourcePressure,
)

DATA = {event.name: event.data for event in EVENTS}


class FarNodes(SageNode):
    """Serves what the gateway asks for."""

    default_name = "far"

    def on_configure(self) -> None:
        self.asked: list[Any] = []
        self.service("memory/recall", self._recall)
        self.service("memory/pin", self._pin)
        self.service("memory/forget", self._forget)
        self.service("salience/explain", self._explain)
        self.service("orchestrator/list_plugins", lambda _request, response: _done(response))
        self.service("orchestrator/load_plugin", self._refuse)
        self.action("memory/sleep", self._sleep)

    def _recall(self, request: Any, response: Any) -> Any:
        self.asked.append(request)
        response.experiences, response.scores = [experience()], [0.5]
        response.reasons, response.payload_paths = ["it fits"], [""]
        return _done(response)

    def _pin(self, request: Any, response: Any) -> Any:
        self.asked.append(request)
        return _done(response)

    def _forget(self, request: Any, response: Any) -> Any:
        self.asked.append(request)
        response.forgotten = len(request.ids)
        return _done(response)

    def _explain(self, request: Any, response: Any) -> Any:
        response.found, response.rank = True, 0.9
        response.salience = fused(5.0)
        return response

    def _refuse(self, request: Any, response: Any) -> Any:
        raise InvalidInput("plugin", request.plugin, "an installed plugin")

    def _sleep(self, goal: Any, publish_feedback: Any, cancel_requested: Any) -> Any:
        publish_feedback(Sleep.Feedback(progress=0.5, stage="merging"))
        return Sleep.Result(success=True, message="slept", summaries=2)


def _done(response: Any) -> Any:
    response.success = True
    return response


class Client:
    """Talks with the gateway from beside the executor."""

    def __init__(self, graph: RosGraph, node: GatewayNode, home: Path) -> None:
        where = node._diagnostics.values["serves"]
        self._port = int(where.rstrip("/").rpartition(":")[2])
        self._headers = {"Authorization": f"Bearer {token_of(home)}"}
        self._graph = graph
        self.events: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._threads: list[threading.Thread] = []

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and answer, while the graph runs."""
        got: list[tuple[int, Any]] = []

        def work() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60.0)
            headers = {**self._headers, "Content-Type": "application/json"}
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            text = response.read()
            is_json = response.headers.get_content_type() == "application/json"
            got.append((response.status, json.loads(text) if is_json else text))
            connection.close()

        thread = threading.Thread(target=work)
        thread.start()
        self._graph.until(lambda: not thread.is_alive())
        return got[0]

    def listen(self, also: str) -> socket.socket:
        """Fill `events` from now on; shut down what it returns to end that."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60.0)
        connection.request("GET", f"/api/events?also={also}", headers=self._headers)
        response = connection.getresponse()
        held = connection.sock
        assert held is not None

        def work() -> None:
            name = ""
            with contextlib.suppress(http.client.IncompleteRead):  # it was shut down
                for line in iter(response.readline, b""):
                    if line.startswith(b"event: "):
                        name = line[7:].strip().decode()
                    elif line.startswith(b"data: "):
                        self.events.put((name, json.loads(line[6:])))
            connection.close()

        threading.Thread(target=work, daemon=True).start()
        return held


def test_a_viewer_sees_what_the_graph_says_and_nobody_costs_nothing(
    ros_graph: RosGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "GRACE_S", 0.1)
    node = ros_graph.start(GatewayNode, port=0, allow_actions=True).node
    assert isinstance(node, GatewayNode)
    client = Client(ros_graph, node, tmp_path)
    outside = ros_graph.outside
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    outputs = {
        kind: outside.create_publisher(kind, name, latched)
        for kind, name in (
            (FusedSalience, "salience"), (Attention, "attention"), (Puzzle, "vision/puzzle"),
            (BudgetState, "budget"), (MetabolicState, "state"), (ResourcePressure, "pressure"),
            (Experience, "experience"), (Refinement, "refinement"),
            (DiagnosticArray, "/diagnostics"), (Image, "camera/front/image_raw"),
        )
    }  # fmt: skip
    peaks = outside.create_publisher(FusedSalience, "salience/peak", latched)
    sums = outside.create_publisher(BudgetState, "budget/sum", latched)
    ros_graph.until(lambda: outputs[DiagnosticArray].get_subscription_count() > 0)
    for_viewers = (FusedSalience, BudgetState, Attention, Puzzle, Image)
    assert [outputs[kind].get_subscription_count() for kind in for_viewers] == [0] * 5
    connection = client.listen("camera,puzzles")
    came: dict[str, Any] = {}

    def all_came() -> bool:
        now_s = ros_graph.now_ns() / 1e9
        for message in messages(now_s):
            outputs[type(message)].publish(message)
        peaks.publish(fused(now_s))
        sums.publish(messages(now_s)[3])
        while not client.events.empty():
            name, data = client.events.get()
            check(DATA[name], data, name)
            came[name] = data
        return set(DATA) - {"job", "bye"} <= set(came) and bool(came["alerts"]["alerts"])

    ros_graph.until(all_came)
    salience = came["salience"]
    assert [m["modality"] for m in salience["modalities"] if m["live"]] == ["vision"]
    assert salience["modalities"][0]["grid"] == [0.0, 1.0]
    assert set(came["puzzles"]["puzzles"][0]["codes"]) == {"3"}
    assert (came["camera"]["width"], came["camera"]["height"]) == (640, 480)
    assert came["pressure"]["temperature_c"] is None and came["pressure"]["power_w"] == 7.5
    assert came["state"]["state"] == "FOCUS"
    assert came["alerts"]["alerts"][0]["name"] == "other"
    status, picture = client.ask("GET", "/api/camera.jpg")
    assert status == 200 and picture.startswith(b"\xff\xd8")
    status, told = client.ask("GET", "/api/status")
    assert told["sensors"] == {"camera": "file:walk.mp4"} and told["namespace"] == "/sage"
    assert b"sage_power_watts 7.5" in client.ask("GET", "/metrics")[1]
    (hour,) = client.ask("GET", "/api/learning")[1]["hours"][-1:]
    assert hour["trust"] == {"look": 0.5} and hour["weights"] == {"vision": 1.0}
    assert hour["runs"]["look"] >= 1 and hour["steps"] == {"look": 3.0}
    status, told = client.ask("GET", "/api/cycle")
    check(answers.Cycle, told, "/api/cycle")
    assert (told["modality"], told["salience"]["p50_ms"]) == ("vision", 5.0)
    connection.shutdown(socket.SHUT_RDWR)
    for kind in for_viewers:
        ros_graph.until(lambda kind=kind: outputs[kind].get_subscription_count() == 0)
    assert client.ask("GET", "/api/camera.jpg")[0] == 404


def messages(now_s: float) -> list[Any]:
    """One of each kind, as the graph sends them."""
    seen = Puzzle(header=header(now_s), modality="vision", source="front", encoder_id="e 1 0")
    seen.codes, seen.embedding, seen.valid = np.full(900, 3, np.uint8), [1.0, 0.0], True
    where = Attention(header=header(now_s), modality="vision", source="front", x_max=0.5, y_max=0.5)
    where.valid, where.alarms_per_hour = True, 1.0
    plugin = PluginBudget(name="look", trust=0.5, state=PluginBudget.RUNNING)
    budget = BudgetState(header=header(now_s), cycle=1, cycle_ms=100.0, rating=1.0)
    budget.plugins = [plugin]
    state = MetabolicState(header=header(now_s), state=1, energy_reserve=0.5, cycle_ms=100.0)
    state.energy_source = "budget use"
    tight = ResourcePressure(header=header(now_s), temperature_c=-1.0, power_w=7.5)
    tight.gpu_used_mb = tight.gpu_total_mb = tight.clock_mhz = -1.0
    done = Refinement(header=header(now_s), plugin="look", modality="vision", state=2, steps=3)
    ill = DiagnosticStatus(name="/sage/other", hardware_id="sage", level=b"\x02", message="ill")
    well = DiagnosticStatus(name="/sage/camera", hardware_id="sage", level=b"\x00")
    well.values = [KeyValue(key="camera backend", value="file:walk.mp4")]
    words = TimingFacts(6.0, 5.0, 13.0, 30.0).words
    well.values.append(KeyValue(key=to_salience("vision") + KEY_ENDING, value=words))
    array = DiagnosticArray(header=header(now_s), status=[ill, well])
    picture = array_to_image(np.zeros((960, 1280, 3), np.uint8), "rgb8", header(now_s))
    kept = experience()
    kept.header = header(now_s)
    return [fused(now_s), where, seen, budget, state, tight, done, array, picture, kept]


def test_requests_reach_the_nodes_and_their_words_come_back(
    ros_graph: RosGraph, tmp_path: Path
) -> None:
    far = ros_graph.start(FarNodes).node
    assert isinstance(far, FarNodes)
    node = ros_graph.start(GatewayNode, port=0, allow_actions=True).node
    assert isinstance(node, GatewayNode)
    judged = ros_graph.hear(Outcome, "outcome")
    client = Client(ros_graph, node, tmp_path)
    kinds = {(e.method, e.path): e.answer for e in ENDPOINTS}

    def good(method: str, path: str, body: object = None) -> Any:
        status, answer = client.ask(method, path, body)
        assert status == 200, answer
        kind = kinds[method, path.partition("?")[0]]
        assert isinstance(kind, type)
        check(kind, answer, path)
        return answer

    found = good("GET", "/api/recall?text=a+dog&limit=3&start_s=5")["results"]
    assert far.asked[-1].text == "a dog" and far.asked[-1].start.sec == 5
    assert found[0]["experience"]["id"] == ID and found[0]["experience"]["payload"] is None
    assert good("GET", "/api/explain")["behind"][0]["modality"] == "vision"
    good("GET", "/api/plugins")
    good("GET", "/api/experiences")
    good("GET", "/api/history")
    good("GET", "/api/learning")
    good("GET", "/api/cycle")
    good("POST", "/api/pin", {"id": ID, "pinned": True})
    assert far.asked[-1].pinned
    plan = good("POST", "/api/forget/plan", {"ids": [ID]})
    body = {"ids": [ID], "confirmation": plan["confirmation"]}
    assert good("POST", "/api/forget", body)["forgotten"] == 1
    good("POST", "/api/outcome", {"reward": -1, "experience_id": ID, "note": "too loud"})
    ros_graph.until(lambda: bool(judged))
    assert (judged[0].reward, judged[0].experience_id, judged[0].source) == (-1.0, ID, "page")
    assert client.ask("POST", "/api/pin", {"id": "no id", "pinned": True})[0] == 400
    status, refused = client.ask("POST", "/api/plugins/load", {"plugin": "x"})
    assert status == 409 and "an installed plugin" in refused["error"]["message"]
    status, refused = client.ask("POST", "/api/refine", {"plugin": "x", "modality": "smell"})
    assert status == 400 and refused["error"]["field"] == "modality"
    connection = client.listen("")
    good("POST", "/api/sleep", {})
    states: list[Any] = []

    def slept() -> bool:
        while not client.events.empty():
            name, data = client.events.get()
            states.extend([data] if name == "job" else [])
        return bool(states) and states[-1]["state"] != "running"

    ros_graph.until(slept)
    assert (states[-1]["state"], states[-1]["result"]["summaries"]) == ("done", 2)
    assert 0.5 in [job["progress"] for job in states]
    connection.shutdown(socket.SHUT_RDWR)
    ros_graph.until(lambda: node._site is not None and node._site._streams.count == 0)


def test_what_no_node_serves_is_said(
    ros_graph: RosGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sage_gateway.ros import requests

    monkeypatch.setattr(requests, "DISCOVERY_TIMEOUT_S", 0.05)
    node = ros_graph.start(GatewayNode, port=0).node
    assert isinstance(node, GatewayNode)
    client = Client(ros_graph, node, tmp_path)
    status, refused = client.ask("GET", "/api/recall?text=x")
    assert (status, refused["error"]["code"]) == (503, "unavailable")
    assert client.ask("POST", "/api/outcome", {"reward": 1})[1]["error"]["code"] == "read_only"


def test_payloads_of_the_store_are_served(ros_graph: RosGraph, tmp_path: Path) -> None:
    sha256 = experience().payload_sha256
    Memory.open(tmp_path).close()
    files = PayloadFiles(tmp_path / "payloads")
    files.write(sha256, Payload(FLAC, "audio/flac"))
    node = ros_graph.start(GatewayNode, port=0).node
    assert isinstance(node, GatewayNode)
    client = Client(ros_graph, node, tmp_path)
    assert client.ask("GET", f"/api/payloads/{sha256}") == (200, FLAC)
    assert client.ask("GET", f"/api/payloads/{sha256}/picture")[0] == 404  # it is no real sound
    files.delete(sha256, "audio/flac")
    assert client.ask("GET", f"/api/payloads/{sha256}")[0] == 404
