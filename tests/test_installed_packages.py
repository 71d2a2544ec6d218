"""A modality and a camera, each of a package of its own, in a running graph from end to end."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import rclpy
from graph_command import UP_TIMEOUT_S, run, starting, summary, wait_until, wait_until_up
from installed_package import install, installed_with_pip
from sensor_msgs.msg import Temperature

from sage.bags.reader import open_bag
from sage_common.ros.conversions.stamps import to_stamp

pytestmark = pytest.mark.graph

CAMERA = '''
"""A bar that wanders through the picture; now and then the lights go on for half a second."""

import itertools

import numpy as np

from sage_sensors.core.samples import Frame, Stamped

PERIOD_NS = 100_000_000


class Bar:
    source, length_ns, period_s = "wanderer:bar", 0, 0.1

    def items(self):
        rng = np.random.default_rng(0)
        lit = 100
        for number in itertools.count():
            lit += int(rng.integers(60, 120)) if number == lit + 5 else 0
            pixels = np.full((120, 160, 3), 160 if number >= lit else 40, np.uint8)
            pixels[:, number % 8 * 20 :][:, :20] = 220
            yield Stamped(number * PERIOD_NS, Frame(pixels))


def create(parameters, clock):
    return Bar()
'''


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the two packages are installed."""
    site = installed_with_pip(tmp_path_factory.mktemp("thermometer"))
    points = {"sage.camera_backends": {"wanderer": "wandering_bar:create"}}
    return install(site, "wandering-bar", {"wandering_bar": CAMERA}, points)


@contextmanager
def thermometer(domain_id: int) -> Iterator[None]:
    """Five readings a second in a ROS domain; now and then one is hot, never twice the same."""
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=domain_id)
    node = rclpy.create_node("thermometer", context=context)
    publisher = node.create_publisher(Temperature, "/thermometer", 10)
    stop = threading.Event()

    def publish() -> None:
        rng = np.random.default_rng(0)
        calm = 40
        while not stop.wait(0.2):
            calm -= 1
            temperature = 21.0 + 0.05 * rng.standard_normal()
            if calm == 0:
                temperature, calm = rng.uniform(30.0, 90.0), int(rng.integers(15, 40))
            message = Temperature(temperature=temperature)
            message.header.stamp = to_stamp(node.get_clock().now().nanoseconds)
            publisher.publish(message)

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        node.destroy_node()
        rclpy.shutdown(context=context)


def test_both_are_run_shown_explained_remembered_recorded_and_replayed(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(site))
    home, bag = tmp_path / "home", tmp_path / "bag"
    with starting(home) as start:
        graph = start("run", "--source", "live", "--camera", "wanderer", "--json")
        wait_until_up(home)
        with thermometer(int(run(home, "status", "--domain").stdout)):
            wait_until(lambda: remembers(home), UP_TIMEOUT_S, "a memory of the temperature")
            shown = summary(run(home, "status", "--json").stdout)
            assert shown["salience"]["temperature"]["valid"]
            assert shown["backends"]["camera"] == "wanderer:bar"
            assert shown["warnings"] == []
            explained = summary(run(home, "explain", "--json").stdout)
            assert "temperature" in {item["modality"] for item in explained["modalities"]}
            assert run(home, "record", "-o", str(bag), "--duration", "4").returncode == 0
        graph.send_signal(signal.SIGINT)
        ended = summary(graph.communicate(timeout=UP_TIMEOUT_S)[0])
    assert ended["backends"]["camera"] == "wanderer:bar"
    assert ended["backends"]["temperature"] == "topic:/thermometer"
    assert ended["puzzles"]["temperature"] > 0 and ended["puzzles"]["vision"] > 0
    recorded = open_bag(bag).topics
    for name in ("/thermometer", "/sage/camera/front/image_raw/compressed"):
        assert recorded[name].count > 0
    first, second = (lockstep(tmp_path / name, bag) for name in ("first", "second"))
    assert first == second
    played = run(tmp_path / "played", "replay", str(bag), "--json")
    assert played.returncode == 0, played.stderr
    replayed = summary(played.stdout)
    assert replayed["puzzles"]["temperature"] > 0 and replayed["puzzles"]["vision"] > 0
    assert replayed["backends"]["temperature"] == "bag:/thermometer"


def remembers(home: Path) -> bool:
    """Whether a moment of the temperature is kept, with the sensor's message."""
    found = json.loads(run(home, "recall", "--modality", "temperature", "--json").stdout)
    kinds = {answer["media_type"] for answer in found["answers"]}
    return "application/x-mcap" in kinds


def lockstep(home: Path, bag: Path) -> str:
    """The digest of all output, the temperature's and the camera's among it."""
    done = run(home, "replay", str(bag), "--lockstep", "--json")
    assert done.returncode == 0, done.stderr
    found = summary(done.stdout)
    assert found["messages"]["/sage/temperature/salience"] > 0
    assert found["messages"]["/sage/vision/salience"] > 0
    return str(found["digest"])
