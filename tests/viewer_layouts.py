"""What the layouts for rviz, rqt and Foxglove in config/ show: topics, and fields of them."""

from __future__ import annotations

import json
import re
from ast import literal_eval
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sage_common.core.topics import TOPICS, topic_name
from sage_common.ros.interfaces import interface

CONFIG = Path(__file__).resolve().parents[1] / "config"
FOXGLOVE = json.loads((CONFIG / "foxglove.json").read_text())
RVIZ = yaml.safe_load((CONFIG / "sage.rviz").read_text())
PERSPECTIVE = json.loads((CONFIG / "sage.perspective").read_text())
SPECS = {
    f"/sage/{topic_name(key, name='front', modality=modality)}": spec
    for key, spec in TOPICS.items()
    for modality in ("vision", "audio", "proprioception", "language")
}
KNOWN = {
    "/diagnostics": "diagnostic_msgs/msg/DiagnosticArray",
    "/rosout": "rcl_interfaces/msg/Log",
    **{name: spec.type for name, spec in SPECS.items()},
}
"""Types of topics by name: those of the registry, and what every ROS graph has."""
_EACH_OR_ONE = re.compile(r"(\w+)(\[(?::|\d+)\])?")


@dataclass(frozen=True)
class Shown:
    """One thing that a layout shows.

    Attributes:
        where: panel, display or plugin.
        topic: full name.
        fields: leads from a message to what is shown; empty: the message.
    """

    where: str
    topic: str
    fields: tuple[str, ...] = ()

    def type(self) -> str:
        """The type of what is shown; of a list without index that of the list.

        Raises:
            KeyError: there is no such topic or field.
        """
        found = KNOWN[self.topic]
        for field in self.fields:
            match = _EACH_OR_ONE.fullmatch(field)
            assert match, f"{self.where}: {field}"
            found = interface(found).get_fields_and_field_types()[match[1]]
            if match[2]:
                package, message = re.fullmatch(r"sequence<(\w+)/(\w+)>", found).groups()
                found = f"{package}/msg/{message}"
        return found


def foxglove_panels(part: Any) -> Iterator[str]:
    """Names of the panels in a part of Foxglove's layout, those behind tabs included."""
    if isinstance(part, dict):
        yield from foxglove_panels(part["first"])
        yield from foxglove_panels(part["second"])
    else:
        yield part
        for tab in FOXGLOVE["configById"][part].get("tabs", ()):
            yield from foxglove_panels(tab["layout"])


def foxglove() -> Iterator[Shown]:
    """All that Foxglove's layout shows."""
    for panel, config in FOXGLOVE["configById"].items():
        paths = [path["value"] for path in config.get("paths", ())]
        paths += [config[key] for key in ("topicPath", "topicToRender") if key in config]
        paths += config.get("topics", ())
        if topic := config.get("imageMode", {}).get("imageTopic"):
            paths.append(topic)
        for path in paths:
            name, *fields = path.split(".")
            yield Shown(panel, name, tuple(fields))


def rviz_displays() -> list[dict[str, Any]]:
    """Displays of rviz that show a topic."""
    return [d for d in RVIZ["Visualization Manager"]["Displays"] if "Topic" in d]


def rviz() -> Iterator[Shown]:
    """All that rviz shows."""
    for display in rviz_displays():
        yield Shown(display["Class"].rpartition("/")[2], display["Topic"]["Value"])


def rqt_settings() -> dict[str, dict[str, Any]]:
    """Settings of rqt's plugins, by `package/Plugin/number`; each is declared as running."""
    manager = PERSPECTIVE["groups"]["pluginmanager"]
    running = literal_eval(manager["keys"]["running-plugins"]["repr"])
    names = {
        f"plugin__{name.replace('/', '__')}__{number}": f"{name}/{number}"
        for name, numbers in running.items()
        for number in numbers
    }
    assert names.keys() == manager["groups"].keys()
    return {
        names[group]: {
            key: literal_eval(value["repr"])
            for key, value in content["groups"]["plugin"]["keys"].items()
        }
        for group, content in manager["groups"].items()
    }


def rqt() -> Iterator[Shown]:
    """All that rqt shows."""
    for plugin, settings in rqt_settings().items():
        if "topic" in settings:
            yield Shown(plugin, settings["topic"])
        for path in settings.get("topics", ()):
            names: Iterable[str] = (name for name in KNOWN if path.startswith(f"{name}/"))
            topic = max(names, key=len)
            yield Shown(plugin, topic, tuple(path[len(topic) + 1 :].split("/")))
