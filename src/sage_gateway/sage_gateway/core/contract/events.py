"""What the stream `/api/events` carries."""

from __future__ import annotations

from dataclasses import dataclass

from sage_gateway.core.contract.field import said, share

_STAMP = "of the percept, since 1970"


@dataclass(frozen=True)
class Hello:
    """The first event of every stream, and the answer of `/api/status`."""

    contract: int = said("version of this contract; it is raised when a field changes or goes")
    version: str = said("of SAGE")
    namespace: str = said("of the graph")
    time_s: float = said("now, by the clock of the graph, since 1970", "s")
    allow_actions: bool = said("false: read-only, every POST but `/api/session` is refused")
    camera: str = said("the camera that is shown; empty: none")
    modalities: tuple[str, ...] = said("of the graph, in the order of lists")
    sensors: dict[str, str] = said(
        "by stream (camera, microphone, imu, text) what stands behind it, as its node says: a "
        "device, a file, a synthetic signal; what has not been heard of is missing"
    )
    viewers: int = said("streams that are open, this one included", low=0)


@dataclass(frozen=True)
class Sources:
    """What really stands behind the sensors now."""

    sensors: dict[str, str] = said("as of the event `hello`")
    mixed: str = said(
        "what a composition mixes into its recordings now, whose it is and how, in words; empty: "
        "nothing, or no composition is played"
    )


@dataclass(frozen=True)
class ModalitySalience:
    """One modality at the moment."""

    modality: str = said("its name")
    live: bool = said("false: nothing fresh comes from it, and all but the name is empty or null")
    source: str = said("the sensor")
    stamp_s: float | None = said(_STAMP, "s")
    weight: float | None = share("in fusion")
    total: float | None = share("its own salience; 0.5: as rare as a false alarm")
    surprise: float | None = share("error of its predictor, against its own past")
    novelty: float | None = share("distance to what it remembers")
    arousal: float | None = share("intensity and change")
    reward: float | None = share("learned value; 0.5: unknown")
    conflict: float | None = share("disagreement with other modalities; null: unknown")
    alarms_per_hour: float | None = said(
        "how often it says as much while nothing happens", "1/h", low=0
    )
    habituation: float | None = share("share that repetition has taken away")
    reason: str = said("the main cause, in words")
    grid_rows: int = said("of `grid`; 0: it has none", low=0)
    grid_columns: int = said("of `grid`; 0: it has none", low=0)
    grid: tuple[float, ...] = share("where in the percept, row by row from the top")


@dataclass(frozen=True)
class SalienceNow:
    """What matters now, and why."""

    stamp_s: float = said(_STAMP + "; it names the moment in `/api/explain`", "s")
    valid: bool = said("false: no modality is live, and `total` is 0")
    total: float = share("fused salience; 0.5: as rare as a false alarm")
    alarms_per_hour: float | None = said(
        "how often as much is said while nothing happens; null while not valid", "1/h", low=0
    )
    reason: str = said("in words; why not, while not valid")
    dominant: str = said("the modality that contributes most; empty: none")
    conflict: float = share("strongest of all")
    latency_ms: float = said("from the sensor's sample to this", "ms", low=0)
    modalities: tuple[ModalitySalience, ...] = said("all of the graph, in the order of lists")


@dataclass(frozen=True)
class AttentionNow:
    """Where to look, listen or feel next: fractions of the percept, from its top left."""

    stamp_s: float = said(_STAMP, "s")
    valid: bool = said("false: nothing to attend to")
    modality: str = said("attended")
    source: str = said("the sensor")
    x_min: float = share("left")
    y_min: float = share("top")
    x_max: float = share("right")
    y_max: float = share("bottom")
    confidence: float = share("share of the grid's salience inside")
    salience: float = share("fused, when it was chosen")
    place: str = said("the region in words")
    reason: str = said("why here, in words; why not, while not valid")


@dataclass(frozen=True)
class CameraNow:
    """A new picture can be fetched."""

    stamp_s: float = said(_STAMP, "s")
    url: str = said("of the newest picture (JPEG)")
    width: int = said("of that picture", "px", low=1)
    height: int = said("of that picture", "px", low=1)


@dataclass(frozen=True)
class PuzzleNow:
    """One modality as the graph sees it."""

    modality: str = said("its name")
    source: str = said("the sensor")
    stamp_s: float = said(_STAMP, "s")
    codes: str = said("900 digits 0 to 9, 30 rows of 30 from the top; higher: more")
    text: str = said("the words, of language")


