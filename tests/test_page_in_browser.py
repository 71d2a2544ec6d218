"""The gateway's page in a headless Chromium: every control works, without an error."""

from __future__ import annotations

import dataclasses
import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import stand_in
from PIL import Image

from sage_bench.operate import browser
from sage_gateway.backends.listening import listen
from sage_gateway.backends.site import Site
from sage_gateway.core.contract import answers, events, requests

REASON = 'audio: novelty 0.97, nearest seen 41 s ago; "<img src=x onerror=alert(1)>"'
PLUGINS = (("look", True), ("read", False))
program = browser.chromium()
pytestmark = pytest.mark.skipif(program is None, reason="no Chromium is installed")


class Graph(stand_in.StandIn):
    """A stand-in in which a moment stood out, and was kept with a picture and a sound."""

    def __init__(self, allow_actions: bool) -> None:
        super().__init__()
        self._allow_actions = allow_actions

    def hello(self, viewers: int) -> events.Hello:
        return dataclasses.replace(
            super().hello(viewers), time_s=time.time(), allow_actions=self._allow_actions,
            camera="front", modalities=("vision", "audio"),
        )  # fmt: skip

    def history(self) -> answers.History:
        now_s = time.time()
        quiet = stand_in.example(events.HistoryPoint)
        points = [
            dataclasses.replace(
                quiet, time_s=now_s - age_s, stamp_s=now_s - age_s, reason=REASON,
                total=0.9 if age_s == 30 else 0.05,
            )
            for age_s in range(60, 0, -1)
        ]  # fmt: skip
        return answers.History(1.0, tuple(points))

    def learning(self) -> answers.Learning:
        return answers.Learning(
            hours=tuple(learned(3600.0 * hour, hour) for hour in range(-30, 1) if (hour + 5) % 9),
            days=(learned(0.0, 0),),
        )

    def cycle(self) -> answers.Cycle:
        parts = (
            answers.CyclePart("encode vision", 4.0, 0.8, 3.9, 8.0),
            answers.CyclePart("hand over", 1.0, 0.2, None, None),
        )
        way = answers.CycleWay(5.0, 4.5, 9.0, parts, "encode vision takes 80% of it")
        return answers.Cycle("vision", way, None)

    def experiences(self) -> answers.Experiences:
        return answers.Experiences((kept("0"), kept("1")))

    def recall(self, ask: requests.Ask) -> answers.Recalled:
        found = dataclasses.replace(super().recall(ask), results=())
        remembered = answers.Remembered(kept("2"), 0.4, "its words are near")
        return dataclasses.replace(found, results=(remembered,), notes=("kept in memory: 27",))

    def explain(self, moment: requests.Moment) -> answers.Explained:
        one = stand_in.example(answers.Explained)
        return dataclasses.replace(one, salience=salience())

    def plugins(self) -> answers.Plugins:
        one = stand_in.example(answers.Plugin)
        return answers.Plugins(
            tuple(
                dataclasses.replace(one, name=name, loaded=loaded, problem="")
                for name, loaded in PLUGINS
            )
        )

    def camera_picture(self) -> bytes | None:
        return picture("JPEG")

    def payload_picture(self, sha256: str) -> bytes | None:
        return picture("WEBP")

    def refinement(self, wanted: requests.Refine) -> Any:
        self.done.append(("refine", wanted.plugin))
        return super().refinement(wanted)

    def sleep(self, wanted: requests.Sleep) -> Any:
        self.done.append(("sleep", wanted.dry_run))
        return super().sleep(wanted)


def learned(offset_s: float, hour: int) -> answers.LearningPeriod:
    """An hour in which plugins needed fewer steps than in those before."""
    return answers.LearningPeriod(
        start_s=time.time() // 3600 * 3600 + offset_s,
        trust={"look": 0.5 - 0.01 * hour, "recall": 0.4 + 0.005 * hour},
        runs={"look": 40},
        steps={"look": 3.0 - 0.08 * hour},
        weights={"vision": 0.6, "audio": 0.4},
        outcomes=2,
        good=1,
        bad=1,
        reward=0.3,
    )


def kept(number: str) -> events.KeptExperience:
    """An experience whose payload is a sound."""
    payload = events.Payload(
        stand_in.KNOWN, "audio/flac", f"/api/payloads/{stand_in.KNOWN}",
        f"/api/payloads/{stand_in.KNOWN}/picture",
    )  # fmt: skip
    one = stand_in.example(events.KeptExperience)
    return dataclasses.replace(
        one, id=number, stamp_s=time.time(), modality="audio", payload=payload, pinned=False
    )


def picture(kind: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (64, 36), "teal").save(made, kind)
    return made.getvalue()


