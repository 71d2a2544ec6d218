"""A process that leaks, takes too much, says too little, has no budget or ended is named."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from sage.soak.report import passed
from sage.soak.sample import Sample, sample_of
from sage.soak.samples_file import Look, ProcessLook
from sage.soak.verdict import Verdict, verdict_of

BUDGETS = {"memory": {"CPU": 10.0, "memory": 50.0, "messages": 20.0}}
WARM_UP_S = 600.0
Change = Callable[[float, ProcessLook], ProcessLook]


def looks(change: Change = lambda time_s, item: item, until_s: float = 4200.0) -> list[Look]:
    """A graph of one process that takes 10 % of a core and publishes 20 messages a second."""
    found = []
    for time_s in range(0, int(until_s), 10):
        sample = Sample(0.1 * time_s, 40.0, 50.0, 5, 9)
        item = change(float(time_s), ProcessLook("memory", 7, sample, 20 * time_s))
        found.append(Look(float(time_s), 0.5, 3.0, 4.0, 1000.0, {}, (item,)))
    return found


def sampled(**changes: Callable[[float], float]) -> Change:
    """A process whose sample has other values, each a function of time."""

    def change(time_s: float, item: ProcessLook) -> ProcessLook:
        values = {name: value(time_s) for name, value in changes.items()}
        return replace(item, sample=item.sample._replace(**values))

    return change


def verdict(found: list[Look]) -> Verdict:
    return verdict_of(found, BUDGETS, WARM_UP_S)


def test_a_graph_that_holds_its_budgets_and_does_not_grow_has_no_failure() -> None:
    found = verdict(looks())
    assert found.failures == ()
    assert found.seen_s == 3590.0
    taken = found.taken()["memory"]
    assert taken == pytest.approx({"CPU": 10.0, "memory": 50.0, "messages": 20.0})


def test_a_short_soak_does_not_say_that_it_passes() -> None:
    assert passed(verdict(looks())) == "passed: 1 h after the warm-up"
    words = passed(verdict(looks(until_s=630.0)))
    assert words.startswith("nothing failed in 20 s after the warm-up; too short to say")


def test_a_leak_is_caught_and_what_grew_in_the_warm_up_is_not() -> None:
    def leaking_mb(time_s: float) -> float:
        return 40.0 + min(time_s, WARM_UP_S) + 1.5 * time_s / 3600.0

    (failure,) = verdict(looks(sampled(anonymous_mb=leaking_mb))).failures
    assert failure.startswith("memory: anonymous memory growth 1.5 MB/h (1.50 to 1.50): expected")
    assert failure.endswith("at most 1")


LEAKING = """
import sys
held = []
for line in sys.stdin:
    held.append(bytearray(b"x" * (1 << 20)))
    print(len(held), flush=True)