@dataclass(frozen=True)
class Puzzles:
    """The newest puzzles of all modalities that had one since the stream began."""

    puzzles: tuple[PuzzleNow, ...] = said("by modality, in the order of lists")


@dataclass(frozen=True)
class PluginBudgetNow:
    """One plugin in the last cycle."""

    name: str = said("of the plugin")
    state: str = said("idle, running, done, spent, timed_out, failed or isolated")
    trust: float = share("0.05 to 1")
    salience: float = share("of what it works on")
    requested_atp: float = said("asked for", "ATP", low=0)
    allocated_atp: float = said("its share", "ATP", low=0)
    spent_atp: float = said("measured", "ATP", low=0)
    steps: int = said("made in the cycle", low=0)
    failures: int = said("since the start", low=0)
    reason: str = said("why it stopped, or what it waits for, in words")


@dataclass(frozen=True)
class BudgetNow:
    """Where the compute of the last cycle went; 1 ATP is 0.1 ms of one worker."""

    stamp_s: float = said("end of the cycle, since 1970", "s")
    cycle: int = said("its number, from 1", low=0)
    cycle_ms: float = said("its length", "ms", low=0)
    budget_atp: float = said("what it could spend", "ATP", low=0)
    allocated_atp: float = said("handed out", "ATP", low=0)
    spent_atp: float = said("measured", "ATP", low=0)
    returned_atp: float = said("given back and taken by nobody", "ATP", low=0)
    rating: float = share("part of its promise that the processor keeps")
    plugins: tuple[PluginBudgetNow, ...] = said("all that are loaded, by name")


@dataclass(frozen=True)
class Transition:
    """One change of the metabolic state."""

    stamp_s: float = said("when, since 1970", "s")
    previous: str = said("the state before")
    state: str = said("the state after")
    reason: str = said("why, in words")


@dataclass(frozen=True)
class StateNow:
    """The metabolic state and what it governs."""

    state: str = said("WAKE, FOCUS, REST, DREAM or CRISIS")
    previous: str = said("the state before")
    reason: str = said("why it was entered, in words")
    since_s: float | None = said("when it was entered, since 1970; null: at the start", "s")
    forced_until_s: float | None = said("end of a state that somebody forced; null: none", "s")
    energy_reserve: float = share("what is left")
    energy_source: str = said("what that is known from: battery, board power or budget use")
    energy_fault: str = said("why a battery is not believed, in words; empty: it is")
    charging: bool = said("the battery is being charged, or full")
    cycle_ms: float = said("length of a budget cycle", "ms", low=0)
    budget_atp: float = said("what plugins may spend in a cycle", "ATP", low=0)
    plugins: tuple[str, ...] = said("those that may begin a run; `*`: all")
    learning: bool = said("scorers and fusion learn")
    consolidation: bool = said("the memory sleeps")
    transitions: tuple[Transition, ...] = said("the newest, the oldest first")


@dataclass(frozen=True)
class ProcessNow:
    """One process of the graph."""

    name: str = said("of the process")
    pid: int = said("its number", low=0)
    pss_mb: float = said("proportional set size", "MB", low=0)


@dataclass(frozen=True)
class PressureNow:
    """How tight memory is, and how the board is; null: the kernel or the board does not say."""

    stamp_s: float = said("of the reading, since 1970", "s")
    level: str = said("green, yellow, orange, red or critical")
    reason: str = said("why this level, in words")
    method: str = said("what it is read from, in words")
    forced: bool = said("a person has set it")
    some_avg10: float | None = said("of 10 s, in which some task stalled on memory", "%", 0, 100)
    full_avg10: float | None = said("of 10 s, in which all tasks stalled on memory", "%", 0, 100)
    available_mb: float | None = said("memory that can still be taken", "MB", low=0)
    temperature_c: float | None = said("of the hottest zone", "°C")
    power_w: float | None = said("of the board", "W", low=0)
    clock_mhz: float | None = said("mean of the processors", "MHz", low=0)
    gpu_used_mb: float | None = said("GPU memory in use; null: there is no GPU", "MB", low=0)
    gpu_total_mb: float | None = said("GPU memory; null: there is no GPU", "MB", low=0)
    shed: tuple[str, ...] = said("nodes that were deactivated to give memory back")
    processes: tuple[ProcessNow, ...] = said("of the graph")


