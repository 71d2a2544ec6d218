"""What installed packages offer by entry point; every group is read by this one routine.

A package names in its `setup.py` what it offers, and where that is declared:

    entry_points={"sage.modalities": ["temperature = thermometer.spec:TEMPERATURE"]}

What a package declares wrongly is a `Fault`: it is left out and named, and nothing else is lost.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib import metadata
from typing import Any, Generic, Protocol, TypeVar

from sage_common.core.errors import InvalidInput, words_of

OWN_PACKAGES = frozenset(
    {
        "sage",
        "sage_bench",
        "sage_common",
        "sage_cuda_mailbox",
        "sage_encoders",
        "sage_gateway",
        "sage_memory",
        "sage_orchestrator",
        "sage_plugins",
        "sage_sensors",
        "sage_snarc",
        "sage_training",
    }
)
"""SAGE's own distributions; of two offers of one name theirs counts."""


class Named(Protocol):
    """A spec: a dataclass that checks itself when it is made, with a name."""

    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)


@dataclass(frozen=True)
class Offer:
    """One entry point.

    Attributes:
        group: `sage.modalities`, for instance.
        name: of what is offered.
        package: the installed distribution that offers it.
        target: `module:attribute` of what is offered.
    """

    group: str
    name: str
    package: str
    target: str

    def load(self) -> Any:
        """What is offered.

        Raises:
            InvalidInput: its module cannot be imported, or has no such attribute.
        """
        return load(self.target, f"{self.group} {self.name}")


@dataclass(frozen=True)
class Fault:
    """An offer that is left out.

    Attributes:
        offer: which.
        problem: field, value and what was expected, in words.
        fix: what to do about it, in words.
    """

    offer: Offer
    problem: str
    fix: str = ""

    def __post_init__(self) -> None:
        if not self.fix:
            fix = f"correct package {self.offer.package}, or remove it"
            object.__setattr__(self, "fix", fix)

    def __str__(self) -> str:
        offer = self.offer
        return f"{offer.group} {offer.name} of package {offer.package} is left out: {self.problem}"


@dataclass(frozen=True)
class Registry(Generic[T]):
    """What is offered in a group.

    Attributes:
        specs: by name.
        offers: where each comes from, by name.
        faults: what is left out.
    """

    specs: Mapping[str, T]
    offers: Mapping[str, Offer]
    faults: tuple[Fault, ...]


def offers(group: str) -> tuple[Offer, ...]:
    """The entry points of a group, SAGE's own first, then by package and name."""
    return _offers(group, tuple(sys.path))


def read(group: str, spec_type: type[T]) -> Registry[T]:
    """The specs that packages declare in a group.

    Of two of one name that of SAGE counts, else that of the package whose name comes first in the
    alphabet, whichever was installed first; the other is a fault that names both packages.
    """
    return _read(group, spec_type, tuple(sys.path))


def refresh() -> None:
    """Look anew from now on: packages may have been installed, upgraded or removed."""
    importlib.invalidate_caches()
    _offers.cache_clear()
    _read.cache_clear()


def load(path: str, field: str) -> Any:
    """What is at `module:attribute`.

    Args:
        path: of the attribute.
        field: what the path is called in an error.

    Raises:
        InvalidInput: the path has another form, the module cannot be imported, whatever it
            raises (SystemExit too, but not KeyboardInterrupt), or it has no such attribute.
    """
    module_name, _, attribute = path.partition(":")
    if not module_name or not attribute:
        raise InvalidInput(field, path, "module:attribute")
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # a stranger's module may raise anything
        why = f"{type(error).__name__}: {words_of(error)}"
        raise InvalidInput(field, path, f"a module that can be imported ({why})") from error
    if not hasattr(module, attribute):
        raise InvalidInput(field, path, f"an attribute {attribute} in {module_name}")
    return getattr(module, attribute)


def twice(offer: Offer, used: Offer) -> Fault:
    """The fault of an offer whose name has one of another package, which is used."""
    if _is_own(used.package):
        problem = f"{used.package}, a package of SAGE, declares {offer.name} itself"
        return Fault(offer, problem, f"rename it in package {offer.package}, or uninstall that")
    packages = f"{used.package} and {offer.package}"
    problem = (
        f"packages {packages} both declare {offer.name}; that of {used.package} is used, which "
        f"comes first in the alphabet"
    )
    return Fault(offer, problem, f"of packages {packages} uninstall one, or rename it in one")


@lru_cache(maxsize=32)
def _offers(group: str, path: tuple[str, ...]) -> tuple[Offer, ...]:
    """Those of a group; `path` is where they are looked for, and so what they depend on."""
    found = (
        Offer(group, point.name, "" if point.dist is None else point.dist.name, point.value)
        for point in metadata.entry_points(group=group)
    )
    return tuple(sorted(found, key=lambda o: (not _is_own(o.package), o.package, o.name)))


def _is_own(package: str) -> bool:
    return package.replace("-", "_").lower() in OWN_PACKAGES


@lru_cache(maxsize=32)
def _read(group: str, spec_type: type[T], path: tuple[str, ...]) -> Registry[T]:
    specs: dict[str, T] = {}
    taken: dict[str, Offer] = {}
    faults: list[Fault] = []
    for offer in offers(group):
        if offer.name in taken:
            faults.append(twice(offer, taken[offer.name]))
            continue
        try:
            specs[offer.name] = _checked(offer, spec_type)
            taken[offer.name] = offer
        except InvalidInput as error:
            faults.append(Fault(offer, _in_words(error, spec_type)))
    return Registry(specs, taken, tuple(faults))


def _checked(offer: Offer, spec_type: type[T]) -> T:
    spec = offer.load()
    if not isinstance(spec, spec_type):
        raise InvalidInput(offer.target, spec, f"a {spec_type.__name__}")
    if spec.name != offer.name:
        raise InvalidInput("name", spec.name, f"{offer.name}, as its entry point is called")
    return spec


def _in_words(error: InvalidInput, spec_type: type[Any]) -> str:
    """The problem: the field of a spec that is wrong; for an unknown field those there are."""
    if isinstance(error.__cause__, InvalidInput):
        return words_of(error.__cause__)
    if not isinstance(error.__cause__, TypeError):
        return str(error)
    known = ", ".join(field.name for field in fields(spec_type))
    return f"{error}; fields of {spec_type.__name__}: {known}"
