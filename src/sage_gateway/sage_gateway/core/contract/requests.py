"""What requests carry: JSON in the body of a POST, the query of a GET."""

from __future__ import annotations

from dataclasses import dataclass

from sage_gateway.core.contract.field import said


@dataclass(frozen=True)
class LogIn:
    """The token, for a cookie."""

    token: str = said("of the address that `sage run --page` prints")


@dataclass(frozen=True)
class Watch:
    """What a stream is to carry besides."""

    also: str = said("any of `camera,puzzles`, which cost more", default="")


@dataclass(frozen=True)
class Ask:
    """A question to the memory; every condition that is given must hold."""

    text: str = said("words, at most 1024 characters; empty: not asked by meaning", default="")
    like: str = said("id of an experience that answers are to resemble", default="")
    modality: str = said("only this one", default="")
    entity: str = said("only about or from this one", default="")
    start_s: float = said("earliest, since 1970; 0: no bound", "s", low=0, default=0.0)
    end_s: float = said("latest, since 1970; 0: no bound", "s", low=0, default=0.0)
    min_salience: float = said("0: no bound", low=0, high=1, default=0.0)
    limit: int = said("most answers", low=1, high=100, default=10)


@dataclass(frozen=True)
class Moment:
    """A moment."""

    stamp_s: float = said("since 1970; 0: the newest", "s", low=0, default=0.0)
    tolerance_s: float = said("how far it may be away", "s", low=0, high=60, default=1.0)


@dataclass(frozen=True)
class Judge:
    """How well a moment, an experience or a plugin turned out; without any: the last second."""

    reward: float = said("1: good, -1: bad", low=-1, high=1)
    stamp_s: float = said("the second up to this moment; 0: not by time", "s", low=0, default=0.0)
    experience_id: str = said("experience; empty: not one", default="")
    plugin: str = said("plugin; empty: none", default="")
    note: str = said("in words, at most 1024 characters", default="")


@dataclass(frozen=True)
class Pin:
    """Whether an experience may be evicted."""

    id: str = said("experience")
    pinned: bool = said("true: never")


@dataclass(frozen=True)
class PlanForget:
    """What is to be forgotten."""

    ids: tuple[str, ...] = said("experiences, 1 to 100")


@dataclass(frozen=True)
class Forget:
    """What is to be forgotten now, for good."""

    ids: tuple[str, ...] = said("experiences, those of the plan")
    confirmation: str = said("of the plan")
    reason: str = said("kept with the tombstones; must not repeat the content", default="")


@dataclass(frozen=True)
class NamedPlugin:
    """A plugin."""

    plugin: str = said("its name")


@dataclass(frozen=True)
class Refine:
    """A run of a plugin on what a modality senses now."""

    plugin: str = said("its name; it must be loaded")
    modality: str = said("whose next puzzle is refined")
    budget_atp: float = said("what it may spend", "ATP", low=1, high=100_000, default=5000.0)
    timeout_s: float = said("how long it may take", "s", low=0.1, high=60, default=10.0)


@dataclass(frozen=True)
class Sleep:
    """A consolidation of the memory."""

    max_duration_s: float = said("0: until done", "s", low=0, high=86_400, default=0.0)
    dry_run: bool = said("only say what would be done", default=False)


@dataclass(frozen=True)
class CancelJob:
    """A job."""

    job: int = said("its number", low=1)
