"""A node beside a graph: what goes wrong in its thread reaches whoever asked for it."""

from __future__ import annotations

import os
import threading
import time

import pytest

from sage.observe.attached import Attached
from sage.observe.graph_calls import CallerNode

DOMAIN = "118"


@pytest.fixture(autouse=True)
def own_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "ROS_DOMAIN_ID", DOMAIN)


def fail() -> None:
    raise ArithmeticError("in the thread")


def test_an_error_in_the_thread_is_raised_where_it_is_stopped() -> None:
    attached = Attached(CallerNode, "/attached_test")
    attached.host.create_timer(0.01, fail)
    attached._thread.join(timeout=20.0)
    assert not attached._thread.is_alive()
    with pytest.raises(ArithmeticError, match="in the thread"):
        attached.stop()
    attached.stop()


def test_a_node_that_never_keeps_up_with_its_callbacks_can_be_stopped() -> None:
    attached = Attached(CallerNode, "/attached_test")
    behind = threading.Event()
    runs = []

    def work() -> None:
        time.sleep(0.02)
        runs.append(len(runs))
        if len(runs) == 20:
            behind.set()

    attached.host.create_timer(0.002, work)
    assert behind.wait(20.0)
    attached.stop()
    assert not attached._thread.is_alive()


def test_after_a_failure_another_node_can_be_attached() -> None:
    attached = Attached(CallerNode, "/attached_test")
    attached.host.create_timer(0.01, fail)
    attached._thread.join(timeout=20.0)
    with pytest.raises(ArithmeticError):
        attached.stop()
    with Attached(CallerNode, "/attached_test") as again:
        assert again.node.client("memory/recall") is not None
