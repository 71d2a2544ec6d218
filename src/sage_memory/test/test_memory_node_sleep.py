"""The memory node in lock-step: it sleeps when asked and when idle, undoes, pins and forgets."""

from __future__ import annotations

from pathlib import Path

import node_inputs as inputs
import pytest
from stored_rows import rows

from sage_common.ros.lockstep.host import DEFAULT_START_NS, LockstepHost
from sage_memory.nodes.memory_node import MemoryNode
from sage_msgs.action import Sleep
from sage_msgs.msg import MetabolicState
from sage_msgs.srv import Forget, SetPin, UndoSleep

T0 = DEFAULT_START_NS
S = 1_000_000_000


def start(home: Path, **parameters) -> LockstepHost:
    host = LockstepHost(home=home)
    given = {"device_id": "robot", "sleep_salience_floor": 0.95, **parameters}
    host.add(MemoryNode, parameters=given)
    return host


def keep(host: LockstepHost, count: int) -> list:
    """Moments three seconds apart; the experiences that were kept."""
    for index in range(count):
        stamp = T0 + index * 3 * S
        host.run_until(stamp)
        host.publish("camera/image_raw", inputs.image(stamp, red=index % 256), name="front")
        host.publish("puzzle", inputs.puzzle(stamp), modality="vision")
        host.publish("fused_salience", inputs.fused(stamp, 0.8))
    host.run_for(4.0)
    kept = host.messages("experience")
    assert len(kept) == count
    return kept


def sleeping(host: LockstepHost):
    (node,) = host.nodes
    return node._sleep_service


def test_it_sleeps_as_asked_and_takes_it_back(tmp_path) -> None:
    host = start(tmp_path)
    keep(host, 6)
    before = rows(tmp_path, "SELECT id, codes, payload_sha256 FROM experiences")
    feedback = []
    goal = Sleep.Goal(target_share=0.3)
    result = sleeping(host)._sleep(goal, feedback.append, lambda: False)
    assert result.success and result.payloads_removed == 6 and result.run_id
    assert result.bytes_after < result.bytes_before and "bytes became" in result.message
    shares = [one.progress for one in feedback]
    assert shares == sorted(shares) and shares[-1] == 1.0 and feedback[-1].stage == "done"
    assert rows(tmp_path, "SELECT id, codes, payload_sha256 FROM experiences") != before
    undone = host.call("memory/undo_sleep", UndoSleep.Request(run_id=result.run_id))
    assert undone.success and undone.restored == 6, undone.message
    assert rows(tmp_path, "SELECT id, codes, payload_sha256 FROM experiences") == before
    again = host.call("memory/undo_sleep", UndoSleep.Request())
    assert not again.success and again.message.startswith("no sleep to undo")
    host.close()


def test_a_dry_run_and_a_wrong_goal(tmp_path) -> None:
    host = start(tmp_path)
    keep(host, 3)
    result = sleeping(host)._sleep(Sleep.Goal(dry_run=True), lambda _: None, lambda: False)
    assert result.success and result.run_id == "" and "nothing was changed" in result.message
    assert rows(tmp_path, "SELECT * FROM consolidation_runs") == []
    host.close()


def test_pinned_moments_are_not_touched_and_forgotten_ones_are_gone(tmp_path) -> None:
    host = start(tmp_path)
    kept = keep(host, 4)
    assert host.call("memory/pin", SetPin.Request(id=kept[1].id, pinned=True)).success
    sleeping(host)._sleep(Sleep.Goal(target_share=0.05), lambda _: None, lambda: False)
    marks = rows(tmp_path, "SELECT payload_sha256 != '' FROM experiences ORDER BY number")
    assert [row[0] for row in marks] == [0, 1, 0, 0]
    gone = host.call("memory/forget", Forget.Request(ids=[kept[1].id], reason="asked to"))
    assert gone.success and gone.forgotten == 1 and gone.bytes_freed > 0
    assert not list((tmp_path / "payloads").rglob(f"{kept[1].payload_sha256}*"))
    for request, service in (
        (Forget.Request(ids=["nonsense"]), "memory/forget"),
        (Forget.Request(), "memory/forget"),
        (SetPin.Request(id=kept[1].id, pinned=True), "memory/pin"),
    ):
        response = host.call(service, request)
        assert not response.success and response.message
    host.close()


@pytest.mark.parametrize(("idle_s", "sleeps"), [(0.0, 0), (30.0, 1)])
def test_it_sleeps_when_nothing_happens_only_if_told_to(tmp_path, idle_s, sleeps) -> None:
    sleeping = {"sleep_idle_s": idle_s, "sleep_every_s": 3600.0}
    host = start(tmp_path, sleep_idle_false_alarms_per_hour=36.0, **sleeping)
    keep(host, 5)
    host.run_for(20.0)
    assert rows(tmp_path, "SELECT * FROM consolidation_runs") == []
    host.run_for(60.0)
    assert len(rows(tmp_path, "SELECT * FROM consolidation_runs WHERE cause = 'idle'")) == sleeps
    host.close()


def test_it_sleeps_once_while_the_robot_dreams(tmp_path) -> None:
    host = start(tmp_path)
    keep(host, 5)
    for consolidates in (False, True, True, False, True):
        host.publish("state", MetabolicState(consolidation=consolidates))
        host.run_for(1.0)
    assert len(rows(tmp_path, "SELECT * FROM consolidation_runs WHERE cause = 'dream'")) == 1
    host.close()


def test_sources_get_a_reputation(tmp_path) -> None:
    host = start(tmp_path)
    keep(host, 3)
    host.close()
    found = rows(tmp_path, "SELECT name, observations FROM entities ORDER BY name")
    assert found == [("camera:front", 3), ("device:robot", 3)]


def test_the_sidecar_keeps_dull_moments_without_payload(tmp_path) -> None:
    host = start(tmp_path, verbatim_affect=0.9)
    kept = keep(host, 2)
    assert [one.payload_sha256 for one in kept] == ["", ""]
    host.close()
