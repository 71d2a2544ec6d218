"""The mailboxes' bench: exchanges of each transport come to figures, and parts can be chosen."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ament_index_python.packages import PackageNotFoundError

from sage.graph.environment import DomainLease
from sage_bench.encoders.section import Setting
from sage_bench.mailbox import native, python_rows, rows
from sage_bench.mailbox.parts import PARTS
from sage_bench.mailbox.sizes import text_of
from sage_bench.mailbox.transports.exchange import Exchange, Found, measure, transports
from sage_bench.mailbox.transports.transport import Transport
from sage_bench.part_choice import CHOSEN, chosen_parts
from sage_common.core.errors import InvalidInput

pytest.importorskip("sage_cuda_mailbox._native", reason="sage_cuda_mailbox is not built here")

COUNT = 20
QUICK = Setting(Path(), Path(), quick=True)


@pytest.fixture
def domain_id() -> int:
    return DomainLease().domain_id


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(transports()))
@pytest.mark.parametrize("receivers", [0, 1])
def test_every_transport_hands_over(
    name: str, receivers: int, domain_id: int, tmp_path: Path
) -> None:
    what = Exchange(4096, COUNT, 0.01, receivers, busy_sender=False)
    found = measure(transports()[name], what, domain_id, tmp_path)
    assert 0 < len(found.latencies_us) <= COUNT
    assert found.lost == COUNT - len(found.latencies_us)
    assert min(found.latencies_us) > 0 and min(found.filling_us) > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n, one in transports().items() if one.can_sleep])
def test_sleeping_receivers_are_woken(name: str, domain_id: int, tmp_path: Path) -> None:
    what = Exchange(64, COUNT, 0.01, 2, polling=False, busy_sender=False)
    found = measure(transports()[name], what, domain_id, tmp_path)
    assert COUNT < len(found.latencies_us) + found.lost == 2 * COUNT


@pytest.mark.parametrize("lost", ["SAGE", rows.WORD])
def test_nothing_by_a_transport_that_rows_need_is_named(
    lost: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(transport: Transport, *_: object) -> Found:
        return Found(latencies_us=[] if transport.name == lost else [1.0])

    monkeypatch.setattr(python_rows, "measure", measured)
    with pytest.raises(RuntimeError, match=f"nothing came of 20 by {re.escape(lost)}"):
        python_rows.Stage(0, tmp_path).measure(Exchange(64, COUNT, 0.01))


def test_a_process_that_fails_says_why(domain_id: int, tmp_path: Path) -> None:
    what = Exchange(-1, COUNT, 0.01)
    with pytest.raises(RuntimeError, match=r"send SAGE failed: .*slot_bytes"):
        measure(transports()["SAGE"], what, domain_id, tmp_path)


@pytest.fixture
def program() -> Path:
    try:
        return native.program()
    except PackageNotFoundError as error:
        pytest.skip(f"the C++ program is not installed here: {error}")


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize("across_processes", [True, False])
@pytest.mark.parametrize("polling", [True, False])
def test_the_program_measures_mailbox_and_word(across_processes: bool, polling: bool) -> None:
    found = native.hand_over(
        native.NativeExchange(4096, 400, 500, 1, across_processes, polling, busy_writer=False)
    )
    for one in (found.tensor, found.queue, found.word):
        assert 0 < one["p50"] <= one["p90"] <= one["p99"] <= one["p999"]
        assert 0 < one["samples"] <= 400
        assert one["on_core_samples"] <= one["samples"]
        causes = [key for key in one if key.startswith("late_")]
        assert len(causes) == 6 and sum(one[key] for key in causes) == one["late"]


def test_the_tail_has_rows_of_its_causes_beside_the_controls() -> None:
    one = {"p50": 1.0, "p90": 1.0, "p95": 1.0, "p99": 900.0, "samples": 200.0, "late": 4.0}
    for cause, keys in rows.CAUSES.items():
        one.update(dict.fromkeys(keys, 1.0 if "off" in cause else 0.0))
    found = native.NativeFound(
        *({**one, "on_core_p50": p99 / 2, "on_core_p99": p99} for p99 in (3.0, 1.5, 1.0))
    )
    told = {row.name: row for row in rows._tail_rows("64 B", found)}
    off = told["64 B, late as a side was off its core"]
    assert (off.value, off.baselines) == (1.5, {rows.WORD: 1.5, rows.QUEUE: 1.5})
    kept = told["64 B, both sides on their cores, p99"]
    assert (kept.value, kept.baselines) == (3.0, {rows.WORD: 1.0, rows.QUEUE: 1.5})
    times = told["64 B, both sides on their cores, p99, times the shared word's"]
    assert (times.value, times.goal) == (3.0, 3.0)


def test_goals_are_times_the_shared_word_of_the_same_run() -> None:
    told = rows.times_rows("64 B", {"p50": 1.0, "p99": 8.0}, {"p50": 0.5, "p99": 2.0})
    assert {row.name: (row.value, row.goal) for row in told} == {
        "64 B, p50, times the shared word's": (2.0, 3.0),
        "64 B, p99, times the shared word's": (4.0, 3.0),
    }


@pytest.mark.usefixtures("program")
def test_rates_have_rows_with_goals() -> None:
    found = {row.name: row for row in rows.record_rows(QUICK).rows}
    assert found["records pushed and popped, one core"].goal == 5e6
    beside = [row for name, row in found.items() if "times the reference" in name]
    assert len(beside) == 4 and {row.goal for row in beside} == {10}


def test_the_cpu_of_frames_has_a_row_with_its_goal() -> None:
    row, *latencies = python_rows.frame_rows(QUICK).rows
    assert row.goal == 2.0 and row.value > 0 and "iceoryx2" in row.baselines
    assert all(one.goal is None for one in latencies)


def test_parts_are_chosen_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CHOSEN, raising=False)
    assert chosen_parts(PARTS) == dict(PARTS)
    monkeypatch.setenv(CHOSEN, "cpp,rates")
    assert list(chosen_parts(PARTS)) == ["cpp", "rates"]
    monkeypatch.setenv(CHOSEN, "cpp,none")
    with pytest.raises(InvalidInput, match=CHOSEN):
        chosen_parts(PARTS)


def test_sizes_are_written_with_their_unit() -> None:
    assert [text_of(size) for size in (64, 65536, 8 << 20)] == ["64 B", "64 kB", "8 MB"]


def test_frames_of_the_graph_are_handed_over_without_copies(tmp_path: Path) -> None:
    program = Path(__file__).with_name("staged_frames.py")
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    out = subprocess.check_output([sys.executable, program, tmp_path], env=variables, text=True)
    seen = json.loads(out.splitlines()[-1])
    assert seen["by copy"] == "0"
    assert seen["transport"] == "mailbox shm"
    assert seen["pss_mb"] > 20 and seen["cpu_percent"] >= 0
    assert seen["waited in vain"] == "not within 0.2 s: what never comes"


def test_a_receiver_that_lost_some_bears_that_the_sender_is_done(tmp_path: Path) -> None:
    transport = transports()["SAGE"]
    sender = transport.sender(f"bench_done_{tmp_path.name}", 64, polling=False)
    receiver = transport.receiver(f"bench_done_{tmp_path.name}", 64, polling=False)
    sender.wait_for(1)
    sender.fill(1)
    sender.commit(7)
    sender.close()
    arrival = receiver.poll()
    assert arrival is not None and arrival.stamp_ns == 7 and arrival.seen_ns > 7
    receiver.wait(1.0)
    assert receiver.poll() is None
    receiver.close()
