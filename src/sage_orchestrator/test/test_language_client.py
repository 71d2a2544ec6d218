"""Texts that wait for the language encoder go in one request."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from sage_common.core.shared_work import batches
from sage_msgs.srv import Embed
from sage_orchestrator.nodes.clients.language_client import LanguageClient

WAIT_S = 60.0


class Service:
    """Embeds by the length of a text; the first request waits until it is told to end."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.began, self.may_end = threading.Event(), threading.Event()

    def call(self, request: Embed.Request, timeout_s: float) -> Embed.Response:
        texts = list(request.texts) or [request.text]
        self.asked.append(texts)
        if not self.began.is_set():
            self.began.set()
            assert self.may_end.wait(WAIT_S)
        response = Embed.Response(success=True, encoder_id="words-1")
        if "?" in texts and not request.texts:
            return Embed.Response(message="text = '?': expected words")
        response.refused = ["text = '?': expected words" if t == "?" else "" for t in texts]
        response.embedding = [float(v) for text in texts for v in (len(text), 1)]
        return response


@pytest.fixture(autouse=True)
def patient(monkeypatch) -> None:
    """On a slow machine others may be at work for long."""
    monkeypatch.setattr(batches, "PATIENCE_S", WAIT_S)


def test_texts_that_wait_go_in_one_request_and_a_wrong_one_fails_alone():
    service = Service()
    client = LanguageClient(service)
    found: dict[str, object] = {}

    def ask(text: str) -> None:
        try:
            found[text] = client.embed(text)
        except RuntimeError as error:
            found[text] = str(error)

    threads = [threading.Thread(target=ask, args=(text,)) for text in ("one", "three", "?", "a")]
    threads[0].start()
    assert service.began.wait(WAIT_S)
    for count, thread in enumerate(threads[1:], start=1):
        thread.start()
        while sum(map(len, client._batches._waiting.values())) < count:
            threading.Event().wait(0.001)
    service.may_end.set()
    for thread in threads:
        thread.join(WAIT_S)
    assert service.asked == [["one"], ["three", "?", "a"]]
    assert found["?"] == "language/embed: text = '?': expected words"
    for text in ("one", "three", "a"):
        np.testing.assert_array_equal(found[text].embedding, [len(text), 1])
        assert found[text].encoder_id == "words-1"


def test_a_lone_text_is_asked_as_before():
    service = Service()
    service.may_end.set()
    with pytest.raises(RuntimeError, match="expected words"):
        LanguageClient(service).embed("?")
    assert service.asked == [["?"]]
