"""What installed packages offer: modalities, plugins, effectors and cameras, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sage.doctor.finding import Finding
from sage.graph.modalities import check_installed
from sage_common.core.errors import InvalidInput
from sage_common.core.specs.effector import EffectorSpec, effectors
from sage_common.core.specs.entry_points import Fault, Offer, load, offers, read, twice
from sage_common.core.specs.modality import in_order, modalities
from sage_orchestrator.core.plugin.catalogue import GROUP as PLUGINS_GROUP
from sage_orchestrator.core.plugin.catalogue import plugin_class
from sage_orchestrator.core.plugin.spec import PluginSpec
from sage_sensors.backends.catalogue import CAMERA_BACKENDS_GROUP


def offered() -> Iterator[Finding]:
    """A line a group, a line an effector, and a line for each offer that cannot be used."""
    yield from _modalities()
    yield from _plugins()
    yield from _cameras()
    yield from _effectors()


def _modalities() -> Iterator[Finding]:
    registry = modalities()
    faults, lines = list(registry.faults), []
    for spec in in_order(registry.specs):
        offer = registry.offers[spec.name]
        try:
            check_installed(spec)
        except InvalidInput as error:
            faults.append(Fault(offer, str(error)))
        else:
            lines.append(_named(offer) + ("" if spec.on else " where a parameter file names it"))
    yield Finding("modalities", "ok" if lines else "error", ", ".join(lines) or "none")
    yield from _left_out(faults)


def _plugins() -> Iterator[Finding]:
    registry = read(PLUGINS_GROUP, PluginSpec)
    good, faults = [], []
    for name, spec in registry.specs.items():
        try:
            plugin_class(spec)
        except InvalidInput as error:
            faults.append(Fault(registry.offers[name], str(error)))
        else:
            good.append(registry.offers[name])
    yield Finding("plugins", "ok", _listed(good, "none"))
    yield from _left_out([*registry.faults, *faults])


def _cameras() -> Iterator[Finding]:
    used: dict[str, Offer] = {}
    displaced = []
    for offer in offers(CAMERA_BACKENDS_GROUP):
        if used.setdefault(offer.name, offer) is not offer:
            displaced.append(twice(offer, used[offer.name]))
    good, faults = _loaded((offer, offer.target) for offer in used.values())
    yield Finding("camera backends", "ok", _listed(good, "none of other packages"))
    yield from _left_out([*displaced, *faults])


def _effectors() -> Iterator[Finding]:
    registry = effectors()
    named = ((registry.offers[name], spec.effector) for name, spec in registry.specs.items())
    good, faults = _loaded(named)
    if not good:
        yield Finding("effectors", "ok", "none")
    for offer in good:
        yield Finding(f"effector {_named(offer)}", "ok", _meaning(registry.specs[offer.name]))
    yield from _left_out([*registry.faults, *faults])


def _meaning(spec: EffectorSpec) -> str:
    limits = [f"{name} {low:g} to {high:g}" for name, (low, high) in spec.limits.items()]
    undone = "can be undone" if spec.reversible else "cannot be undone"
    return "; ".join([spec.meaning, undone, f"at most {spec.timeout_s:g} s", *limits])


def _loaded(named: Iterable[tuple[Offer, str]]) -> tuple[list[Offer], list[Fault]]:
    """Offers whose class can be imported, given `module:Class`, and those whose cannot."""
    good, faults = [], []
    for offer, path in named:
        try:
            load(path, f"{offer.group} {offer.name}")
        except InvalidInput as error:
            faults.append(Fault(offer, str(error)))
        else:
            good.append(offer)
    return good, faults


def _listed(found: Iterable[Offer], otherwise: str) -> str:
    return ", ".join(map(_named, found)) or otherwise


def _named(offer: Offer) -> str:
    return f"{offer.name} ({offer.package})"


def _left_out(faults: Iterable[Fault]) -> Iterator[Finding]:
    for fault in faults:
        yield Finding(f"package {fault.offer.package}", "warn", str(fault), fault.fix)
