"""Under pressure a node gives back what it can, the cheapest first, and says how much."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from std_msgs.msg import Header

from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.node import SageNode
from sage_common.ros.pressure import Cost, announce
from sage_msgs.msg import ResourcePressure
from sage_msgs.srv import ListReclaimables

MB = 2**20


class HoardingNode(SageNode):
    """Holds three things, one of which fails to shrink."""

    default_name = "hoarding"

    def on_configure(self) -> None:
        self.held = {"photos": 8 * MB, "model": 4 * MB, "cache": 2 * MB}
        self.asked: list[tuple[str, int]] = []
        for name, cost in (
            ("photos", Cost.LOSS),
            ("cache", Cost.REFILL),
            ("model", Cost.RELOAD),
        ):
            self.reclaimable(
                name,
                cost,
                lambda n=name: self.held[n],
                lambda level, n=name: self.relieve(n, level),
            )

    def relieve(self, name: str, level: int) -> None:
        self.asked.append((name, level))
        if name == "model":
            raise RuntimeError("it is in use")
        self.held[name] //= 1 + level


def pressure(rig, level: int, reclaim_level: int = 0) -> None:
    message = ResourcePressure(level=level, reclaim_level=reclaim_level)
    message.header.stamp = to_stamp(rig.now_ns())
    rig.publish("pressure", message)


def values(rig, name: str = "hoarding") -> dict[str, str]:
    status = rig.status(name)
    return {} if status is None else {item.key: item.value for item in status.values}


def test_the_cheapest_is_asked_first_one_that_fails_holds_up_none_and_it_is_shown(rig):
    node = rig.add(HoardingNode)
    pressure(rig, ResourcePressure.YELLOW)
    assert rig.until(lambda: len(node.asked) == 3)
    assert node.asked == [("cache", 1), ("model", 1), ("photos", 1)]
    assert rig.until(lambda: values(rig).get("pressure") == "yellow")
    shown = values(rig)
    assert shown["given back: cache [MB]"] == "1.0"
    assert shown["given back: model [MB]"] == "0.0"
    assert shown["given back: photos [MB]"] == "4.0"
    assert shown["last_callback_error"] == "RuntimeError: it is in use"
    pressure(rig, ResourcePressure.GREEN)
    assert rig.until(lambda: values(rig).get("pressure") == "green")
    assert node.asked[3:] == [("cache", 0), ("model", 0), ("photos", 0)]


def test_what_is_made_anew_under_pressure_is_told_of_it(rig):
    node = rig.add(HoardingNode)
    pressure(rig, ResourcePressure.RED)
    assert rig.until(lambda: len(node.asked) == 3)
    rig.deactivate(node)
    rig.activate(node)
    assert rig.until(lambda: len(node.asked) >= 6)
    assert node.asked[-1] == ("photos", 3)


def test_a_level_that_there_is_not_is_refused(rig):
    node = rig.add(HoardingNode)
    pressure(rig, 5)
    assert rig.until(lambda: values(rig).get("/sage/pressure rejected") == "1")
    pressure(rig, ResourcePressure.RED)
    assert rig.until(lambda: len(node.asked) == 3)
    assert {level for _, level in node.asked} == {3}


def test_caches_are_asked_at_a_level_of_their_own_and_what_would_be_lost_is_not(rig):
    node = rig.add(HoardingNode)
    pressure(rig, ResourcePressure.GREEN, reclaim_level=ResourcePressure.ORANGE)
    assert rig.until(lambda: len(node.asked) == 3)
    assert node.asked == [("cache", 2), ("model", 2), ("photos", 0)]


def test_it_lists_what_it_could_give_back(ros):
    ros.add(HoardingNode)
    pressure(ros, ResourcePressure.YELLOW)
    assert ros.until(lambda: values(ros).get("pressure") == "yellow")
    answer = ros.call_named(
        ListReclaimables, "/sage/hoarding/reclaimables", ListReclaimables.Request()
    )
    found = {item.name: item for item in answer.reclaimables}
    assert answer.success and list(found) == ["cache", "model", "photos"]
    cache = found["cache"]
    assert (cache.cost, cache.held_bytes, cache.peak_bytes) == ("refill", MB, 2 * MB)
    assert (cache.kept_bytes, cache.given_bytes) == (0, MB)


class BusyNode(HoardingNode):
    """Keeps the executor, and its own guard, from anybody else until it is told to end."""

    default_name = "busy"

    def on_configure(self) -> None:
        super().on_configure()
        self.began, self.end = threading.Event(), threading.Event()
        self.timer(0.05, self._work, steady=True)

    def _work(self) -> None:
        self.began.set()
        assert self.end.wait(60.0)


def test_what_is_announced_in_its_process_waits_for_no_executor(ros):
    node = ros.add(BusyNode)
    assert node.began.wait(60.0)
    message = ResourcePressure(level=ResourcePressure.CRITICAL)
    announce("/elsewhere/pressure", message)
    announce("/sage/pressure", message)
    assert wait_for(lambda: len(node.asked) == 3)
    assert not node.end.is_set() and {level for _, level in node.asked} == {4}
    node.end.set()


def wait_for(condition: Callable[[], bool]) -> bool:
    """Wait without spinning anything."""
    end_s = time.monotonic() + 60.0
    while not condition() and time.monotonic() < end_s:
        time.sleep(0.01)
    return condition()


class PlainNode(SageNode):
    """Has nothing to give back."""

    default_name = "plain"


def test_a_node_without_anything_to_give_back_does_not_listen(rig):
    node = rig.add(PlainNode)
    assert [item.topic for item in node._diagnostics.inputs] == []


class FilmingNode(SageNode):
    """Hands pictures over, ten times a second."""

    default_name = "filming"

    def on_configure(self) -> None:
        self.output = self.tensor_publisher("camera/tensor", name="front")
        self.timer(0.1, self._film)

    def _film(self) -> None:
        header = Header(stamp=to_stamp(self.clock.now_ns()))
        self.output.publish(np.zeros((512, 682, 3), np.uint8), header)


def test_slots_are_given_back_once_and_taken_again(ros):
    pytest.importorskip("sage_cuda_mailbox", reason="the mailboxes are not built")
    node = ros.add(FilmingNode)
    handles = ros.listen("camera/tensor", name="front")
    key = "given back: slots of /sage/camera/front/tensor [MB]"
    for level, name in ((ResourcePressure.YELLOW, "yellow"), (ResourcePressure.GREEN, "green")):
        before = len(handles)
        assert ros.until(lambda before=before: len(handles) > before)
        pressure(ros, level)
        assert ros.until(lambda name=name: values(ros, "filming").get("pressure") == name)
        assert values(ros, "filming")[key] == "12.0", "half of 24 slots of 1 MB, and no more"
    assert ros.until(lambda: node.output.held_bytes() == 24 * MB)
