"""What only the ROS host does: lifecycle services, parameters, QoS, full queues."""

from __future__ import annotations

import threading

import pytest
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import DescribeParameters, GetParameters, SetParameters
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Imu
from toy_nodes import ToyNode

from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.node import SageNode
from sage_common.ros.rclpy_host.calls import QUEUE_SIZE
from sage_msgs.msg import Utterance
from sage_msgs.srv import SetTrust

pytestmark = pytest.mark.distribution


def state_of(ros) -> int:
    answer = ros.call_named(GetState, "/sage/toy/get_state", GetState.Request())
    return answer.current_state.id


def change(ros, transition: int) -> bool:
    request = ChangeState.Request(transition=Transition(id=transition))
    return ros.call_named(ChangeState, "/sage/toy/change_state", request).success


def set_parameter(ros, name: str, value: ParameterValue):
    request = SetParameters.Request(parameters=[Parameter(name=name, value=value)])
    return ros.call_named(SetParameters, "/sage/toy/set_parameters", request).results[0]


def double(value: float) -> ParameterValue:
    return ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=value)


def test_every_transition_and_one_that_the_state_forbids(ros):
    host = ros.construct(ToyNode)
    ros.spin()
    assert state_of(ros) == State.PRIMARY_STATE_UNCONFIGURED
    assert change(ros, Transition.TRANSITION_CONFIGURE)
    assert state_of(ros) == State.PRIMARY_STATE_INACTIVE and not host.node.active
    assert change(ros, Transition.TRANSITION_ACTIVATE)
    assert state_of(ros) == State.PRIMARY_STATE_ACTIVE and host.node.open
    assert not change(ros, Transition.TRANSITION_ACTIVATE), "it is active already"
    assert state_of(ros) == State.PRIMARY_STATE_ACTIVE and host.node.active
    assert change(ros, Transition.TRANSITION_DEACTIVATE)
    assert state_of(ros) == State.PRIMARY_STATE_INACTIVE and not host.node.open
    assert change(ros, Transition.TRANSITION_CLEANUP)
    assert state_of(ros) == State.PRIMARY_STATE_UNCONFIGURED
    assert ros.failures == []


def test_configuring_again_leaves_nothing_of_the_first_time(ros):
    node = ros.add(ToyNode)
    for transition in (
        Transition.TRANSITION_DEACTIVATE,
        Transition.TRANSITION_CLEANUP,
        Transition.TRANSITION_CONFIGURE,
        Transition.TRANSITION_ACTIVATE,
    ):
        assert change(ros, transition)
    assert ros.until(lambda: ros.driver.count_subscribers("/sage/text") == 1)
    assert ros.until(lambda: ros.driver.count_publishers("/sage/outcome") == 1)
    heard = ros.listen("outcome")
    message = Utterance(text="once", confidence=1.0)
    message.header.stamp = to_stamp(ros.now_ns())
    ros.publish("text", message)
    assert ros.until(lambda: len(heard) == 1)
    assert node.health.received == 1
    workers = [t.name for t in threading.enumerate() if t.name.startswith("toy/jobs")]
    assert workers == ["toy/jobs"]


def test_shutdown_of_an_active_node_saves_its_state(ros):
    node = ros.add(ToyNode)
    assert change(ros, Transition.TRANSITION_ACTIVE_SHUTDOWN)
    assert not node.active and not node.open
    assert (node.home / "state" / "toy.state").exists()


def test_a_node_that_cannot_activate_stays_inactive_and_says_why(ros):
    node = ros.add(ToyNode, fail="activate")
    assert state_of(ros) == State.PRIMARY_STATE_INACTIVE and not node.active
    assert ros.until(lambda: ros.status("toy") is not None)
    status = ros.status("toy")
    assert status.level == status.ERROR
    assert status.message == "activate failed: told to fail in activate"
    assert ros.until(lambda: "activate failed: told to fail in activate" in ros.logs())


