"""What the parameter files hold for the nodes of the graph, and what they hold for others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sage_common.core.errors import InvalidInput, nearest_name
from sage_common.core.parameter_files import Entry, general_values, values_for
from sage_common.core.parameters import is_ros_parameter, of_absent_groups

Files = Sequence[Sequence[Entry]]
"""The entries of each file; a later file wins over an earlier one."""
_TYPING_ERROR = 0.8


def node_values(
    files: Files, namespace: str, kind: str, name: str, known: Collection[str]
) -> dict[str, Any]:
    """The values that the files have for a node; those of its kind are for it, too.

    Args:
        files: the parameter files.
        namespace, kind, name: of the node.
        known: names of its parameters; of what files say to nodes of any name it takes these.
    """
    values: dict[str, Any] = {}
    for entries in files:
        general = general_values(entries, namespace, name)
        values.update((k, v) for k, v in general.items() if k in known or is_ros_parameter(k))
        values.update(values_for(entries, namespace, kind, name))
    return values


def left_out(
    entries: Iterable[Entry], namespace: str, names: Collection[str], known: Collection[str]
) -> str:
    """What a file says to nodes that are not SAGE's, in one line; empty if there is nothing.

    Args:
        entries: of the file.
        namespace: of the graph.
        names: kinds and names of nodes that a graph may have.
        known: names of the parameters of all kinds of nodes.

    Raises:
        InvalidInput: a node's name looks misspelt; the nearest known one is named.
    """
    others = []
    where = ""
    for entry in entries:
        where = entry.where
        if not any(entry.matches(namespace, name) for name in names):
            _check_spelling(entry, namespace, names)
            others.append(entry.name)
        elif entry.is_general:
            foreign = (k for k in entry.values if k not in known and not is_ros_parameter(k))
            others += [f"{entry.name} {key}" for key in foreign]
    return f"{where}: not for nodes of {namespace}, left out: {', '.join(others)}" if others else ""


def _check_spelling(entry: Entry, namespace: str, names: Collection[str]) -> None:
    """Refuse what is almost the name of a node; a name such as camera_2 may be another's."""
    given = entry.last_name
    own = entry.is_local or entry.name == f"{namespace.rstrip('/')}/{given}"
    nearest = nearest_name(given, names, _TYPING_ERROR)
    if own and nearest and nearest not in given:
        expected = f"a node of the graph, perhaps {nearest}"
        if entry.is_local:
            raise InvalidInput(entry.where, given, f"{expected}; of another node the full name")
        raise InvalidInput(entry.where, entry.name, expected)


def unread(name: str, parameters_type: type, values: Mapping[str, Any]) -> tuple[str, ...]:
    """A line on the parameters of a node for what is not installed; none without such."""
    names = ", ".join(of_absent_groups(parameters_type, values))
    return (f"{name}: {names} ignored: not installed",) if names else ()


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as YAML and JSON know them: tuples become lists."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}
