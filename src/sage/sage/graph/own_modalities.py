"""Modalities of the user's own: what a parameter file says of them under `graph`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

from sage.graph.catalogue import MODALITIES, NodeKind
from sage_common.core.errors import InvalidInput
from sage_common.core.parameters import NodeParameters
from sage_common.ros.container import node_class
from sage_common.ros.interfaces import interface

PREFIX = "modalities."
NAME = re.compile("[a-z][a-z0-9_]*")
_TOPIC = re.compile(r"(/[A-Za-z_][A-Za-z0-9_]*)+")


@dataclass(frozen=True)
class OwnModality:
    """One modality of the user's own.

    Attributes:
        name: small letters, digits and _.
        encoder: `module:Class` of its encoder node; empty: somebody else publishes its puzzles.
        topic: absolute name of its sensor's topic; empty: unknown, and neither recorded, nor
            replayed, nor kept as payload.
        type: of the topic, `package/msg/Type`.
    """

    name: str
    encoder: str = ""
    topic: str = ""
    type: str = ""

    @property
    def is_stamped(self) -> bool:
        """Whether messages of its sensor begin with a header: only then memory can keep them."""
        if not self.topic:
            return False
        names = interface(self.type).get_fields_and_field_types()
        return next(iter(names.items()), None) == ("header", "std_msgs/Header")


@dataclass(frozen=True)
class EncoderKind(NodeKind):
    """The kind of an encoder that is no part of SAGE; it runs in a container."""

    def parameters_type(self) -> type[NodeParameters]:
        return node_class(self.node_class).parameters_type


def encoder_kind(modality: OwnModality) -> EncoderKind:
    """The kind of node that encodes a modality."""
    return EncoderKind("sage_common", "container", modality.encoder, "")


def own_modalities(values: Mapping[str, object], where: str) -> tuple[OwnModality, ...]:
    """The modalities in the values of a section, by name.

    Args:
        values: by dotted name; those that begin with `modalities.` are used.
        where: what the section is called in an error.

    Raises:
        InvalidInput: a name, a field or a value is wrong, or what it names is not installed.
    """
    found: dict[str, dict[str, object]] = {}
    for key, value in values.items():
        if key.startswith(PREFIX):
            name, _, field = key.removeprefix(PREFIX).partition(".")
            found.setdefault(name, {})[field] = value
    return tuple(_checked(f"{where}.{PREFIX}{name}", name, found[name]) for name in sorted(found))


def _checked(where: str, name: str, given: Mapping[str, object]) -> OwnModality:
    if name in MODALITIES or not NAME.fullmatch(name):
        taken = ", ".join(MODALITIES)
        raise InvalidInput(where, name, f"small letters, digits and _, and none of {taken}")
    known = [field.name for field in fields(OwnModality) if field.name != "name"]
    texts: dict[str, str] = {}
    for key, value in given.items():
        if key not in known:
            raise InvalidInput(where, key, "one of " + ", ".join(known))
        if not isinstance(value, str):
            raise InvalidInput(f"{where}.{key}", value, "a string")
        texts[key] = value
    modality = OwnModality(name, **texts)
    if modality.encoder:
        _check_encoder(f"{where}.encoder", modality.encoder)
    if modality.topic or modality.type:
        _check_topic(where, modality)
    return modality


def _check_encoder(where: str, path: str) -> None:
    try:
        node_class(path)
    except InvalidInput as error:
        raise InvalidInput(where, path, f"{error.expected}; is it installed, or on PYTHONPATH?") \
            from error  # fmt: skip


def _check_topic(where: str, modality: OwnModality) -> None:
    if not _TOPIC.fullmatch(modality.topic):
        raise InvalidInput(f"{where}.topic", modality.topic, "an absolute name such as /scan")
    try:
        interface(modality.type)
    except (ValueError, ImportError, AttributeError) as error:
        expected = "an installed interface such as sensor_msgs/msg/LaserScan"
        raise InvalidInput(f"{where}.type", modality.type, expected) from error
