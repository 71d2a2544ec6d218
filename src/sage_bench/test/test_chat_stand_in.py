"""The stand-in for the server of a language model, which the bench asks."""

from __future__ import annotations

import time

from sage_bench.budget.chat_stand_in import Pace, stand_in
from sage_bench.budget.tokens import Purse
from sage_orchestrator.backends.chat_server import OpenAIServer
from sage_orchestrator.core.generation.language_model import LanguageModel
from sage_orchestrator.core.plugin import ChatMessage

ASK = [ChatMessage("user", "go on")]


def test_it_says_the_same_words_always_and_what_it_took_is_charged():
    charged: list[int] = []
    with stand_in(Pace(0.01, 0.0, 0.001, 0.1), seed=1) as served:
        model = LanguageModel(OpenAIServer(served.url, "stand-in"), charged.append)
        said = ["".join(model.generate(ASK, 9, Purse(1e9))) for _ in range(2)]
    assert said == [" the robot sees a red ball near it the"] * 2
    assert sum(charged) >= 1e9 * sum(served.busy_s) * 0.5


def test_it_notices_that_nobody_reads_any_more():
    with stand_in(Pace(0.0, 0.0, 0.001, 0.0), seed=1) as served:
        model = LanguageModel(OpenAIServer(served.url, "stand-in"), lambda ns: None)
        answer = model.generate(ASK, 100_000, Purse(1e9))
        next(answer)
        answer.close()
        while not served.left_s:
            time.sleep(0.001)
    assert not served.busy_s
