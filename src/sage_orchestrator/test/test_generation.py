"""Tokens of a language model: metered, cancelled, too dear, and every fault in words."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from sage_common.core.errors import InvalidInput
from sage_common.core.shared_work.thread_work import ThreadWork
from sage_orchestrator.backends.chat_server import OpenAIServer, read_token
from sage_orchestrator.core.budget.meter import MeasuredMeter
from sage_orchestrator.core.generation.language_model import Generation, LanguageModel, TooDear
from sage_orchestrator.core.generation.price import GenerationPrice
from sage_orchestrator.core.generation.stream import GenerationError, Piece
from sage_orchestrator.core.plugin import ChatMessage, Plugin, PluginParameters, Task, TriggerRule
from sage_orchestrator.core.scheduling.job import Job
from sage_orchestrator.nodes.capabilities import language_model
from sage_orchestrator.params import OrchestratorParameters

MS = 1_000_000
ASK = [ChatMessage("user", "what is this?")]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


class FixedBudget:
    """Of a run."""

    def __init__(self, atp: float = 1e6) -> None:
        self.remaining_atp = self.affordable_atp = atp
        self.spent_atp = 0.0
        self.cancelled = False


class FakeStream:
    """A stream whose pieces come at given times; what is an error is raised."""

    def __init__(self, *found: tuple[str, int] | Exception | None) -> None:
        self.began_ns = 0
        self.closed = 0
        self._found = list(found)

    def next(self, timeout_s: float) -> Piece | None:
        if not self._found:
            raise TimeoutError
        found = self._found.pop(0)
        if isinstance(found, Exception):
            raise found
        return None if found is None else Piece(found[0], found[1] * MS)

    def close(self) -> None:
        self.closed += 1


class Server:
    """Gives out one stream, and remembers what it was asked."""

    def __init__(self, *streams: FakeStream) -> None:
        self.streams, self.asked = list(streams), []

    def open(self, messages, max_tokens):
        self.asked.append((list(messages), max_tokens))
        return self.streams.pop(0)


def generation(stream: FakeStream, budget: FixedBudget | None = None):
    charged: list[int] = []
    learned: list[tuple[int, int, int]] = []
    made = Generation(
        stream, budget or FixedBudget(), charged.append, lambda *seen: learned.append(seen)
    )
    return made, charged, learned


def test_every_piece_is_charged_with_its_time():
    stream = FakeStream(("a", 30), (" red", 40), (" ball", 55), None)
    answer, charged, learned = generation(stream)
    assert next(answer) == "a" and charged == [30 * MS]
    assert list(answer) == [" red", " ball"]
    assert charged == [30 * MS, 10 * MS, 15 * MS]
    assert learned == [(30 * MS, 2, 25 * MS)] and answer.tokens == 3 and stream.closed == 1


def test_what_came_unread_is_paid_at_the_end():
    stream = FakeStream(("a", 30), ("b", 40), ("c", 50))
    answer, charged, _ = generation(stream)
    next(answer)
    answer.close()
    answer.close()
    assert sum(charged) == 50 * MS and stream.closed == 1
    assert list(answer) == []


def test_a_run_that_drops_its_answer_closes_it():
    stream = FakeStream(("a", 30), ("b", 40))
    answer, _, _ = generation(stream)
    next(answer)
    del answer
    assert stream.closed == 1


def test_a_cancelled_run_ends_its_answer():
    stream, budget = FakeStream(("a", 30), TimeoutError(), ("b", 40)), FixedBudget()
    answer, charged, _ = generation(stream, budget)
    next(answer)
    budget.cancelled = True
    assert list(answer) == [] and stream.closed == 1
    assert sum(charged) == 30 * MS


def test_a_fault_in_the_middle_is_raised_and_what_came_is_paid():
    stream = FakeStream(("a", 30), GenerationError("cut"))
    answer, charged, learned = generation(stream)
    next(answer)
    with pytest.raises(GenerationError, match=r"cut"):
        next(answer)
    assert charged == [30 * MS] and learned == [(30 * MS, 0, 0)] and stream.closed == 1


def test_a_call_that_is_too_dear_is_not_sent():
    server = Server(FakeStream(("a", 100), *((f"{n}", 100 + 10 * n) for n in range(1, 11)), None))
    model = LanguageModel(server, lambda ns: None)
    list(model.generate(ASK, 11, FixedBudget(1.0)))  # nothing is known: it is tried
    with pytest.raises(TooDear) as refused:
        model.generate(ASK, 256, FixedBudget(900.0))
    assert str(refused.value) == (
        "256 tokens after 13 characters would cost about 26,500 ATP, and 900 are left: "
        "the language model was not asked"
    )
    assert len(server.asked) == 1


def test_a_dear_call_is_tried_at_times_in_case_the_price_has_fallen():
    price = GenerationPrice()
    price.learn(10, 100 * MS, 10, 100 * MS)
    assert [price.is_refused(200, 100) for _ in range(16)] == ([True] * 7 + [False]) * 2
    assert not price.is_refused(100, 100)


def test_the_price_follows_prompts_and_tokens():
    price = GenerationPrice()
    assert price.estimate_ns(1000, 64) is None
    for characters in (100, 400, 1600, 200, 900):
        price.learn(characters, (50 + characters // 10) * MS, 20, 20 * 25 * MS)
    assert price.estimate_ns(1000, 65) == pytest.approx((150 + 64 * 25) * MS, rel=1e-6)
    for _ in range(30):  # the board is throttled
        price.learn(500, 200 * MS, 20, 20 * 50 * MS)
    assert price.token_ns == pytest.approx(50 * MS, rel=0.05)


@pytest.mark.parametrize(
    ("messages", "max_tokens", "field"),
    [([], 8, "messages"), ([ChatMessage("user", "")], 8, "messages"),
     ([ChatMessage("robot", "hi")], 8, "role"), (ASK, 0, "max_tokens"),
     (ASK, 10**6, "max_tokens"), ([ChatMessage("user", "x" * 1_000_001)], 8, "messages")],
)  # fmt: skip
def test_a_wrong_question_is_refused_by_name(messages, max_tokens, field):
    with pytest.raises(InvalidInput, match=rf"^{field} = "):
        LanguageModel(Server(), lambda ns: None).generate(messages, max_tokens, FixedBudget())


# The client, beside a socket that sends what a test says.


def event(text: str) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": {"content": text}}]}).encode() + b"\n\n"


@contextmanager
def serving(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server of one connection; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            with listening.accept()[0] as connection:
                request = b""
                while b'"stream": true' not in request:
                    request += connection.recv(65_536)
                serve(connection)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


def answers(url: str, max_tokens: int = 8, stall_s: float = 60.0) -> list[str]:
    model = LanguageModel(OpenAIServer(url, "toy", stall_s=stall_s), lambda ns: None)
    return list(model.generate(ASK, max_tokens, FixedBudget()))


def test_the_text_of_a_stream_is_read():
    role = b'data: {"choices": [{"delta": {"role": "assistant", "content": null}}]}\n\n'
    usage = b'data: {"choices": [], "usage": {"completion_tokens": 2}}\n\n'
    body = OK + b": ping\n\n" + role + event("a") + event(" ball") + usage + b"data: [DONE]\n\n"
    with serving(lambda connection: connection.sendall(body)) as url:
        assert answers(url) == ["a", " ball"]


def test_chunks_may_lie_across_events():
    body = event("a") + event(" ball") + b"data: [DONE]\n\n"
    head = OK.replace(b"Connection: close", b"Transfer-Encoding: chunked")
    chunks = [body[at : at + 7] for at in range(0, len(body), 7)]
    sent = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    with serving(lambda connection: connection.sendall(head + sent)) as url:
        assert answers(url) == ["a", " ball"]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 9\r\n\r\nno memory", "answers 500: no memory"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>", "got text/html"),
        (b"\x00\x01garbage\r\n\r\n", "no answer in HTTP"),
        (b"", "no answer in HTTP: RemoteDisconnected"),
        (OK + event("a"), "the answer is cut off in the middle"),
        (OK + b"data: {nonsense\n\n", "expected JSON in an event"),
        (OK + b'data: {"choices": 5}\n\n', "expected choices in an event"),
        (OK + b'data: {"choices": [{"delta": {"content": 5}}]}\n\n', "expected text in an event"),
        (OK + b'data: {"error": {"message": "full"}}\n\n', "the server failed: .*full"),
        (OK + b"data: " + b"x" * 70_000 + b"\n\n", "longer than 65,536 bytes"),
        (OK + 100 * event("a"), "does not end: 16 pieces came, of 8 tokens asked for"),
    ],
)
def test_what_a_server_does_wrong_is_said(sent, words):
    with (
        serving(lambda connection: connection.sendall(sent)) as url,
        pytest.raises(GenerationError, match=words),
    ):
        answers(url)


def test_no_server_is_said():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(GenerationError, match=rf"no server at 127.0.0.1:{port}"):
        answers(f"http://127.0.0.1:{port}")


def test_a_server_that_stalls_is_said():
    ended = threading.Event()

    def stall(connection: socket.socket) -> None:
        connection.sendall(OK + event("a"))
        ended.wait(60)

    with serving(stall) as url:
        with pytest.raises(GenerationError, match=r"nothing came from the server for 0.2 s"):
            answers(url, stall_s=0.2)
        ended.set()


def test_the_server_of_a_cancelled_run_sees_the_connection_close():
    budget, closed = FixedBudget(), threading.Event()

    def endless(connection: socket.socket) -> None:
        connection.sendall(OK + event("a"))
        budget.cancelled = True
        connection.settimeout(60)
        if connection.recv(1) == b"":
            closed.set()

    with serving(endless) as url:
        model = LanguageModel(OpenAIServer(url, "toy"), lambda ns: None)
        assert len(list(model.generate(ASK, 8, budget))) <= 1
    assert closed.is_set()


@pytest.mark.parametrize(
    ("url", "token"),
    [("ftp://127.0.0.1", ""), ("127.0.0.1:80", ""), ("http://robot.example:80", ""),
     ("http://robot.example:80", "secret"), ("http://192.0.2.7", ""), ("http:///v1", "")],
)  # fmt: skip
def test_only_this_host_is_asked_without_a_token(url, token):
    with pytest.raises(InvalidInput, match=r"^model_url = "):
        OpenAIServer(url, "toy", token)


def test_a_token_is_read_from_a_file_of_its_own(tmp_path):
    path = tmp_path / "token"
    assert read_token("") == ""
    path.write_text("secret\n")
    path.chmod(0o644)
    with pytest.raises(InvalidInput, match=r"only its owner may read"):
        read_token(str(path))
    path.chmod(0o600)
    assert read_token(str(path)) == "secret"
    OpenAIServer("https://robot.example", "toy", read_token(str(path)))
    path.write_text("\n")
    with pytest.raises(InvalidInput, match=r"^model_token_file = "):
        read_token(str(path))
    with pytest.raises(InvalidInput, match=r"^model_token_file = "):
        read_token(str(tmp_path / "none"))


def test_the_parameters_name_the_server():
    assert language_model(OrchestratorParameters()) is None
    assert language_model(OrchestratorParameters(model_url="http://[::1]:8080/v1")) is not None
    with pytest.raises(InvalidInput, match=r"^model_url = "):
        language_model(OrchestratorParameters(model_url="http://robot.example:8080"))


# In a run.


class Talking(Plugin[list[str]]):
    """Says what the model says; a step a token."""

    nominal_step_ns = 1
    name, parameters = "talking", PluginParameters()
    triggers = (TriggerRule("percept", ("language",)),)

    def __init__(self, model: LanguageModel) -> None:
        self._model = model

    def init_state(self, task, budget):
        self._answer = self._model.generate(ASK, 4, budget)
        return self.step([])

    def step(self, state):
        return [*state, *itertools.islice(self._answer, 1)]

    def energy(self, state):
        return 1.0 / (1 + len(state))

    def halt(self, history):
        return "said all" if history.steps >= 2 else ""

    def result(self, state):
        self._answer.close()
        return {"summary": "".join(state)}


def test_a_run_pays_for_its_tokens_and_no_other(make_threaded):
    work = ThreadWork(lambda: 0)
    bench = make_threaded(MeasuredMeter(lambda: 0, work.now_ns))
    stream = FakeStream(("it", 20), (" is", 25), (" red", 32), (" or", 33))
    bench.add(Talking(LanguageModel(Server(stream), work.receive)))
    job = Job(Task(1, "vision", "front", 1.0), limit_ns=500 * MS, timeout_ns=10**9)
    bench.orchestrator.submit("talking", job)
    bench.cycle()
    result = job.wait(60)
    assert result is not None and result.output == {"summary": "it is red"}
    assert job.run is not None and job.run.spent_ns == 33 * MS and stream.closed == 1


def test_a_run_whose_server_fails_fails_in_words(make_threaded):
    work = ThreadWork(lambda: 0)
    bench = make_threaded(MeasuredMeter(lambda: 0, work.now_ns))
    stream = FakeStream(("it", 20), GenerationError("the answer is cut off in the middle"))
    bench.add(Talking(LanguageModel(Server(stream), work.receive)))
    job = Job(Task(1, "vision", "front", 1.0), limit_ns=500 * MS, timeout_ns=10**9)
    bench.orchestrator.submit("talking", job)
    bench.cycle()
    result = job.wait(60)
    assert result is not None and result.state.failed
    assert result.reason == "GenerationError: the answer is cut off in the middle"
    assert job.run is not None and job.run.spent_ns == 20 * MS and stream.closed == 1


def test_a_run_that_cannot_pay_is_no_failure(make_threaded):
    model = LanguageModel(Server(FakeStream(("a", 400), None)), lambda ns: None)
    list(model.generate(ASK, 4, FixedBudget()))
    bench = make_threaded(MeasuredMeter(lambda: 0, lambda: 0))
    bench.add(Talking(model))
    job = Job(Task(1, "vision", "front", 1.0), limit_ns=100 * MS, timeout_ns=10**9)
    bench.orchestrator.submit("talking", job)
    bench.cycle()
    result = job.wait(60)
    assert result is not None and not result.state.failed
    assert result.reason.startswith("4 tokens after 13 characters would cost about 4,000 ATP")
