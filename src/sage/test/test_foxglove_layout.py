"""The layout for Foxglove shows topics and fields that exist; no Foxglove runs here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sage_common.core.topics import TOPICS, topic_name
from sage_common.ros.interfaces import interface

ROOT = Path(__file__).resolve().parents[3]
LAYOUT = json.loads((ROOT / "config" / "foxglove.json").read_text())
KNOWN = {"/diagnostics": "diagnostic_msgs/msg/DiagnosticArray"} | {
    f"/sage/{topic_name(key, name='front', modality=modality)}": spec.type
    for key, spec in TOPICS.items()
    for modality in ("vision", "audio", "proprioception", "language")
}
NUMBERS = {"float", "double", "uint8", "uint64"}


def type_of(path: str) -> str:
    """The type of a Foxglove message path such as `/sage/budget.plugins[:].trust`."""
    topic, *fields = path.split(".")
    found = KNOWN[topic]
    for field in fields:
        name, is_each = re.fullmatch(r"(\w+)(\[:\])?", field).groups()
        found = interface(found).get_fields_and_field_types()[name]
        if is_each:
            package, message = re.fullmatch(r"sequence<(\w+)/(\w+)>", found).groups()
            found = f"{package}/msg/{message}"
    return found


def plotted() -> Iterator[str]:
    for config in LAYOUT["configById"].values():
        yield from (path["value"] for path in config.get("paths", ()))


def panels(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    else:
        yield from panels(part["first"])
        yield from panels(part["second"])


def test_each_panel_is_in_the_layout_once() -> None:
    assert sorted(panels(LAYOUT["layout"])) == sorted(LAYOUT["configById"])


@pytest.mark.parametrize("path", list(plotted()))
def test_what_is_plotted_is_a_number(path: str) -> None:
    assert type_of(path) in NUMBERS


def test_pictures_words_and_health_come_from_topics_that_exist() -> None:
    configs = LAYOUT["configById"]
    for name, config in configs.items():
        kind = name.partition("!")[0]
        if kind == "Image":
            assert type_of(config["imageMode"]["imageTopic"]) == "sensor_msgs/msg/Image"
        if kind == "RawMessages":
            assert type_of(config["topicPath"])
    assert type_of(configs["DiagnosticSummary!health"]["topicToRender"]).endswith("Array")
