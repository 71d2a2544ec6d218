"""What nodes count, on which way pictures go, and what is said of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from sage.commands.graph.summary import short_summary
from sage.graph.outages import Outages
from sage.observe.counters import Counters, callback_errors, worst_place
from sage.observe.latest import Latest
from sage.observe.observer_node import LISTENER
from sage.observe.transports import fallbacks, in_words
from sage_common.core.diagnosis.ended import Ended
from sage_common.ros.lockstep.host import LockstepHost
from sage_memory.nodes.memory_node import MemoryNode

TENSOR = "/sage/camera/front/tensor"


def status(node: str, **values: object) -> DiagnosticStatus:
    pairs = [KeyValue(key=k.replace("__", " "), value=str(v)) for k, v in values.items()]
    return DiagnosticStatus(name=f"/sage/{node}", level=b"\x00", values=pairs)


def latest_of(*statuses: DiagnosticStatus) -> Latest:
    latest = Latest()
    for item in statuses:
        latest.diagnostics[item.name] = item
        latest.counters.note(item)
    return latest


def encoder(transport: str = "mailbox shm", **more: object) -> DiagnosticStatus:
    counts = {"tensors__late": 1, "tensors__missed": 5, "outdated": 2, "tiles": "mailbox shm"}
    return status("vision_encoder", transport=transport, **{**counts, "tiles__frames": 90, **more})


def recording(state: str = "shm, 29 MB") -> DiagnosticStatus:
    given = {f"{TENSOR}__mailbox": state, f"{TENSOR}__in__place": 300, f"{TENSOR}__refused": 4}
    return status("recording", **given)


def test_each_node_says_its_way_and_its_counts() -> None:
    found = latest_of(encoder(), recording(), status("fusion", anything=1)).transports()
    assert found == {
        "recording": {
            "mailboxes": {
                TENSOR: {"state": "shm, 29 MB", "in_place": 300, "by_copy": 0, "refused": 4}
            }
        },
        "vision_encoder": {
            "pictures": "mailbox shm", "tensors_late": 1, "tensors_missed": 5, "outdated": 2,
            "tiles": "mailbox shm", "tiles_frames": 90, "tiles_refused": 0,
        },
    }  # fmt: skip
    assert fallbacks(found) == {}
    assert in_words(found) == (
        "pictures by mailbox shm to vision_encoder; tensors late 1, missed 5, refused 4"
    )


def test_a_way_back_to_images_is_named_unless_it_was_asked_for() -> None:
    why = "image (there is no mailbox 42.front)"
    ways = latest_of(encoder(why), recording()).transports()
    assert fallbacks(ways) == {"vision_encoder": f"pictures: {why}"}
    assert why in in_words(ways)
    asked = latest_of(encoder("image (asked for)"), recording("none: nobody subscribes"))
    assert fallbacks(asked.transports()) == {}
    full = latest_of(encoder(), recording("none: /dev/shm has no room"))
    assert fallbacks(full.transports()) == {"recording": f"{TENSOR}: none: /dev/shm has no room"}


def test_where_no_node_has_a_mailbox_to_give_images_are_what_there_is() -> None:
    assert fallbacks(latest_of(encoder("image (no tensor came)")).transports()) == {}
    assert in_words({}) == ""


def test_counts_go_on_over_a_restart() -> None:
    counters = Counters()
    for count in (3, 7, 0, 2):
        counters.note(status("vision_encoder", worker__encode__dropped=count))
    assert counters.total("vision_encoder", "worker encode dropped") == 9


def test_what_was_dropped_is_told_by_node_and_by_what() -> None:
    counters = Counters()
    counters.note(encoder(worker__encode__dropped=530, **{f"{TENSOR}__rejected": 0}))
    counters.note(recording())
    # The reason why a publisher is not connected ends as a count of refused tensors does.
    counters.note(status("fusion", **{f"{TENSOR}__refused": "reliability: best effort"}))
    dropped = counters.dropped()
    assert dropped == {
        "recording": {f"{TENSOR} refused": 4},
        "vision_encoder": {"outdated": 2, "tensors missed": 5, "worker encode dropped": 530},
    }
    nodes = ["recording", "vision_encoder"]
    assert worst_place(dropped, nodes) == "vision_encoder, worker encode dropped: 530"
    assert worst_place(dropped, ["fusion"]) == ""


def test_an_outage_lasts_until_every_node_was_heard_of_again() -> None:
    outages = Outages({"container": frozenset({"fusion", "memory"})})
    outages.ended("container", "killed by SIGKILL", 10.0)
    outages.look({"fusion": 10.2, "memory": 9.0})
    outages.restarted("container", 10.5)
    outages.look({"fusion": 10.4, "memory": 12.0})
    assert outages.records(13.0) == [
        {"process": "container", "cause": "killed by SIGKILL", "out_s": 3.0, "over": False}
    ]
    outages.look({"fusion": 13.25, "memory": 13.0})
    assert outages.records(20.0)[0] == {
        "process": "container", "cause": "killed by SIGKILL", "out_s": 3.25, "over": True,
    }  # fmt: skip


def test_a_process_that_ends_again_before_it_is_back_is_not_out_twice_at_a_time() -> None:
    outages = Outages({name: frozenset({name}) for name in ("container", "imu")})
    outages.ended("imu", "killed by SIGKILL", 2.0)
    for at_s in (0.0, 4.0, 8.0):
        outages.ended("container", "killed by SIGKILL", at_s)
        outages.restarted("container", at_s + 1.0)
    outages.look({"container": 18.0})
    assert [(r["process"], r["out_s"]) for r in outages.records(20.0)] == [
        ("imu", 18.0), ("container", 4.0), ("container", 4.0), ("container", 10.0),
    ]  # fmt: skip
    assert [record["out_s"] for record in outages.records(20.0, 6.0)] == [14.0, 0.0, 2.0, 10.0]


def test_states_are_told_where_there_was_more_than_one() -> None:
    assert "states:" not in short_summary(summary())
    states = {"seconds": {"WAKE": 20.0, "REST": 2.0}, "transitions": 1}
    said = short_summary(summary(states=states))
    assert "states: WAKE 20.0 s, REST 2.0 s; transitions: 1" in said


def test_an_outage_is_counted_within_the_time_that_the_run_tells() -> None:
    outages = Outages({"camera": frozenset({"camera"}), "imu": frozenset({"imu"})})
    outages.ended("camera", "killed by SIGKILL", 5.0)
    outages.ended("imu", "killed by SIGKILL", 6.0)
    outages.restarted("imu", 6.5)
    outages.look({"imu": 8.0})
    assert [record["out_s"] for record in outages.records(32.0, 10.0)] == [22.0, 0.0]
    assert [record["out_s"] for record in outages.records(32.0)] == [27.0, 2.0]


def test_a_node_is_gone_until_its_process_is_started_again() -> None:
    outages = Outages({"camera": frozenset({"camera"})})
    assert outages.gone() == frozenset()
    outages.ended("camera", "killed by SIGKILL", 5.0)
    assert outages.gone() == {"camera"}
    outages.restarted("camera", 6.5)
    assert outages.gone() == frozenset()


def test_a_process_is_told_as_ended_until_its_nodes_are_heard_again() -> None:
    outages = Outages({"camera": frozenset({"camera"})})
    assert outages.ended_now() == ()
    outages.ended("camera", "killed by SIGKILL", 10.0)
    words = "its process ended (killed by SIGKILL)"
    assert outages.ended_now() == (Ended("camera", words, ("camera",)),)
    outages.restarted("camera", 10.5)
    assert outages.ended_now()[0].message == f"{words}; started again, no status since"
    outages.look({"camera": 11.0})
    assert outages.ended_now() == ()


def summary(**changed: Any) -> dict[str, Any]:
    latest = latest_of(encoder(worker__encode__dropped=530), recording())
    return {
        "duration_s": 22.04, "counted": True, "frames": 554, "frames_dropped": 0, "experiences": 3,
        "frames_lost": {"not_encoded": 0, "not_announced": 0},
        "fused": {"n": 9, "mean": 0.2, "max": 0.7}, "pss_mb": 900.0,
        "latency_ms": {"camera_to_salience": {"p50": 20.0, "p99": 40.0}},
        "transport": latest.transports(), "dropped": latest.counters.dropped(),
        "outages": [], "health": {}, "callback_errors": {}, "causes": [],
        "refinements": {"recognise": 3}, "refinement_failures": {},
        "states": {"seconds": {"WAKE": 22.0}, "transitions": 0},
        "highlights": [], "backends": {"camera": "file:a.mp4"}, **changed,
    }  # fmt: skip


def test_the_text_says_what_was_synthetic() -> None:
    assert "synthetic" not in short_summary(summary())
    said = short_summary(summary(backends={"camera": "file:a.mp4", "imu": "synthetic"}))
    assert "synthetic, no sensors: imu" in said


def test_the_text_says_what_stood_out_and_why() -> None:
    bang = {"stamp_ns": 0, "total": 0.83, "alarms_per_hour": 9.0, "reason": "audio: a bang"}
    said = short_summary(summary(highlights=[bang]))
    assert "  0.83  audio: a bang (as rare as 9 false alarms an hour)" in said


def test_the_text_has_no_counts_that_nobody_made() -> None:
    said = short_summary(summary(counted=False)).splitlines()[0]
    assert said.startswith("22.04 s, 3 experiences announced, fused salience up to 0.7, memory 900")
    assert "554" not in said


def test_the_text_says_where_frames_were_dropped() -> None:
    assert "0 dropped, 3 experiences announced" in short_summary(summary())
    lost = {"not_encoded": 540, "not_announced": 11}
    said = short_summary(summary(frames_dropped=551, frames_lost=lost))
    assert (
        "551 dropped (540 seen but not encoded, most at vision_encoder, "
        "worker encode dropped: 530; 11 never announced)" in said
    )
    late = {LISTENER: {"/sage/vision/puzzle rejected": 600}}
    said = short_summary(summary(frames_dropped=551, frames_lost=lost, dropped=late))
    assert "most at sage_command_listener, /sage/vision/puzzle rejected: 600" in said


def test_the_text_has_no_figure_that_there_is_not() -> None:
    said = short_summary(summary(latency_ms={"camera_to_salience": {"p50": None, "p99": None}}))
    assert "camera to salience: no frame;" in said and "None" not in said


def test_the_text_says_outages_and_what_is_not_well() -> None:
    outage = {"process": "container", "cause": "killed by SIGKILL", "out_s": 6.53, "over": True}
    said = short_summary(summary(outages=[outage], health={"recording": "late: imu"}))
    assert "outage: container ended once (killed by SIGKILL) and was out for 6.5 s" in said
    assert said.endswith("recording: late: imu")
    twice = short_summary(summary(outages=[outage, {**outage, "over": False}]))
    assert "ended 2 times" in twice and "13.1 s of the run, and not back at the end" in twice
    several = [{**outage, "process": f"node{index}"} for index in range(5)]
    assert "outages of 2 more processes" in short_summary(summary(outages=several))


def test_a_memory_that_runs_is_no_error_of_a_callback(tmp_path: Path) -> None:
    host = LockstepHost(home=tmp_path)
    host.add(MemoryNode)
    host.run_for(3.0)
    sent = [item.message() for item in host.outputs if item.topic == "/diagnostics"]
    (told,) = sent[-1].status
    assert callback_errors([told]) == {} and any(v.key == "experiences" for v in told.values)
    host.close()


def test_a_plugin_whose_runs_fail_is_named_with_the_reason() -> None:
    assert "runs failed" not in short_summary(summary())
    failures = {"recognise": {"count": 2, "last": "step 0 failed: no model"}}
    said = short_summary(summary(refinement_failures=failures))
    assert said.endswith("plugin recognise: 2 of 5 runs failed: step 0 failed: no model")