def test_a_node_that_cannot_configure_says_why_and_can_try_again(ros):
    ros.add(ToyNode, fail="configure")
    assert state_of(ros) == State.PRIMARY_STATE_UNCONFIGURED
    assert ros.until(lambda: ros.status("toy") is not None)
    assert ros.status("toy").message == "configure failed: told to fail in configure"
    value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value="")
    assert set_parameter(ros, "fail", value).successful
    assert change(ros, Transition.TRANSITION_CONFIGURE)
    assert change(ros, Transition.TRANSITION_ACTIVATE)


def test_parameters_are_declared_with_description_and_range(ros):
    ros.add(ToyNode, gain=3, weights=[1, 2.5], names=[])
    request = DescribeParameters.Request(names=["gain", "steps", "backend"])
    answer = ros.call_named(DescribeParameters, "/sage/toy/describe_parameters", request)
    gain, steps, backend = answer.descriptors
    assert gain.description == "factor [1]"
    assert (gain.floating_point_range[0].from_value, gain.floating_point_range[0].to_value) == (
        0,
        10,
    )
    assert (steps.integer_range[0].from_value, steps.integer_range[0].to_value) == (1, 100)
    assert backend.additional_constraints == "one of auto, none"
    values = ros.call_named(
        GetParameters, "/sage/toy/get_parameters", GetParameters.Request(names=["gain", "steps"])
    ).values
    assert [values[0].integer_value, values[1].integer_value] == [3, 3]
    node = ros.hosts[0].node
    assert node.parameters.gain == 3.0 and isinstance(node.parameters.gain, float)
    assert node.parameters.weights == (1.0, 2.5) and node.parameters.names == ()


def test_an_unknown_or_wrong_parameter_is_refused_by_name(ros):
    assert not ros.construct(ToyNode, {"gane": 1.0}, "one").start()
    assert not ros.construct(ToyNode, {"gain": 99.0}, "two").start()
    assert not ros.construct(ToyNode, {"backend": "cuda"}, "three").start()
    assert not ros.construct(ToyNode, {"steps": 2.5}, "four").start()
    expected = (
        "gane: unknown parameter; the nearest known is gain",
        "gain = 99.0: expected number from 0 to 10 1",
        "backend = 'cuda': expected one of auto, none",
        "steps = 2.5: expected whole number from 1 to 100",
    )
    for text in expected:
        assert ros.until(lambda text=text: f"configure failed: {text}" in ros.logs()), ros.logs()


def test_a_wrong_value_set_at_run_time_is_refused(ros):
    ros.add(ToyNode)
    refused = set_parameter(ros, "gain", double(99.0))
    assert not refused.successful and "gain" in refused.reason
    kind = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value="cuda")
    assert "one of auto, none" in set_parameter(ros, "backend", kind).reason
    assert not set_parameter(ros, "gane", double(1.0)).successful


def test_a_parameter_is_refused_while_it_would_not_take_effect(ros):
    node = ros.add(ToyNode)
    refused = set_parameter(ros, "gain", double(5.0))
    assert not refused.successful and "clean up the node, then set it" in refused.reason
    assert node.parameters.gain != 5.0
    assert change(ros, Transition.TRANSITION_DEACTIVATE)
    assert not set_parameter(ros, "gain", double(5.0)).successful
    assert change(ros, Transition.TRANSITION_CLEANUP)
    assert set_parameter(ros, "gain", double(5.0)).successful
    assert change(ros, Transition.TRANSITION_CONFIGURE)
    assert node.parameters.gain == 5.0


def test_a_publisher_that_is_refused_for_qos_is_named_in_log_and_diagnostics(ros):
    ros.add(ToyNode)
    best_effort = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    ros.driver.create_publisher(Utterance, "/sage/text", best_effort)
    wanted = "a publisher is not connected: its QoS (RELIABILITY) does not fit 'standard'"
    assert ros.until(lambda: any(f"/sage/text: {wanted}" in line for line in ros.logs()))
    assert ros.until(lambda: wanted in getattr(ros.status("toy"), "message", ""))
    assert ros.status("toy").level == ros.status("toy").ERROR


def test_a_reliable_subscriber_hears_what_our_nodes_take_best_effort(ros):
    heard = []
    ros.add(SensorToy)
    reliable = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
    ros.driver.create_subscription(Imu, "/sage/imu/toy/data", heard.append, reliable)
    assert ros.until(lambda: heard)


