"""In a real container, the bridge feeds the readers of SAGE's Python nodes.

Needs rclcpp, which comes in no wheel. SAGE_RCLCPP_PREFIX names the folder of an installation with
rclcpp_components, composition_interfaces and this package.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sage_cuda_mailbox

pytestmark = pytest.mark.timeout(120)

CLASSES = "sage::mailbox::components::"
LONGEST_WAIT_S = 20.0
HEIGHT, WIDTH, STEP = 48, 64, 200


@pytest.fixture
def container_program(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where component_container is; skips if there is none, or it has no components of ours."""
    prefix = os.environ.get("SAGE_RCLCPP_PREFIX", "")
    if not prefix:
        pytest.skip("needs rclcpp: SAGE_RCLCPP_PREFIX names no installation that has it")
    index = Path(prefix, "share/ament_index/resource_index/rclcpp_components/sage_cuda_mailbox")
    if not index.is_file():
        pytest.skip(f"needs rclcpp: {prefix} has no components of sage_cuda_mailbox")
    monkeypatch.setenv(
        "AMENT_PREFIX_PATH", f"{prefix}{os.pathsep}{os.environ['AMENT_PREFIX_PATH']}"
    )
    return Path(prefix, "lib/rclcpp_components/component_container")


@pytest.fixture
def node(container_program: Path) -> Iterator[Any]:
    """A node beside a container that runs."""
    rclpy = pytest.importorskip("rclpy")
    executors = pytest.importorskip("rclpy.executors")
    context = rclpy.Context()
    rclpy.init(context=context)
    made = rclpy.create_node("beside_the_container", context=context)
    executor = executors.SingleThreadedExecutor(context=context)  # the node has a weak reference
    executor.add_node(made)
    container = subprocess.Popen([str(container_program)])
    try:
        yield made
    finally:
        container.send_signal(signal.SIGINT)
        try:
            status = container.wait(LONGEST_WAIT_S)
        finally:
            container.kill()
            made.destroy_node()
            context.shutdown()
    assert status == 0


def spin_until(node: Any, is_done: Callable[[], bool]) -> None:
    end_s = time.monotonic() + LONGEST_WAIT_S
    while not is_done():
        assert time.monotonic() < end_s, "it did not come"
        node.executor.spin_once(0.02)


def load(node: Any, plugin: str, remappings: list[str]) -> Any:
    """What the container answers."""
    from composition_interfaces.srv import LoadNode

    client = node.create_client(LoadNode, "/ComponentManager/_container/load_node")
    assert client.wait_for_service(LONGEST_WAIT_S)
    request = LoadNode.Request(package_name="sage_cuda_mailbox", plugin_name=CLASSES + plugin)
    request.node_namespace, request.remap_rules = "/sage", remappings
    future = client.call_async(request)
    spin_until(node, future.done)
    return future.result()


def padded_bgr_image(node: Any) -> Any:
    from sensor_msgs.msg import Image

    rows = np.zeros((HEIGHT, STEP), np.uint8)
    rows[:, : WIDTH * 3].reshape(HEIGHT, WIDTH, 3)[:] = (10, 20, 30)
    message = Image(height=HEIGHT, width=WIDTH, step=STEP, encoding="bgr8", data=rows.tobytes())
    message.header.stamp = node.get_clock().now().to_msg()
    message.header.frame_id = "camera_front"
    return message


def facts_in(message: Any) -> dict[str, dict[str, str]]:
    """Keys and values of a DiagnosticArray, by the names of its statuses."""
    return {
        status.name: {pair.key: pair.value for pair in status.values} for status in message.status
    }


def test_images_of_any_driver_reach_readers_in_their_slot(node: Any) -> None:
    from diagnostic_msgs.msg import DiagnosticArray
    from sensor_msgs.msg import Image

    from sage_msgs.msg import TensorHandle

    bridge = load(node, "ImageToTensor", ["image:=/raw", "tensor:=camera/front/tensor"])
    statistics = load(node, "MailboxStatistics", [])
    assert bridge.success and statistics.success, bridge.error_message + statistics.error_message
    images = node.create_publisher(Image, "/raw", 5)
    handles: list[Any] = []
    told: dict[str, dict[str, str]] = {}
    node.create_timer(0.05, lambda: images.publish(padded_bgr_image(node)))
    node.create_subscription(
        DiagnosticArray, "/diagnostics", lambda message: told.update(facts_in(message)), 10
    )
    node.create_subscription(TensorHandle, "/sage/camera/front/tensor", handles.append, 1)
    spin_until(node, lambda: bool(handles))
    name = f"{node.context.get_domain_id()}.sage.camera.front.tensor"
    with sage_cuda_mailbox.TensorMailbox.attach(name) as mailbox, mailbox.reader() as reader:
        handles.clear()
        spin_until(node, lambda: len(handles) > 1)
        handle = handles[-1]
        with reader.open(handle.slot, handle.generation) as lease:
            assert handle.mailbox == name and handle.header.frame_id == "camera_front"
            assert (handle.dtype, list(handle.shape)) == ("uint8", [HEIGHT, WIDTH, 3])
            assert (lease.tag, list(lease.shape)) == (handle.tag, list(handle.shape))
            assert (lease.numpy() == (30, 20, 10)).all()
        key = "/sage/camera/front/tensor copied"
        spin_until(node, lambda: int(told.get("/sage/image_to_tensor", {}).get(key, "0")) > 0)
        spin_until(node, lambda: int(told.get(f"mailbox: {name}", {}).get("copied", "0")) > 0)
        seen = told[f"mailbox: {name}"]
        # each image once; a tensor may be published between the reading of the two counters
        assert abs(int(seen["copied"]) - int(seen["published"])) <= 1
