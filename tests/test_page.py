"""The gateway's page: small, nothing from elsewhere, nothing inline, all by its contract."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

from sage_gateway.core.contract import answers, endpoints, events, requests

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "src/sage_gateway/sage_gateway/page"
FILES = {path.name: path.read_text(encoding="utf-8") for path in sorted(PAGE.iterdir())}
SCRIPTS = "\n".join(text for name, text in FILES.items() if name.endswith(".js"))
MOST_BYTES = 300_000
VOID = {"meta", "link", "input", "use", "path", "circle", "rect", "img", "br"}


class Outline(HTMLParser):
    """Every element with its attributes, the names of those around it, and the text in it."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str], list[str]]] = []
        self._open: list[tuple[str, list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        text: list[str] = []
        self.elements.append((tag, dict(attrs), [name for name, _ in self._open], text))
        if tag not in VOID:
            self._open.append((tag, text))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for _, text in self._open:
            text.append(data.strip())


def outline() -> Outline:
    found = Outline()
    found.feed(FILES["index.html"])
    assert not found._open
    return found


def test_the_page_is_small_and_whole() -> None:
    assert sum(len(text.encode()) for text in FILES.values()) <= MOST_BYTES
    named = set(re.findall(r'(?:src|href)="page/([^"]+)"', FILES["index.html"]))
    named |= set(re.findall(r'from "\./([^"]+)"', SCRIPTS))
    assert named | {"index.html"} == set(FILES)


def test_nothing_comes_from_elsewhere() -> None:
    namespaces = r"http://www\.w3\.org/2000/svg"
    for name, text in FILES.items():
        addresses = re.findall(r"(?:[a-z]+:)?//[a-z0-9]\S*", re.sub(namespaces, "", text))
        assert not addresses, name
        assert "@import" not in text and "url(" not in text, name


def test_nothing_is_inline_and_no_text_becomes_markup() -> None:
    for tag, attributes, _, text in outline().elements:
        assert tag != "style" and "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        assert tag != "script" or (attributes.get("src") and not "".join(text))
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\bstyle:"
    )
    assert not re.findall(forbidden, SCRIPTS)


def test_every_control_has_a_name() -> None:
    for tag, attributes, around, text in outline().elements:
        is_named = bool(attributes.get("aria-label") or attributes.get("aria-labelledby"))
        if tag in ("input", "select"):
            assert is_named or "label" in around, attributes
        elif tag in ("button", "a", "label"):
            assert is_named or "".join(text), attributes
        elif tag in ("canvas", "img"):
            assert is_named or attributes.get("aria-hidden") == "true", attributes


def test_every_part_that_the_scripts_name_is_there() -> None:
    ids = {attributes["id"] for _, attributes, _, _ in outline().elements if attributes.get("id")}
    made = set(re.findall(r'id: "([a-z-]+)"', SCRIPTS))
    assert set(re.findall(r'byId\("([a-z-]+)"\)', SCRIPTS)) <= ids | made


def test_only_requests_of_the_contract_are_made_and_all_that_act() -> None:
    used = {
        (method.upper(), path)
        for method, path in re.findall(r'\b(get|post)\("(/api/[^"?]+)"', FILES["api.js"])
    }
    declared = {(item.method, item.path) for item in endpoints.ENDPOINTS}
    assert used <= declared
    assert {(item.method, item.path) for item in endpoints.ENDPOINTS if item.acts} <= used
    other = set(re.findall(r'["`](/api/[a-z./]+)', SCRIPTS)) - {path for _, path in used}
    assert other == {"/api/events"}


def test_every_event_is_taken_and_only_declared_fields_are_read() -> None:
    names = re.search(r"NAMES = \[(.*?)\]", FILES["live.js"], re.DOTALL)
    assert names
    assert re.findall(r'"([a-z]+)"', names[1]) == [item.name for item in endpoints.EVENTS]
    known = {
        field.name
        for module in (answers, events, requests)
        for kind in vars(module).values()
        if dataclasses.is_dataclass(kind)
        for field in dataclasses.fields(kind)
    }
    for action in (ROOT / "src/sage_msgs/action").iterdir():
        known |= set(re.findall(r"^\w+ ([a-z_]+)", action.read_text(), re.MULTILINE))
    read = set(re.findall(r"[.?]\.?([a-z]+(?:_[a-z0-9]+)+)\b", SCRIPTS))
    assert len(read) > 30
    assert read <= known
