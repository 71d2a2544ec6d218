"""The modalities of a graph: those of installed packages, as a parameter file changes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sage.graph.catalogue import encoder_kind
from sage_common.core.errors import InvalidInput
from sage_common.core.parameters import ParameterError, build, specs
from sage_common.core.specs.entry_points import Fault, load
from sage_common.core.specs.modality import NAME, NAME_FORM, ModalitySpec, in_order, modalities
from sage_common.ros.container import node_class
from sage_common.ros.interfaces import interface

PREFIX = "modalities."
FIELDS = ("encoder", "like", "topic", "type")
Given = bool | Mapping[str, str]
"""What a file says of one modality: whether it is on, or fields."""


@dataclass(frozen=True)
class GraphModality:
    """One modality of a graph.

    Attributes:
        spec: what holds for it in this graph.
        like: installed modality that it is another instance of; empty: it is none.
        asked: a parameter file names it.
    """

    spec: ModalitySpec
    like: str = ""
    asked: bool = False

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def is_stamped(self) -> bool:
        """Whether messages of its sensor begin with a header: only then memory can keep them."""
        if not self.spec.topic:
            return False
        names = interface(self.spec.type).get_fields_and_field_types()
        return next(iter(names.items()), None) == ("header", "std_msgs/Header")


def graph_modalities(
    values: Mapping[str, object], where: str
) -> tuple[tuple[GraphModality, ...], tuple[str, ...]]:
    """The modalities in the order of lists; and what installed packages declare wrongly, in words.

    What a package declares wrongly is left out; what a file says wrongly is an error.

    Args:
        values: of a section, by dotted name; those that begin with `modalities.` are used.
        where: what the section is called in an error.

    Raises:
        InvalidInput: a name, a field or a value is wrong, or what it names is not installed.
    """
    installed = modalities()
    given = _given(values, where)
    faults = list(installed.faults)
    found: list[GraphModality] = []
    for spec in in_order(installed.specs):
        said = given.pop(spec.name, spec.on)
        if said is False:
            continue
        if isinstance(said, Mapping):
            found.append(_changed(spec, said, f"{where}.{PREFIX}{spec.name}"))
            continue
        try:
            check_installed(spec)
        except InvalidInput as error:
            faults.append(Fault(installed.offers[spec.name], str(error)))
        else:
            found.append(GraphModality(spec, asked=spec.name in _named(values)))
    found += [_added(name, said, f"{where}.{PREFIX}{name}") for name, said in sorted(given.items())]
    return tuple(found), tuple(map(str, faults))


def check(spec: ModalitySpec) -> None:
    """Check what a spec names: its encoder and the rest can be imported, its type is installed.

    Raises:
        InvalidInput: something of it is not; the field is named.
    """
    if spec.encoder and not spec.executable:
        load(spec.encoder, "encoder")
        node_class(spec.encoder)
        for field in ("places", "payload"):
            path: str = getattr(spec, field)
            if ":" in path:
                load(path, field)
    if spec.encoder:
        try:
            build(encoder_kind(spec).parameters_type(), spec.parameters)
        except ParameterError as error:
            raise InvalidInput("parameters", dict(spec.parameters), str(error)) from error
    if spec.type:
        _check_type("type", spec.type)


def check_installed(spec: ModalitySpec) -> None:
    """Check what a package declares, as `check` does, and that memory can keep its messages.

    Raises:
        InvalidInput: something cannot be used; the field is named.
    """
    check(spec)
    if keeps_messages(spec) and not GraphModality(spec).is_stamped:
        expected = "a type that begins with a header, which memory needs, or payload='none'"
        raise InvalidInput("type", spec.type, expected)


def keeps_messages(spec: ModalitySpec) -> bool:
    """Whether memory is to keep messages of its topic, or what is made of them."""
    return bool(spec.topic) and (spec.payload == "message" or ":" in spec.payload)


def _given(values: Mapping[str, object], where: str) -> dict[str, Given]:
    found: dict[str, Given] = {}
    for name, said in _named(values).items():
        at = f"{where}.{PREFIX}{name}"
        if not NAME.fullmatch(name):
            raise InvalidInput(at, name, NAME_FORM)
        found[name] = _switch(at, said[""]) if "" in said else _fields(at, said)
    return found


def _named(values: Mapping[str, object]) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for key, value in values.items():
        if key.startswith(PREFIX):
            name, _, field = key.removeprefix(PREFIX).partition(".")
            found.setdefault(name, {})[field] = value
    return found


def _switch(where: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(where, value, "true, false, or fields: " + ", ".join(FIELDS))
    return value


def _fields(where: str, said: Mapping[str, object]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for key, value in said.items():
        if key not in FIELDS:
            raise InvalidInput(where, key, "one of " + ", ".join(FIELDS))
        if not isinstance(value, str):
            raise InvalidInput(f"{where}.{key}", value, "a string")
        texts[key] = value
    return texts


def _changed(spec: ModalitySpec, said: Mapping[str, str], where: str) -> GraphModality:
    """An installed modality with what a file says of it."""
    if "like" in said:
        raise InvalidInput(f"{where}.like", said["like"], f"nothing: {spec.name} is installed")
    if spec.stream and said.keys() & {"topic", "type"}:
        raise InvalidInput(
            f"{where}.topic", said.get("topic", ""), f"nothing: it comes from the {spec.stream}"
        )
    return GraphModality(_with(spec, said, where), asked=True)


def _added(name: str, said: Given, where: str) -> GraphModality:
    """A modality that no package declares."""
    if not isinstance(said, Mapping):
        known = ", ".join(modalities().specs)
        raise InvalidInput(where, said, f"fields, or the name of one that is installed: {known}")
    like = said.get("like", "")
    fields = {key: value for key, value in said.items() if key != "like"}
    if not like:
        return GraphModality(_with(ModalitySpec(name), fields, where), asked=True)
    base = modalities().specs.get(like)
    if base is None:
        raise InvalidInput(f"{where}.like", like, "one of " + ", ".join(modalities().specs))
    made = GraphModality(_with(replace(base, name=name), fields, where), like, asked=True)
    known_parameters = specs(encoder_kind(made.spec).parameters_type()) if base.encoder else ()
    if base.encoder and "modality" not in {spec.name for spec in known_parameters}:
        raise InvalidInput(f"{where}.like", like, "one whose encoder has a parameter `modality`")
    return made


def _with(spec: ModalitySpec, said: Mapping[str, str], where: str) -> ModalitySpec:
    """A spec with other fields, checked."""
    other = {"executable": "", "parameters_class": "", "parameters": {}}
    try:
        made = replace(spec, **{**(other if "encoder" in said else {}), **said})  # type: ignore[arg-type]
        check(made)
    except InvalidInput as error:
        hint = "; is it installed, or on PYTHONPATH?" if error.field in ("encoder", "class") else ""
        raise InvalidInput(f"{where}.{error.field}", error.value, error.expected + hint) from error
    return made


def _check_type(field: str, name: str) -> None:
    try:
        interface(name)
    except (ValueError, ImportError, AttributeError) as error:
        expected = "an installed interface such as sensor_msgs/msg/LaserScan"
        raise InvalidInput(field, name, expected) from error
