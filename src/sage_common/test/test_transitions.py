"""Transitions on a node's control worker: what goes on meanwhile, and what a failure leaves."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, ClassVar

import pytest
from failing_toy import FailingToy
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from toy_nodes import ToyNode

from sage_common.ros.conversions.stamps import to_stamp
from sage_msgs.msg import Utterance

pytestmark = pytest.mark.distribution

CONFIGURE, ACTIVATE = Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE
DEACTIVATE, CLEANUP = Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP
UNCONFIGURED, INACTIVE = State.PRIMARY_STATE_UNCONFIGURED, State.PRIMARY_STATE_INACTIVE
ACTIVE = State.PRIMARY_STATE_ACTIVE
STOP_S = 0.2


@pytest.fixture
def toy():
    """A class of its own for each test: it says where to fail and to wait."""

    class Toy(FailingToy):
        fail_in: ClassVar[set[str]] = set()
        wait_in: ClassVar[set[str]] = set()

    return Toy


def state_of(ros, name: str = "toy") -> int:
    return ros.call_named(GetState, f"/sage/{name}/get_state", GetState.Request()).current_state.id


def asked(ros, transition: int) -> Any:
    """A future of the answer."""
    client = ros.driver.create_client(ChangeState, "/sage/toy/change_state")
    assert ros.until(client.service_is_ready)
    return client.call_async(ChangeState.Request(transition=Transition(id=transition)))


def change(ros, transition: int) -> bool:
    future = asked(ros, transition)
    assert ros.until(future.done)
    return future.result().success


def say(ros, text: str) -> None:
    message = Utterance(text=text, confidence=1.0)
    message.header.stamp = to_stamp(ros.now_ns())
    ros.publish("text", message)


def state_file(ros) -> Path:
    return ros.home / "state" / "toy.state"


@pytest.mark.parametrize("phase", ["configure", "activate", "deactivate"])
def test_a_slow_transition_stops_no_other_node_and_answers_when_it_is_done(ros, toy, phase):
    other = ros.construct(ToyNode, name="other")
    ros.spin()
    assert other.start()
    host = ros.construct(toy)
    done = {"configure": [], "activate": [CONFIGURE], "deactivate": [CONFIGURE, ACTIVATE]}[phase]
    assert all(change(ros, transition) for transition in done)
    toy.wait_in.add(phase)
    transition = {"configure": CONFIGURE, "activate": ACTIVATE, "deactivate": DEACTIVATE}[phase]
    future = asked(ros, transition)
    assert ros.until(lambda: hasattr(host.node, "waiting") and host.node.waiting.is_set())
    say(ros, "meanwhile")
    assert ros.until(lambda: other.node.health.received == 1)
    assert state_of(ros, "other") == ACTIVE
    between = {
        "configure": State.TRANSITION_STATE_CONFIGURING,
        "activate": State.TRANSITION_STATE_ACTIVATING,
        "deactivate": State.TRANSITION_STATE_DEACTIVATING,
    }
    assert state_of(ros) == between[phase] and not host.node.active
    assert not future.done()
    host.node.go.set()
    assert ros.until(future.done) and future.result().success
    after = {"configure": INACTIVE, "activate": ACTIVE, "deactivate": INACTIVE}
    assert state_of(ros) == after[phase]
    assert ros.failures == []


def test_of_two_requests_at_once_the_second_waits_and_is_refused_in_words(ros, toy):
    host = ros.construct(toy)
    ros.spin()
    assert change(ros, CONFIGURE)
    toy.wait_in.add("activate")
    first = asked(ros, ACTIVATE)
    assert ros.until(host.node.waiting.is_set)
    second, third = asked(ros, ACTIVATE), asked(ros, DEACTIVATE)
    ros.for_a_while(0.2)
    assert not (first.done() or second.done() or third.done())
    host.node.go.set()
    assert ros.until(lambda: first.done() and second.done() and third.done())
    assert first.result().success and not second.result().success and third.result().success
    assert state_of(ros) == INACTIVE


def test_a_failed_configure_leaves_nothing_but_the_word_of_it(ros, toy):
    host = ros.construct(toy)
    ros.spin()
    toy.fail_in.add("configure")
    assert not change(ros, CONFIGURE)
    assert state_of(ros) == UNCONFIGURED
    assert ros.until(lambda: ros.driver.count_subscribers("/sage/text") == 0)
    assert ros.until(lambda: ros.driver.count_publishers("/sage/outcome") == 0)
    services = {name for name, _ in ros.driver.get_service_names_and_types()}
    assert ros.until(lambda: "/sage/language/embed" not in services)
    named = [thread.name for thread in threading.enumerate() if thread.name.startswith("toy/")]
    assert named == ["toy/control"]
    assert ros.until(lambda: ros.status("toy") is not None)
    assert ros.status("toy").message == "configure failed: told to fail in configure"
    assert change(ros, CONFIGURE) and change(ros, ACTIVATE)
    say(ros, "on")
    assert ros.until(lambda: host.node.health.received == 1)
    assert ros.failures == []


def test_a_failed_activation_gives_everything_back_and_the_next_one_works(ros, toy):
    host = ros.construct(toy)
    ros.spin()
    assert change(ros, CONFIGURE)
    toy.fail_in.add("activate")
    assert not change(ros, ACTIVATE)
    node = host.node
    assert state_of(ros) == INACTIVE and not node.active and not node.open
    assert node.ran == ["configure", "activate", "deactivate"], "what was taken is given back"
    assert ros.until(lambda: getattr(ros.status("toy"), "message", "").startswith("activate"))
    assert change(ros, ACTIVATE)
    assert node.open and state_of(ros) == ACTIVE
    say(ros, "now")
    assert ros.until(lambda: node.health.received == 1 and node.ran[-1] == "heard now")
    assert ros.until(lambda: ros.status("toy").level != ros.status("toy").ERROR)


def learned_and_saved(ros, toy) -> tuple[Any, bytes]:
    """A node that has learned something and is inactive, and its state on the disk."""
    host = ros.construct(toy)
    ros.spin()
    assert change(ros, CONFIGURE) and change(ros, ACTIVATE)
    say(ros, "learn")
    assert ros.until(lambda: host.node.health.received == 1)
    assert change(ros, DEACTIVATE)
    saved = state_file(ros).read_bytes()
    return host, saved


def test_a_failed_activation_leaves_the_state_on_disk_as_it_was(ros, toy):
    host, saved = learned_and_saved(ros, toy)
    toy.fail_in.add("activate")
    host.node.learned[:] = 99.0
    assert not change(ros, ACTIVATE)
    assert ros.call_named(*save_state(ros)).success
    assert state_file(ros).read_bytes() == saved
    assert change(ros, ACTIVATE)
    assert host.node.learned.tolist() == [1.0, 0.0, 0.0, 7.0]


def save_state(ros) -> tuple[Any, str, Any]:
    from sage_msgs.srv import Checkpoint

    return Checkpoint, "/sage/toy/save_state", Checkpoint.Request()


def test_a_restore_that_fails_leaves_the_file_and_the_next_activation_restores_it(ros, toy):
    host, saved = learned_and_saved(ros, toy)
    toy.fail_in.add("restore")
    assert not change(ros, ACTIVATE)
    assert state_of(ros) == INACTIVE and not host.node.open
    assert state_file(ros).read_bytes() == saved
    toy.fail_in.clear()
    assert change(ros, ACTIVATE)
    assert host.node.learned[0] == 1.0


def test_a_node_that_cannot_deactivate_is_left_unconfigured_with_its_state_saved(ros, toy):
    host = ros.construct(toy)
    ros.spin()
    assert change(ros, CONFIGURE) and change(ros, ACTIVATE)
    toy.fail_in.add("deactivate")
    assert not change(ros, DEACTIVATE)
    assert state_of(ros) == UNCONFIGURED and not host.node.active
    assert state_file(ros).exists()
    assert ros.until(lambda: ros.driver.count_subscribers("/sage/text") == 0)
    assert ros.until(
        lambda: (
            getattr(ros.status("toy"), "message", "")
            == "deactivate failed: told to fail in deactivate"
        )
    )
    assert change(ros, CONFIGURE) and change(ros, ACTIVATE)
    assert state_of(ros) == ACTIVE and host.node.learned[3] == 7.0


def test_deactivation_waits_for_the_callback_that_runs_and_none_runs_after_it(ros, toy):
    host = ros.construct(toy)
    ros.spin()
    assert change(ros, CONFIGURE) and change(ros, ACTIVATE)
    node = host.node
    say(ros, "wait")
    assert ros.until(node.waiting.is_set)
    say(ros, "after")
    deactivating = threading.Thread(target=host.trigger_deactivate)
    deactivating.start()
    ros.for_a_while(0.2)
    assert "deactivate" not in node.ran
    node.go.set()
    deactivating.join()
    assert node.ran[node.ran.index("heard wait") :][:2] in (
        ["heard wait", "deactivate"],
        ["heard wait", "heard after"],
    )
    assert node.ran[-1] == "deactivate"
    ros.for_a_while(0.3)
    assert node.ran[-1] == "deactivate" and ros.failures == []


def test_a_node_ends_in_bounded_time_while_a_transition_hangs(ros, toy):
    host = ros.construct(toy)
    ros.spin()
    assert change(ros, CONFIGURE)
    toy.wait_in.add("activate")
    asked(ros, ACTIVATE)
    assert ros.until(host.node.waiting.is_set)
    ros._stop.set()
    ros._thread.join()
    ros.hosts.remove(host)
    assert not host.stop(STOP_S)
    assert f"a transition did not end within {STOP_S:g} s: it is left" in ros.logs()
    assert not host.start(), "it takes no more"
    host.node.go.set()
    assert host._control.stop(10.0)
    host.destroy_node()


def test_transitions_again_and_again_while_messages_and_timers_come(ros, toy):
    host = ros.construct(toy)
    ros.spin()
    for _ in range(5):
        assert change(ros, CONFIGURE)
        for _ in range(3):
            assert change(ros, ACTIVATE)
            say(ros, "on")
            assert change(ros, DEACTIVATE)
        assert change(ros, CLEANUP)
    assert change(ros, CONFIGURE) and change(ros, ACTIVATE)
    assert ros.until(lambda: host.node.ticks > 0)
    say(ros, "last")
    assert ros.until(lambda: host.node.ran[-1] == "heard last")
    assert ros.failures == [] and not any("Error" in line for line in ros.logs())
