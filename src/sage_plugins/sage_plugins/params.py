"""Parameters of the plugins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sage_common.core.parameters import parameter
from sage_orchestrator.core.plugin.spec import PluginParameters

OFTEN_PER_HOUR = 3600.0
"""Once a second while nothing happens: whether it pays is for trust and budget to say."""


def _often(replaces: tuple[str, ...] = ()) -> Any:
    return parameter(
        OFTEN_PER_HOUR,
        doc="it asks for compute for salience that comes this often or less while nothing happens",
        unit="1/h",
        low=0.01,
        high=36000.0,
        replaces=replaces,
    )


def _period(default_s: float) -> Any:
    return parameter(
        default_s, doc="least time between two of its runs", unit="s", low=0.0, high=86_400.0
    )


def _request(default_atp: float) -> Any:
    return parameter(
        default_atp,
        doc="what one run asks for; its share is not bounded by it",
        unit="ATP",
        low=0.0,
        high=100_000.0,
    )


EVERY_PERCEPT_PER_HOUR = 36_000.0


@dataclass(frozen=True)
class LookParameters(PluginParameters):
    """Parameters of `look`."""

    false_alarms_per_hour: float = _often(replaces=("min_salience",))
    request_atp: float = _request(250.0)
    shrink: float = parameter(
        0.7, doc="side of each tile over that of the one before", low=0.1, high=0.95
    )
    precision: str = parameter(
        "auto",
        doc="weights of the vision encoder; auto: those that the vision encoder's node loads",
        choices=("auto", "fp32", "fp16", "int8"),
    )


@dataclass(frozen=True)
class RecallParameters(PluginParameters):
    """Parameters of `recall`."""

    false_alarms_per_hour: float = _often(replaces=("min_salience",))
    period_s: float = _period(1.0)
    request_atp: float = _request(40.0)
    wanted: int = parameter(3, doc="memories that are enough", low=1, high=20)
    good_score: float = parameter(
        0.9, doc="cosine of the best memory from which on that is enough", low=0.0, high=1.0
    )


@dataclass(frozen=True)
class RecogniseParameters(PluginParameters):
    """Parameters of `recognise`."""

    false_alarms_per_hour: float = _often()
    period_s: float = _period(0.5)
    request_atp: float = _request(300.0)
    good_enough: float = parameter(
        0.5,
        doc="probability of being wrong at which it stops, if the best name has not settled before",
        low=0.0,
        high=1.0,
    )
    precision: str = parameter(
        "auto",
        doc="weights of its networks; auto: the fastest that keep the quality",
        choices=("auto", "fp32", "int8"),
    )


@dataclass(frozen=True)
class ReadParameters(PluginParameters):
    """Parameters of `read`."""

    false_alarms_per_hour: float = _often()
    period_s: float = _period(1.0)
    request_atp: float = _request(500.0)
    most_side_px: int = parameter(
        640,
        doc="longer side of the picture in which text is looked for; larger ones are made smaller",
        unit="px",
        low=64,
        high=2048,
    )
    least_probability: float = parameter(
        0.5, doc="probability of being right below which a line is not shown", low=0.0, high=1.0
    )
    published_probability: float = parameter(
        0.9, doc="probability from which on a line is published as words", low=0.0, high=1.0
    )
    repeat_s: float = parameter(
        10.0,
        doc="the same words are not published again within this time",
        unit="s",
        low=0.0,
        high=86_400.0,
    )


@dataclass(frozen=True)
class ListenParameters(PluginParameters):
    """Parameters of `listen`."""

    false_alarms_per_hour: float = parameter(
        EVERY_PERCEPT_PER_HOUR,
        doc="it asks for compute for salience that comes this often or less while nothing happens; "
        "by default it hears everything",
        unit="1/h",
        low=0.01,
        high=36000.0,
    )
    period_s: float = parameter(
        0.0, doc="least time between two of its runs", unit="s", low=0.0, high=86_400.0
    )
    request_atp: float = parameter(
        1000.0,
        doc="what one run asks for; its share is not bounded by it",
        unit="ATP",
        low=0.0,
        high=100_000.0,
    )
    pause_s: float = parameter(
        0.5, doc="silence that ends an utterance", unit="s", low=0.1, high=5.0
    )
    longest_s: float = parameter(
        10.0,
        doc="an utterance that goes on for longer is cut where it is quietest",
        unit="s",
        low=2.0,
        high=25.0,
    )
    published_probability: float = parameter(
        0.7,
        doc="mean probability of its words from which on an utterance is published",
        low=0.0,
        high=1.0,
    )


@dataclass(frozen=True)
class HearParameters(PluginParameters):
    """Parameters of `hear`."""

    false_alarms_per_hour: float = parameter(
        OFTEN_PER_HOUR,
        doc="it asks for compute for salience that comes this often or less while nothing happens",
        unit="1/h",
        low=0.01,
        high=36000.0,
    )
    period_s: float = parameter(
        1.0, doc="least time between two of its runs", unit="s", low=0.0, high=86_400.0
    )
    request_atp: float = parameter(
        500.0,
        doc="what one run asks for; its share is not bounded by it",
        unit="ATP",
        low=0.0,
        high=100_000.0,
    )
    least_probability: float = parameter(
        0.5, doc="probability below which a name is not shown", low=0.0, high=1.0
    )
