"""ROS 2 parameter files: which values a file has for a node.

Entries are those that rcl reads: the full name of a node (`/robot1/fusion`), also nested
(`/robot1: fusion:`); `*` for one part of a name and `**` for any number of them. Of the entries of
one file a node's own name wins over its kind, and both over one that ends in `*` or `**`; of equals
the later one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sage_common.core.errors import InvalidInput

KEY = "ros__parameters"
EVERY_NODE = "/**"


@dataclass(frozen=True)
class Entry:
    """The values for the nodes of one name in a file.

    Attributes:
        where: what the file is called in an error.
        name: as in the file, joined by `/`.
        values: by parameter name, dotted where the file nests them.
    """

    where: str
    name: str
    values: Mapping[str, Any]

    @property
    def is_general(self) -> bool:
        """True if it ends in a wildcard: it is for nodes of any name, SAGE's or not."""
        return self.name.endswith("*")

    @property
    def last_name(self) -> str:
        """The node's name, without namespaces."""
        return self.name.rsplit("/", 1)[-1]

    @property
    def is_local(self) -> bool:
        """True if no namespace is named, so that the graph's is meant."""
        return self.name.removeprefix(f"{EVERY_NODE}/") == self.last_name

    def matches(self, namespace: str, name: str) -> bool:
        """True if it is for that node.

        Args:
            namespace: of the node, absolute.
            name: of the node.
        """
        if "/" not in self.name and not self.is_general:
            return self.name == name
        parts = (_part(part) for part in self.name.split("/") if part)
        return re.fullmatch("".join(parts), f"{namespace.rstrip('/')}/{name}") is not None


def read_entries(path: Path) -> tuple[Entry, ...]:
    """The entries of a file, in its order.

    Raises:
        InvalidInput: the file is not YAML, or has another form; file and line or key are named.
        FileNotFoundError: there is no such file; it is named.
    """
    try:
        content = yaml.safe_load(path.read_text())
        if content is None:
            return ()
        if not isinstance(content, dict):
            raise InvalidInput(str(path), content, "a mapping of node names")
        return tuple(_entries(str(path), "", content))
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: expected a parameter file; there is none") from None
    except IsADirectoryError:
        raise InvalidInput(str(path), "a folder", "a parameter file") from None
    except RecursionError:
        raise InvalidInput(str(path), "nested too deep", "a YAML file of parameters") from None
    except UnicodeDecodeError as error:
        raise InvalidInput(str(path), "no UTF-8 text", "a YAML file of parameters") from error
    except yaml.YAMLError as error:
        raise InvalidInput(*_not_yaml(path, error)) from error
    except InvalidInput:
        raise
    except ValueError as error:  # what looks like a date, and is none
        raise InvalidInput(str(path), str(error), "a YAML file of parameters") from error


def values_for(entries: Iterable[Entry], namespace: str, kind: str, name: str) -> dict[str, Any]:
    """The values that entries name the node for, by its name or its kind; general ones left out."""
    named = [entry for entry in entries if not entry.is_general]
    values: dict[str, Any] = {}
    for wanted in dict.fromkeys((kind, name)):
        for entry in named:
            if entry.matches(namespace, wanted):
                values.update(entry.values)
    return values


def general_values(entries: Iterable[Entry], namespace: str, name: str) -> dict[str, Any]:
    """The values of the entries that end in a wildcard and are for the node, too."""
    values: dict[str, Any] = {}
    for entry in entries:
        if entry.is_general and entry.matches(namespace, name):
            values.update(entry.values)
    return values


def _not_yaml(path: Path, error: yaml.YAMLError) -> tuple[str, str, str]:
    """Field, value and what was expected of an error: where the file is no YAML, and why."""
    expected = "a YAML file of parameters"
    mark = getattr(error, "problem_mark", None)
    if not isinstance(error, yaml.MarkedYAMLError) or mark is None:
        return str(path), str(error).partition("\n")[0], expected
    lines = path.read_text().splitlines()
    line = lines[mark.line].strip() if mark.line < len(lines) else ""
    problem = f"{error.problem} {error.context or ''}".strip()
    return f"{path}, line {mark.line + 1}", line, f"{expected}; {problem}"


def _entries(where: str, above: str, content: Mapping[Any, Any]) -> Iterator[Entry]:
    for key, body in content.items():
        name = f"{above}/{key}" if above else str(key)
        own = body.get(KEY) if isinstance(body, dict) else None
        inner = {k: v for k, v in body.items() if k != KEY} if isinstance(body, dict) else {}
        if (own is None and not inner) or not isinstance(own, dict | None):
            raise InvalidInput(f"{where}: {name}", body, f"a mapping with {KEY}")
        if own is not None:
            yield Entry(where, name.replace("//", "/"), dict(_flat(own)))
        yield from _entries(where, name, inner)


def _flat(values: Mapping[Any, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Nested names, joined by dots."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _part(part: str) -> str:
    """One part of an entry's name as a regular expression, with the slash before it."""
    if part == "**":
        return r"(/\w+)*"
    return "/" + r"\w+".join(map(re.escape, part.split("*")))
