"""Back-off, quarantine and its end, over any sequence of ends, by a clock of the test's."""

from __future__ import annotations

import math
import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sage.run.restart_policy import RestartLimits, RestartPolicy

LIMITS = RestartLimits()
GAPS_S = st.lists(st.floats(0.0, 2000.0), min_size=1, max_size=40)


def policy(limits: RestartLimits = LIMITS, seed: int = 1) -> RestartPolicy:
    return RestartPolicy(limits, random.Random(seed))


def test_delays_double_up_to_the_longest() -> None:
    made = policy(RestartLimits(jitter=0.0, most_ends=100))
    delays_s = [made.ended(60.0 * number) for number in range(9)]
    assert delays_s == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_a_crash_loop_is_quarantined_in_words_until_it_is_released() -> None:
    made = policy()
    delays_s = [made.ended(float(number)) for number in range(LIMITS.most_ends)]
    assert [math.isinf(delay_s) for delay_s in delays_s] == [False] * 4 + [True]
    assert made.quarantined == "quarantined: it ended 5 times in 4 s"
    made.release()
    assert not made.quarantined
    assert made.ended(5.0) <= LIMITS.first_s * (1.0 + LIMITS.jitter)


def test_ten_clean_minutes_begin_it_anew() -> None:
    made = policy(RestartLimits(jitter=0.0))
    assert [made.ended(t) for t in (0.0, 1.0, 2.0)] == [0.5, 1.0, 2.0]
    assert made.ended(2.0 + LIMITS.clean_s) == 0.5
    assert made.ended(2.0 + 2.0 * LIMITS.clean_s - 1.0) == 1.0


def test_what_ended_together_does_not_start_together_and_a_seed_repeats_it() -> None:
    assert policy(seed=1).ended(0.0) != policy(seed=2).ended(0.0)
    assert policy(seed=1).ended(0.0) == policy(seed=1).ended(0.0)


@given(GAPS_S)
def test_whatever_happens_delays_are_in_their_range_and_no_window_has_too_many(
    gaps_s: list[float],
) -> None:
    made, now_s, ends_s = policy(), 0.0, []
    for gap_s in gaps_s:
        now_s += gap_s
        delay_s = made.ended(now_s)
        ends_s.append(now_s)
        if math.isinf(delay_s):
            break
        now_s += delay_s
        assert LIMITS.first_s * (1 - LIMITS.jitter) <= delay_s
        assert delay_s <= LIMITS.longest_s * (1 + LIMITS.jitter)
    newest = ends_s[-LIMITS.most_ends :]
    loops = len(newest) == LIMITS.most_ends and newest[-1] - newest[0] <= LIMITS.window_s
    clean = any(b - a >= LIMITS.clean_s for a, b in pairwise(newest))
    assert bool(made.quarantined) is (loops and not clean)
    started = ends_s[:-1] if made.quarantined else ends_s
    for index in range(len(started) - LIMITS.most_ends + 1):
        chunk = started[index : index + LIMITS.most_ends]
        assert chunk[-1] - chunk[0] > LIMITS.window_s