def test_a_subscriber_that_is_refused_for_qos_is_named_in_log_and_diagnostics(ros):
    ros.add(SensorToy)
    wants_history = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    ros.driver.create_subscription(Imu, "/sage/imu/toy/data", print, wants_history)
    wanted = "a subscriber gets nothing: its QoS (DURABILITY) does not fit 'sensor'"
    assert ros.until(lambda: any(f"/sage/imu/toy/data: {wanted}" in line for line in ros.logs()))
    key = "/sage/imu/toy/data refused"
    assert ros.until(
        lambda: any(
            (v.key, v.value) == (key, wanted)
            for v in getattr(ros.status("sensor_toy"), "values", ())
        )
    )


class SensorToy(SageNode):
    """Publishes sensor data twenty times a second."""

    default_name = "sensor_toy"

    def on_configure(self) -> None:
        output = self.publisher("imu/data", name="toy")
        self.timer(0.05, lambda: output.publish(Imu()))


class BlockedNode(ToyNode):
    """Its service waits until the test lets it go."""

    default_name = "toy"

    def on_configure(self) -> None:
        super().on_configure()
        self.gate = threading.Semaphore(0)

    def _set_trust(self, request, response):
        self.gate.acquire(timeout=10.0)
        return super()._set_trust(request, response)


def test_every_request_of_a_flood_is_answered(ros):
    node = ros.add(BlockedNode)
    client = ros.driver.create_client(SetTrust, "/sage/orchestrator/set_trust")
    assert ros.until(client.service_is_ready)
    count = QUEUE_SIZE + 8
    futures = []
    for _ in range(count):
        futures.append(client.call_async(SetTrust.Request(plugin="x", trust=0.5)))
        ros.for_a_while(0.01)  # the middleware itself holds no more than ten
    assert ros.until(lambda: sum(f.done() for f in futures) >= 7), "the rest waits"
    for _ in range(count):
        node.gate.release()
        ros.for_a_while(0.01)
    assert ros.until(lambda: all(future.done() for future in futures))
    answers = [future.result() for future in futures]
    refused = [answer for answer in answers if not answer.success]
    assert len(answers) == count and 7 <= len(refused) <= 8
    assert all("requests are waiting already" in answer.message for answer in refused)


def test_a_handler_that_returns_no_response_is_answered_for(ros):
    ros.add(ToyNode)
    answer = ros.call("orchestrator/set_trust", SetTrust.Request(plugin="nothing", trust=0.5))
    assert not answer.success and "TypeError" in answer.message
    assert ros.call("orchestrator/set_trust", SetTrust.Request(plugin="x", trust=0.5)).success


def test_a_client_says_that_nobody_serves(ros):
    class AloneNode(ToyNode):
        def service(self, key, handler) -> None:
            """Serve nothing."""

    node = ros.add(AloneNode)
    message = Utterance(text="ask", confidence=1.0)
    message.header.stamp = to_stamp(ros.now_ns())
    ros.publish("text", message)
    assert ros.until(node.asked.is_set)
    assert node.answered == "/sage/language/embed: no node serves it"


def test_garbage_on_the_wire_does_not_end_the_process(ros):
    node = ros.add(ToyNode)
    message = Utterance(text="fine", confidence=1.0)
    message.header.stamp = to_stamp(ros.now_ns())
    ros.publish("text", message)
    publisher = ros._publishers["/sage/text"]
    publisher.publish(b"\x00\x01\x00\x00\xff\xff\xff\xff")
    publisher.publish(b"\x00\x01\x00\x00" + b"\x00" * 12 + b"\x03\x00\x00\x00\xff\xfe\x00")
    ros.publish("text", message)
    assert ros.until(lambda: node.health.received == 2)


def test_publishing_after_the_end_is_harmless(ros):
    node = ros.add(ToyNode)
    output = node.output
    ros._stop.set()
    ros._thread.join()
    ros.hosts.pop().stop()
    from sage_msgs.msg import Outcome

    output.publish(Outcome())
    assert output.subscriber_count == 0 and output.published == 0