@dataclass(frozen=True)
class Payload:
    """What was kept verbatim of an experience."""

    sha256: str = said("64 hexadecimal digits: its name")
    media_type: str = said("image/webp, audio/flac, text/csv, or that of a message")
    url: str = said("of the payload as it was kept: of a sound what an audio element plays")
    picture_url: str | None = said(
        "of a picture of it (WebP, at most 320 px): the frame, or the spectrum of a sound; null: "
        "it has none"
    )


@dataclass(frozen=True)
class Place:
    """Where something was experienced."""

    frame: str = said("of the coordinates")
    x: float = said("", "m")
    y: float = said("", "m")
    z: float = said("", "m")


@dataclass(frozen=True)
class KeptExperience:
    """A moment that the memory keeps."""

    id: str = said("UUID, for pin, forget and outcome")
    stamp_s: float = said(_STAMP + "; it names the moment in `/api/explain`", "s")
    start_s: float = said("first sample that it covers, since 1970", "s")
    end_s: float = said("last sample that it covers, since 1970", "s")
    modality: str = said("of the percept")
    source: str = said("the sensor")
    entity: str = said("who or what it is about; empty: not known")
    total: float = share("fused salience when it was kept")
    surprise: float = share("")
    novelty: float = share("")
    arousal: float = share("")
    reward: float = share("0.5: unknown")
    conflict: float = share("")
    reason: str = said("why it was kept, in words")
    text: str = said("words around it, or what was recognised; empty: none")
    place: Place | None = said("where; null: not known")
    payload: Payload | None = said("what was kept verbatim; null: nothing")
    covers: int = said("moments that this summary stands for; 0: it is a moment itself", low=0)
    pinned: bool = said("it is never evicted")


@dataclass(frozen=True)
class RefinementDone:
    """What a plugin made of a percept."""

    stamp_s: float = said(_STAMP, "s")
    plugin: str = said("its name")
    modality: str = said("of the percept")
    source: str = said("the sensor")
    ordered: bool = said("asked for by hand")
    answer: str = said("in words; empty: none")
    labels: tuple[str, ...] = said("what it recognised, best first")
    energy: float | None = said("after its last step, lower is better; null: it made none")
    spent_atp: float = said("measured", "ATP", low=0)
    steps: int = said("made", low=0)
    state: str = said("done, spent, timed_out or failed")
    reason: str = said("why it stopped, in words")


@dataclass(frozen=True)
class Alert:
    """One cause of what is not well."""

    name: str = said("of the node or process; of a topic, where no node that is at fault gives it")
    level: str = said("warn, error, silent (no status comes any more) or ended")
    message: str = said("what is wrong, in words")
    since_s: float = said("when it became so, since 1970", "s")
    consequences: tuple[str, ...] = said("nodes that are at fault only because of it")


@dataclass(frozen=True)
class Alerts:
    """All that is not well now, by cause; sent when that changes, the worst first."""

    alerts: tuple[Alert, ...] = said("empty: all is well")


@dataclass(frozen=True)
class HistoryPoint:
    """One second of the past."""

    time_s: float = said("its end, since 1970", "s")
    total: float | None = share("most fused salience in it; null: none came")
    stamp_s: float | None = said("of that moment, for `/api/explain`", "s")
    reason: str = said("of that moment, in words; empty: nothing came")
    dominant: str = said("of that moment; empty: none")
    modalities: dict[str, float] = share("salience of each live modality at that moment")
    spent_atp: float | None = said("by all plugins in the second; null: no cycle ended", "ATP")
    budget_atp: float | None = said("that could be spent in the second", "ATP")
    spent_by: dict[str, float] = said("the same by plugin", "ATP")
    trust: dict[str, float] = share("of each loaded plugin")
    state: str = said("metabolic state; empty: not known")
    pressure: str = said("level; empty: not known")
    energy_reserve: float | None = share("null: not known")
    temperature_c: float | None = said("null: not known", "°C")
    power_w: float | None = said("null: not known", "W")
    experiences: int = said("that were kept in it", low=0)


@dataclass(frozen=True)
class Job:
    """Something that takes a while: a refinement by hand, or sleep."""

    job: int = said("its number, for `/api/jobs/cancel`", low=1)
    kind: str = said("refine or sleep")
    state: str = said("running, done, failed or cancelled")
    progress: float | None = share("null: not known")
    message: str = said("the stage, then what came of it, in words")
    result: dict[str, object] = said(
        "once done: the fields of the action's result, without texts of more than 2,048 characters"
    )


@dataclass(frozen=True)
class Bye:
    """The last event, where the graph ends as it should."""

    reason: str = said("in words")
