"""Tokens of a language model: what an answer will cost, what is charged, how soon it stops."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np

from sage_bench.budget.chat_stand_in import Pace, StandIn, stand_in
from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import Row, row_of_samples
from sage_orchestrator.backends.chat_server import OpenAIServer
from sage_orchestrator.core.generation.language_model import LanguageModel, TooDear
from sage_orchestrator.core.plugin import ChatMessage

SEED = 15
ESTIMATED = Pace(base_s=0.020, character_s=0.000_04, token_s=0.004, spread=0.10)
CANCELLED = Pace(base_s=0.010, character_s=0.0, token_s=0.025, spread=0.0)
LEARNED, ANSWERS, ANSWERS_QUICK = 8, 120, 30
CANCELS, CANCELS_QUICK = 60, 12
RICH_ATP = 1e9
GOAL_ERROR, GOAL_CANCEL_MS = 0.25, 50.0


class Purse:
    """The budget of a run that has so much, and may be cancelled."""

    def __init__(self, atp: float) -> None:
        self.remaining_atp = self.affordable_atp = atp
        self.spent_atp = 0.0
        self.cancelled = False


def rows(setting: Setting) -> Figures:
    """Against a stand-in server, whose paces are known."""
    answers = ANSWERS_QUICK if setting.quick else ANSWERS
    with stand_in(ESTIMATED, SEED) as served:
        found = list(_estimates(served, answers))
        refused = _sent_too_dear(served)
    with stand_in(CANCELLED, SEED) as served:
        late_ms = [
            _cancel_ms(served, n) for n in range(CANCELS_QUICK if setting.quick else CANCELS)
        ]
    return Figures(
        (
            *found,
            Row("of seven calls that cannot be paid, sent all the same", refused, "", 0.0),
            row_of_samples(
                f"a cancel to the server's stop, tokens of {CANCELLED.token_s * 1e3:g} ms, p99",
                late_ms, "ms", goal=CANCELLED.token_s * 1e3 + GOAL_CANCEL_MS, rank=99,
            ),
        ),
        ("tokens: the server is a stand-in of ours with known paces and no model",),
    )  # fmt: skip


def _estimates(served: StandIn, answers: int) -> Iterator[Row]:
    random = np.random.default_rng(SEED)
    charged: list[int] = []
    model = LanguageModel(OpenAIServer(served.url, "stand-in"), charged.append)
    errors, first_errors, unpaid = [], [], []
    first_token_ns = 0.0
    for number in range(answers):
        characters, tokens = int(random.integers(20, 4000)), int(random.integers(8, 64))
        estimate_ns = model.estimate_ns(characters, tokens)
        charged.clear()
        list(model.generate([ChatMessage("user", "x" * characters)], tokens, Purse(RICH_ATP)))
        cost_ns = sum(charged)
        if number == 0:
            first_token_ns = cost_ns / tokens
        if estimate_ns is not None and number >= LEARNED:
            errors.append(abs(estimate_ns - cost_ns) / cost_ns)
            first_errors.append(abs(first_token_ns * tokens - cost_ns) / cost_ns)
            unpaid.append(abs(cost_ns / 1e9 - served.busy_s[-1]) / served.busy_s[-1])
    yield row_of_samples(
        "error of the estimate of a whole answer, p90", errors, "", goal=GOAL_ERROR, rank=90,
        baselines={"tokens at the first answer's price": float(np.percentile(first_errors, 90))},
    )  # fmt: skip
    yield row_of_samples(
        "charged beside the time the server took, off by, p99", unpaid, "", rank=99
    )


def _sent_too_dear(served: StandIn) -> int:
    """Of seven calls with an empty purse, those that reach the server."""
    model = LanguageModel(OpenAIServer(served.url, "stand-in"), lambda ns: None)
    ask = [ChatMessage("user", "what is this?")]
    list(model.generate(ask, 8, Purse(1e6)))
    before = len(served.busy_s)
    for _ in range(7):
        try:
            list(model.generate(ask, 64, Purse(1.0)))
        except TooDear:
            continue
    return len(served.busy_s) - before


def _cancel_ms(served: StandIn, number: int) -> float:
    """How long after a cancel the server notices that nobody reads."""
    model = LanguageModel(OpenAIServer(served.url, "stand-in"), lambda ns: None)
    purse, cancelled_s = Purse(RICH_ATP), [0.0]

    def cancel() -> None:
        purse.cancelled = True
        cancelled_s[0] = time.monotonic()

    # Spread over the time between two tokens.
    delay_s = CANCELLED.base_s + CANCELLED.token_s * (2.0 + number * 0.618 % 1.0)
    timer = threading.Timer(delay_s, cancel)
    timer.start()
    before = len(served.left_s)
    list(model.generate([ChatMessage("user", "go on")], 1000, purse))
    timer.join()
    while len(served.left_s) == before:
        time.sleep(0.001)
    return (served.left_s[-1] - cancelled_s[0]) * 1e3