"""


def test_a_process_that_leaks_on_purpose_is_caught() -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    seen = []
    with subprocess.Popen([sys.executable, "-S", "-c", LEAKING], **pipes) as process:
        assert process.stdin is not None and process.stdout is not None
        for minute in range(40):  # 60 MB/h
            process.stdin.write("\n")
            process.stdin.flush()
            process.stdout.readline()
            item = ProcessLook("memory", process.pid, sample_of(process.pid), 1200 * minute)
            seen.append(Look(60.0 * minute, 0.5, 3.0, 4.0, 1000.0, {}, (item,)))
    (failure,) = verdict_of(seen, BUDGETS, 0.0).failures
    assert failure.startswith("memory: anonymous memory growth 6")


def test_growth_that_may_be_chance_is_unclear_and_no_failure() -> None:
    def given_back_mb(time_s: float) -> float:
        return 40.0 + 10.0 * (time_s % 900.0) / 900.0 + 3.0 * time_s / 3600.0

    found = verdict(looks(sampled(anonymous_mb=given_back_mb)))
    assert found.failures == ()
    (unclear,) = found.unclear
    assert unclear.startswith("memory: anonymous memory growth")


@pytest.mark.parametrize("field", ["threads", "descriptors"])
def test_a_leak_of_threads_or_descriptors_is_caught(field: str) -> None:
    (failure,) = verdict(looks(sampled(**{field: lambda time_s: 5 + time_s // 900}))).failures
    assert failure.startswith(f"memory: {field} growth 4")


def test_in_a_short_soak_one_step_is_no_leak_but_a_steady_one_is() -> None:
    step = looks(sampled(anonymous_mb=lambda time_s: 40.0 + 1.0 * (time_s >= 750.0)), 900.0)
    assert verdict(step).failures == ()
    leak = looks(sampled(anonymous_mb=lambda time_s: 40.0 + 0.01 * time_s), 900.0)
    (failure,) = verdict(leak).failures
    assert failure.startswith("memory: anonymous memory growth 36 MB/h")


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        (sampled(cpu_s=lambda t: 0.19 * t), "memory: CPU 19 % of a core: expected at most 18"),
        (sampled(pss_mb=lambda t: 91.0), "memory: memory 91 MB: expected at most 90"),
        (
            lambda t, item: replace(item, messages=round(15.9 * t)),
            "memory: messages 15.9 1/s: expected at least 16",
        ),
    ],
)
def test_who_is_over_its_budget_or_misses_messages_is_named(change: Change, failure: str) -> None:
    assert verdict(looks(change)).failures == (failure,)


def test_a_robot_that_rests_may_publish_less() -> None:
    resting = [
        replace(look, awake=False, processes=(replace(look.processes[0], messages=40_000),))
        if look.time_s >= 2000.0
        else look
        for look in looks()
    ]
    assert verdict(resting).failures == ()
    never = verdict([replace(look, awake=False) for look in looks()])
    assert never.failures == () and "messages" not in never.taken()["memory"]


def test_a_small_budget_is_held_to_five_more() -> None:
    small = {"memory": {"CPU": 5.0, "memory": 50.0, "messages": 20.0}}
    assert verdict_of(looks(), small, WARM_UP_S).failures == ()


def test_one_without_a_budget_is_named() -> None:
    assert verdict_of(looks(), {}, WARM_UP_S).failures == (
        "memory: no budget of CPU, memory, messages",
    )
    part = {"memory": {"CPU": 10.0}}
    assert verdict_of(looks(), part, WARM_UP_S).failures == (
        "memory: no budget of memory, messages",
    )


def test_a_child_that_has_its_own_name_later_does_not_hide_a_new_start() -> None:
    def renamed(time_s: float, item: ProcessLook) -> ProcessLook:
        return replace(item, pid=7 if time_s < 1000.0 else 8)

    found = looks(renamed)
    for index, name in ((100, "memory"), (101, "text")):
        look = found[index]
        child = replace(look.processes[0], name=name, pid=9)
        found[index] = replace(look, processes=(*look.processes, child))
    assert "memory: started again once" in verdict(found).failures


def test_one_that_was_started_again_is_named_and_its_messages_count_on() -> None:
    def change(time_s: float, item: ProcessLook) -> ProcessLook:
        if time_s < 2000.0:
            return item
        sample = item.sample._replace(cpu_s=item.sample.cpu_s - 200.0)
        return replace(item, pid=8, messages=item.messages - 40_000, sample=sample)

    found = verdict(looks(change))
    assert found.failures == ("memory: started again once",)
    assert found.taken()["memory"]["messages"] == pytest.approx(20.0, rel=0.01)


def test_one_that_is_not_back_at_the_end_is_named() -> None:
    found = looks()
    ended = [look if look.time_s < 4000.0 else replace(look, processes=()) for look in found]
    failures = verdict(ended).failures
    assert "memory: had ended, and was not back at the end" in failures


def test_two_of_one_name_at_a_time_are_no_restart() -> None:
    both = [
        replace(look, processes=(*look.processes, replace(look.processes[0], pid=8)))
        for look in looks()
    ]
    assert not any("again" in failure for failure in verdict(both).failures)


def test_what_was_dropped_after_the_warm_up_is_named_by_its_place() -> None:
    found = [
        replace(look, dropped={"fusion: late": 3 if look.time_s < 2000.0 else 5, "memory: b": 2})
        for look in looks()
    ]
    assert verdict(found).failures == ("host: fusion: late 2 messages: expected at most 0",)


def test_shared_memory_of_the_graph_must_be_flat_and_that_of_others_is_shown() -> None:
    grown = [
        replace(
            look,
            graph_shared_mb=3.0 + 2.0 * look.time_s / 3600.0,
            host_shared_mb=9.0 * look.time_s / 3600.0,
        )
        for look in looks()
    ]
    found = verdict(grown)
    (failure,) = found.failures
    assert failure.startswith("host: /dev/shm of the graph growth 2 MB/h")
    (shown,) = [check for check in found.checks if check.what == "/dev/shm growth"]
    assert shown.value == pytest.approx(9.0) and shown.limit is None


def test_nothing_is_judged_of_a_soak_that_ended_in_its_warm_up() -> None:
    failures = verdict(looks(until_s=610.0)).failures
    assert failures == ("1 looks after the warm-up of 600 s: expected at least 2",)
