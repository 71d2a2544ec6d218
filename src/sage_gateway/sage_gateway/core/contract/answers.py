"""What requests are answered with."""

from __future__ import annotations

from dataclasses import dataclass

from sage_gateway.core.contract.events import HistoryPoint, KeptExperience, SalienceNow
from sage_gateway.core.contract.field import said, share


@dataclass(frozen=True)
class Fault:
    """Why a request was refused."""

    code: str = said("one of the codes below")
    message: str = said("in words")
    field: str | None = said("the field at fault; null: none")


@dataclass(frozen=True)
class Refused:
    """The body of every answer whose status is 400 or more."""

    error: Fault = said("why")


@dataclass(frozen=True)
class Done:
    """An action was carried out."""

    message: str = said("what was done, in words")


@dataclass(frozen=True)
class Started:
    """A job was begun; events `job` follow."""

    job: int = said("its number", low=1)


@dataclass(frozen=True)
class History:
    """The last 10 minutes."""

    period_s: float = said("between two points", "s")
    points: tuple[HistoryPoint, ...] = said("the oldest first, at most 600")


@dataclass(frozen=True)
class LearningPeriod:
    """What was learned in an hour or a day."""

    start_s: float = said("its begin, since 1970", "s")
    trust: dict[str, float] = share("in each plugin that was loaded, at its end")
    runs: dict[str, int] = said("of each plugin's own runs: that ended by themselves", low=1)
    steps: dict[str, float] = said("of those: steps a run, on average", low=0)
    weights: dict[str, float] = share("of each modality in fusion while it was live, on average")
    outcomes: int = said("that were judged", low=0)
    good: int = said("of them: with a reward above 0", low=0)
    bad: int = said("of them: with a reward below 0", low=0)
    reward: float | None = said("mean of all; null: none was judged", low=-1, high=1)


@dataclass(frozen=True)
class Learning:
    """What was learned while the gateway ran; restarts do not end it."""

    hours: tuple[LearningPeriod, ...] = said("of the last 8 days, the oldest first")
    days: tuple[LearningPeriod, ...] = said("of the last 90 days, the oldest first; days of UTC")


@dataclass(frozen=True)
class CyclePart:
    """One stage of a way, or what lies between stages."""

    stage: str = said("its name, as docs/orchestrator.md has it")
    mean_ms: float = said("what it takes of the way, on average", "ms", low=0)
    share: float = share("of the way; all of them add up to 1")
    p50_ms: float | None = said("null: it is what the other stages leave", "ms", low=0)
    p99_ms: float | None = said("null: it is what the other stages leave", "ms", low=0)


@dataclass(frozen=True)
class CycleWay:
    """From a sensor's sample to a result, over the last one to two minutes."""

    mean_ms: float = said("of all of it", "ms")
    p50_ms: float = said("of all of it", "ms", low=0)
    p99_ms: float = said("of all of it", "ms", low=0)
    parts: tuple[CyclePart, ...] = said("the largest first")
    bottleneck: str = said("the largest, and the parameter that relieves it, in words")


@dataclass(frozen=True)
class Cycle:
    """Where the time goes."""

    modality: str = said("whose samples are followed; empty: nothing was measured yet")
    salience: CycleWay | None = said("to fused salience; null: nothing was measured yet")
    refinement: CycleWay | None = said("to the result of a plugin's own run; null: none ended")


@dataclass(frozen=True)
class Experiences:
    """What was kept since the gateway runs."""

    experiences: tuple[KeptExperience, ...] = said("the newest first, at most 50")


@dataclass(frozen=True)
class Remembered:
    """One answer of the memory."""

    experience: KeptExperience = said("")
    score: float = said("similarity, or salience where no meaning was asked for", low=-1, high=1)
    reason: str = said("why it is here, in words")


@dataclass(frozen=True)
class Recalled:
    """What the memory answers."""

    results: tuple[Remembered, ...] = said("best first")
    notes: tuple[str, ...] = said("what else is to be known, such as filters made of the words")
    declined: tuple[str, ...] = said("`ID: reason` of what came close")
    search_ms: float = said("time spent searching", "ms", low=0)


@dataclass(frozen=True)
class Behind:
    """What stands behind the dimensions of one modality; null: there was none."""

    modality: str = said("its name")
    prediction_error: float | None = said("distance from its prediction", low=0)
    usual_error: float | None = said("what that usually is", low=0)
    neighbour_distance: float | None = said("to the nearest that is remembered", low=0, high=1)
    neighbour_age_s: float | None = said("age of that", "s", low=0)
    cross_error: float | None = said("from what other modalities predict", low=0)
    cross_usual_error: float | None = said("what that usually is", low=0)


@dataclass(frozen=True)
class Explained:
    """Why a moment was or was not salient."""

    salience: SalienceNow = said("the nearest moment that is still known; grids are left out")
    behind: tuple[Behind, ...] = said("of each live modality")
    rank: float = said("share of the moments still known that were less salient", low=0, high=1)
    oldest_s: float = said("oldest moment still known, since 1970", "s")


@dataclass(frozen=True)
class Plugin:
    """One refinement plugin."""

    name: str = said("its name")
    package: str = said("that declares it, and its version; empty: it is not installed")
    meaning: str = said("what it does, in one line")
    needs: tuple[str, ...] = said("capabilities that it uses")
    host: str = said("thread or process")
    loaded: bool = said("it takes part in the budget")
    state: str = said("as in the event `budget`; empty: not loaded")
    reason: str = said("why it stopped or what it waits for, in words")
    trust: float | None = said("null: not loaded", low=0, high=1)
    trust_reason: str = said("what moved it last, in words")
    problem: str = said("why it cannot be loaded, in words; empty: it can be")


@dataclass(frozen=True)
class Plugins:
    """Those that are installed or loaded."""

    plugins: tuple[Plugin, ...] = said("by name")


@dataclass(frozen=True)
class ForgetPlan:
    """What would be forgotten, and the token that confirms it."""

    confirmation: str = said("to be given to `/api/forget`, once, with the same ids")
    valid_s: float = said("how long it holds", "s")
    ids: tuple[str, ...] = said("what would go for good, payloads too")


@dataclass(frozen=True)
class Forgotten:
    """What is gone for good."""

    forgotten: int = said("experiences", low=0)
    bytes_freed: int = said("of rows, vectors and payloads", "B", low=0)