@dataclasses.dataclass
class Shown:
    """The page, open in a browser, and the graph behind it."""

    page: browser.Page
    graph: Graph
    site: Site
    address: str

    def did(self, name: str) -> list[Any]:
        return [what for asked, what in self.graph.done if asked == name]

    def wait_until_done(self, name: str) -> Any:
        """What the graph was asked to do last, once it was."""
        end = time.monotonic() + browser.PATIENCE_S
        while not self.did(name):
            assert time.monotonic() < end, f"never asked to {name}"
            self.page.watch(0.05)
        return self.did(name)[-1]


@pytest.fixture(scope="module")
def page() -> Iterator[browser.Page]:
    with browser.opened(str(program)) as opened:
        yield opened


@pytest.fixture(scope="module")
def shown(page: browser.Page) -> Iterator[Shown]:
    with serving(page, allow_actions=True) as served:
        yield served


@contextmanager
def serving(page: browser.Page, allow_actions: bool, has_token: bool = True) -> Iterator[Shown]:
    """Serves a graph, and opens its page."""
    listener = listen("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    graph = Graph(allow_actions)
    for name, event in STATE.items():
        graph.show(name, event)
    faults: list[Exception] = []
    site = Site(graph, graph, listener, stand_in.TOKEN, allow_actions, faults.append)
    try:
        page.shaped(1366, 768)
        page.open(f"{address}#token={stand_in.TOKEN}" if has_token else address)
        if has_token:
            page.wait_for("document.querySelectorAll('#newest article').length === 2")
        yield Shown(page, graph, site, address)
    finally:
        graph.release.set()
        site.stop()
    assert faults == []


def salience() -> events.SalienceNow:
    one = stand_in.example(events.SalienceNow)
    modality = dataclasses.replace(one.modalities[0], modality="vision", grid=())
    return dataclasses.replace(
        one, stamp_s=time.time(), total=0.9, reason=REASON, dominant="audio",
        modalities=(modality, dataclasses.replace(modality, modality="audio", live=False)),
    )  # fmt: skip


STATE: dict[str, Any] = {
    "salience": salience(),
    "attention": stand_in.example(events.AttentionNow),
    "camera": dataclasses.replace(stand_in.example(events.CameraNow), url="/api/camera.jpg"),
    "budget": dataclasses.replace(
        stand_in.example(events.BudgetNow),
        plugins=(dataclasses.replace(stand_in.example(events.PluginBudgetNow), name="look"),),
    ),
    "state": stand_in.example(events.StateNow),
    "pressure": dataclasses.replace(stand_in.example(events.PressureNow), power_w=None),
    "alerts": events.Alerts(
        (events.Alert("microphone", "error", "unplugged", time.time(), ("audio_encoder",)),)
    ),
}


def test_what_matters_is_said_and_the_token_leaves_the_address(shown: Shown) -> None:
    page = shown.page
    page.wait_for("document.getElementById('why').textContent.startsWith('audio: novelty 0.97')")
    # What somebody said is text, whatever it looks like.
    assert page.value("document.getElementById('headline').querySelector('img')") is None
    page.wait_for("!document.getElementById('fitted').hidden")
    assert page.value("location.href") == shown.address
    notice = page.value("document.getElementById('notices').textContent")
    assert notice == "microphone: unplugged; therefore at fault: audio_encoder"
    power = "[...document.querySelectorAll('.tile')].find(tile => tile.dataset.key === 'Power')"
    assert "not reported" in page.value(f"{power}.textContent")


def test_a_moment_is_explained_and_judged_by_keyboard(shown: Shown) -> None:
    page = shown.page
    page.wait_for("document.querySelectorAll('#marks button').length === 1")
    page.value("document.querySelector('#marks button').focus()")
    page.press("Enter")
    page.wait_for("document.getElementById('sheet').open")
    page.wait_for("document.activeElement.getAttribute('aria-label') === 'Close'")
    page.press("Tab")
    assert page.value("document.activeElement.getAttribute('aria-label')") == "Good outcome"
    page.press("Enter")
    assert shown.wait_until_done("judge").reward == 1.0
    page.press("Escape")
    assert page.value("document.getElementById('sheet').open") is False
    page.value("document.getElementById('timeline').focus()")
    page.press("ArrowLeft")
    assert page.value("document.getElementById('timeline').ariaValueText") != "now"


def test_the_memory_is_asked_pinned_and_forgotten_after_a_confirmation(shown: Shown) -> None:
    page = shown.page
    page.value("document.getElementById('question').value = 'a bicycle'")
    page.value("document.getElementById('ask').requestSubmit()")
    page.wait_for("document.querySelectorAll('#answer-cards img').length === 1")
    assert shown.did("recall")[-1].text == "a bicycle"
    page.wait_for("document.getElementById('answers-search').checkVisibility()")
    assert not page.value("document.getElementById('answers-notes').checkVisibility()")
    page.value("document.querySelector('#answers-search summary').click()")
    page.wait_for("document.getElementById('answers-notes').checkVisibility()")
    assert page.value("document.getElementById('answers-notes').innerText") == "kept in memory: 27"
    page.value("document.querySelector('#answer-cards .shown').click()")
    page.value(
        "[...document.querySelectorAll('#sheet button')].find(b => b.textContent === 'Pin').click()"
    )
    assert shown.wait_until_done("pin").pinned is True
    page.value("document.querySelector('#sheet .danger').click()")
    page.wait_for("document.getElementById('confirm').open")
    # The safe answer has the focus.
    assert page.value("document.activeElement.id") == "confirm-no"
    page.press("Enter")
    page.wait_for("!document.getElementById('confirm').open")
    assert shown.did("forget") == []
    page.value("document.querySelector('#sheet .danger').click()")
    page.wait_for("document.getElementById('confirm').open")
    page.value("document.getElementById('confirm-yes').click()")
    assert shown.wait_until_done("forget") == ("2",)
    page.wait_for("document.querySelectorAll('#answer-cards article').length === 0")


def test_plugins_and_sleep_by_hand(shown: Shown) -> None:
    page = shown.page
    page.wait_for("document.getElementById('load-plugin').value === 'read'")
    page.value("document.getElementById('load').requestSubmit()")
    assert shown.wait_until_done("load") == "read"
    page.value("document.querySelector('#plugins button').click()")
    assert shown.wait_until_done("unload") == "look"
    page.value("document.getElementById('refine').requestSubmit()")
    assert shown.wait_until_done("refine") == "look"
    shown.graph.release.set()
    page.wait_for("document.getElementById('refined').textContent.startsWith('done')")
    shown.graph.release.clear()
    page.value("document.getElementById('sleep').click()")
    page.wait_for("document.getElementById('sleep-progress').ariaValueNow === '50'")
    shown.graph.release.set()
    page.wait_for("document.getElementById('sleep-words').textContent.startsWith('Sleep done')")


def test_learning_over_days_is_read_off_by_keyboard(shown: Shown) -> None:
    page = shown.page
    page.wait_for("document.querySelectorAll('#learning-charts canvas').length === 4")
    words = "document.getElementById('learning-words').textContent"
    assert "28 hours of history, 56 outcomes judged" in page.value(words)
    steps = "document.querySelectorAll('#learning-charts canvas')[1]"
    assert page.value(f"{steps}.ariaValueText").endswith(": look 3.0")
    page.value(f"{steps}.focus()")
    page.press("ArrowLeft")
    assert page.value(f"{steps}.ariaValueText").endswith(": look 3.1")
    assert "; shown: " in page.value(words)
    page.value("document.getElementById('by-days').click()")
    assert "1 day of history" in page.value(words)
    page.wait_for("!document.getElementById('cycle').hidden")
    assert "encode vision80 %, 3.9 ms" in page.value(
        "document.getElementById('cycle-parts').textContent"
    )


def test_it_fits_a_phone_in_both_schemes(shown: Shown) -> None:
    page = shown.page
    page.shaped(390, 844, 2.0, phone=True)
    page.watch(0.2)
    assert page.value("document.documentElement.scrollWidth") == 390
    for scheme in ("dark", "light"):
        page.coloured(scheme)
        page.wait_for(f"document.documentElement.dataset.theme === '{scheme}'")
    page.value("document.getElementById('theme').click()")
    assert page.value("document.documentElement.dataset.theme") == "dark"
    page.coloured("dark")
    page.value("document.getElementById('theme').click()")
    assert page.value("document.documentElement.dataset.theme") == "light"


def test_the_console_is_empty_and_no_other_host_was_asked(shown: Shown) -> None:
    assert shown.page.errors == []
    assert shown.page.requests
    assert all(asked.startswith(shown.address) for asked in shown.page.requests)


def test_a_graph_that_has_ended_is_said(page: browser.Page) -> None:
    with serving(page, allow_actions=True) as shown:
        words = "document.getElementById('connection').textContent"
        page.wait_for(f"{words} === 'live'")
        shown.site.stop()
        page.wait_for(f"{words} === 'graph has ended'")
        notices = page.value("document.getElementById('notices').textContent")
        assert "the graph ends" in notices
        assert page.value("document.getElementById('sleep').disabled") is True


def test_read_only_is_said_and_every_action_is_disabled(page: browser.Page) -> None:
    with serving(page, allow_actions=False):
        page.wait_for("document.getElementById('notices').textContent.includes('read-only')")
        controls = "[...document.querySelectorAll('[data-acts]')]"
        assert page.value(f"{controls}.length") >= 8
        assert page.value(f"{controls}.every(one => one.disabled && one.title)") is True


def test_without_a_token_it_asks_for_one(page: browser.Page) -> None:
    with serving(page, allow_actions=True, has_token=False):
        words = "document.getElementById('connection').textContent"
        page.wait_for(f"{words} === 'token needed'")
        page.value(f"document.querySelector('#notices input').value = '{stand_in.TOKEN}'")
        page.value("document.querySelector('#notices form').requestSubmit()")
        page.wait_for(f"{words} === 'live'")
