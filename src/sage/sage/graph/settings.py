"""Parameter files: read, layered, and checked against the parameter dataclasses."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from sage_common.core.errors import InvalidInput

Settings = dict[str, dict[str, Any]]
_WILDCARD = "/**/"


def read_settings(path: Path) -> Settings:
    """Parameters by node name from a ROS 2 parameter file (`/**/node: ros__parameters: ...`).

    Raises:
        InvalidInput: the file is not YAML, or has another form.
        FileNotFoundError: there is no such file.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise InvalidInput(str(path), str(error), "a YAML file") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise InvalidInput(str(path), content, "a mapping of node names")
    settings: Settings = {}
    for key, body in content.items():
        values = body.get("ros__parameters") if isinstance(body, dict) else None
        if not isinstance(values, dict):
            raise InvalidInput(f"{path}: {key}", body, "a mapping with ros__parameters")
        settings[str(key).removeprefix(_WILDCARD)] = dict(values)
    return settings


def layer(settings: Iterable[Settings]) -> Settings:
    """One set of parameters from several; later ones win, key by key."""
    result: Settings = {}
    for layered in settings:
        for node, values in layered.items():
            result.setdefault(node, {}).update(values)
    return result


def check_node_names(settings: Settings, known: Iterable[str], where: str) -> None:
    """Check that every node named in a file exists.

    Raises:
        InvalidInput: an unknown node; the nearest known one is named.
    """
    names = sorted(known)
    for node in settings:
        if node not in names:
            nearest = difflib.get_close_matches(node, names, n=1, cutoff=0.0)
            raise InvalidInput(where, node, f"a node of the graph, perhaps {nearest[0]}")


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as YAML and JSON know them: tuples become lists."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}
