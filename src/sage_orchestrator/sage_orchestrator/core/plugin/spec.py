"""A refinement plugin, declared once: what starts it, what it needs, where it runs.

A package declares one in a module that imports nothing heavy (the class is named, not imported),

    BRIGHTNESS = PluginSpec(
        name="brightness",
        plugin="brightness.plugin:Brightness",
        triggers=(TriggerRule("attention", ("vision",)),),
        needs=("frames",),
    )

and by an entry point of the same name in its `setup.py`:

    entry_points={"sage.irp_plugins": ["brightness = brightness.spec:BRIGHTNESS"]}
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from typing import Literal

from sage_common.core.errors import InvalidInput
from sage_common.core.parameters import parameter

NAME = re.compile("[a-z][a-z0-9_]*")
HOSTS = ("thread", "process")
KINDS = ("attention", "percept")
TriggerKind = Literal["attention", "percept"]


@dataclass(frozen=True)
class TriggerRule:
    """One thing that starts a plugin.

    Attributes:
        kind: "attention": a new region of attention; "percept": a new percept.
        modalities: of the region or percept; empty: any for attention, the one that contributes
            most to the fused salience for percepts.
    """

    kind: TriggerKind
    modalities: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InvalidInput("kind", self.kind, f"one of {', '.join(KINDS)}")


@dataclass(frozen=True)
class PluginParameters:
    """Parameters that every plugin has; a plugin's own derive from them."""

    false_alarms_per_hour: float = parameter(
        600.0,
        doc="it asks for compute for salience that comes this often or less while nothing happens",
        unit="1/h",
        low=0.01,
        high=36000.0,
        replaces=("min_salience",),
    )
    period_s: float = parameter(
        0.5, doc="least time between two of its runs", unit="s", low=0.0, high=86_400.0
    )
    request_atp: float = parameter(
        200.0,
        doc="what one run asks for; its share is not bounded by it",
        unit="ATP",
        low=0.0,
        high=100_000.0,
    )
    host: str = parameter(
        "",
        doc="where it runs: on a thread or in a process of its own; empty: as its package says",
        choices=("", *HOSTS),
    )
    memory_mb: float = parameter(
        1000.0,
        doc="memory of its own process and all that this starts; with more they are killed",
        unit="MB",
        low=32.0,
        high=1_000_000.0,
    )
    processes: int = parameter(
        8, doc="how many its own process and all that this starts may be", low=1, high=1000
    )
    deadline_ms: float = parameter(
        0.0,
        doc="time within which its first answer must be there; 0: the timeout of a run",
        unit="ms",
        low=0.0,
        high=600_000.0,
    )


@dataclass(frozen=True)
class PluginSpec:
    """One refinement plugin.

    Attributes:
        name: small letters, digits and _; its parameters are called `NAME.PARAMETER`.
        plugin: `module:Class` of the plugin, which is made of a PluginContext and parameters.
        triggers: what starts it; any of them does.
        meaning: what it does, in one line.
        needs: capabilities, by name.
        host: "thread": a thread of the orchestrator's process; "process": one of its own. The
            parameter `NAME.host` may say otherwise.
        parameters: their dataclass.
        packages: that it needs and that are an option of the set-up, as pip names them.
        option: of `make demo` that installs them.
        former_names: names that it had; configurations and saved trust may still use them.
        mandatory_steps: so many steps are paid before any plugin's refinement, like every
            plugin's first answer.

    Raises:
        InvalidInput: a field has a wrong value.
    """

    name: str
    plugin: str
    triggers: tuple[TriggerRule, ...]
    meaning: str = ""
    needs: tuple[str, ...] = ()
    host: str = "thread"
    parameters: type[PluginParameters] = PluginParameters
    former_names: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    option: str = "OPTIONS"
    mandatory_steps: int = 0

    def missing(self) -> tuple[str, ...]:
        """Its packages that are not installed."""
        return tuple(package for package in self.packages if not _is_installed(package))

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise InvalidInput("name", self.name, "small letters, digits and _")
        module, _, attribute = self.plugin.partition(":")
        if not (module and attribute):
            raise InvalidInput("plugin", self.plugin, "module:Class")
        if not self.triggers or not all(isinstance(r, TriggerRule) for r in self.triggers):
            raise InvalidInput("triggers", self.triggers, "one TriggerRule or more")
        if self.mandatory_steps < 0:
            raise InvalidInput("mandatory_steps", self.mandatory_steps, "at least 0")
        if self.host not in HOSTS:
            raise InvalidInput("host", self.host, f"one of {', '.join(HOSTS)}")
        if not (
            isinstance(self.parameters, type) and issubclass(self.parameters, PluginParameters)
        ):
            raise InvalidInput("parameters", self.parameters, "a class of PluginParameters")


def _is_installed(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True
