"""A modality, declared once: every table of the graph is made from these declarations.

A package declares one by a module that imports nothing heavy (classes are named, not imported),

    TEMPERATURE = ModalitySpec(
        name="temperature",
        encoder="thermometer.encoder_node:TemperatureEncoderNode",
        topic="/thermometer",
        type="sensor_msgs/msg/Temperature",
        rate_hz=5.0,
    )

and by an entry point of the same name in its `setup.py`:

    entry_points={"sage.modalities": ["temperature = thermometer.spec:TEMPERATURE"]}

It is then part of the graph, the launch files, the supervisor, status, explain, memory, record,
replay and lock-step. `graph.modalities` of a parameter file changes, adds or leaves out some
(docs/add_a_modality.md).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace

from sage_common.core.errors import InvalidInput
from sage_common.core.specs.entry_points import Registry, read

GROUP = "sage.modalities"
NAME = re.compile("(?!.{65})[a-z](_?[a-z0-9])*")
"""Of a modality: ROS 2 takes no two _ in a row, and its nodes are called `NAME_encoder`."""
NAME_FORM = "small letters, digits and _, at most 64 and no two _ in a row or _ at the end"
RESERVED = frozenset(
    {
        "attention",
        "battery_state",
        "budget",
        "camera",
        "experience",
        "foxglove",
        "fusion",
        "gateway",
        "governor",
        "heatmap",
        "imu",
        "joint_states",
        "markers",
        "memory",
        "microphone",
        "orchestrator",
        "outcome",
        "pose",
        "pressure",
        "recording",
        "refinement",
        "salience",
        "scorer",
        "speak",
        "speaker",
        "speaking",
        "state",
        "text",
        "vector",
        "vector_scorer",
    }
)
"""Names of SAGE's own nodes, and what its own topics begin with."""
TOPIC = re.compile(r"(/[A-Za-z_][A-Za-z0-9_]*)+")
TYPE = re.compile(r"[a-z][a-z0-9_]*/msg/[A-Z][A-Za-z0-9]*")
PATH = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
LAYOUTS = ("picture", "scroll", "body")
STREAMS = ("camera", "microphone", "imu", "text")
PAYLOADS = ("message", "picture", "sound", "motion", "none")
RATES_HZ = (0.001, 10_000.0)
EVENTS_BELOW_HZ = 2.0
"""What comes less often is taken for events: it is stale before the next one comes."""
Parameter = bool | int | float | str | tuple[str, ...] | tuple[float, ...]


@dataclass(frozen=True)
class ModalitySpec:
    """One modality.

    Attributes:
        name: 1 to 64 small letters, digits and _, no two _ in a row, no _ at the end, and none of
            `RESERVED`; its topics are `NAME/puzzle` and `NAME/salience`.
        meaning: what it senses, in one line.
        encoder: `module:Class` of its encoder node; empty: somebody else publishes its puzzles.
        topic: absolute name of its sensor's topic: recorded, replayed, kept by memory, and given
            to the encoder's parameter `topic`; empty: it has none of its own.
        type: of the topic, `package/msg/Type`.
        stream: which of SAGE's own sensors it comes from instead: camera, microphone, imu or
            text; empty: none of them.
        rate_hz: nominal rate of its puzzles, 0.001 to 10,000 [Hz]; 0: they come by events; None:
            unknown. Of what comes by events, or less often than 2 Hz, silence is no fault.
        layout: what the rows and columns of its puzzles are. picture: places; scroll: rows are
            bands, columns are time, newest at the right; body: a fixed table of the values that
            the embedding holds.
        summary: how many numbers at the end of its embedding sum up the newest sample; the scorer
            watches them by themselves, too. 0: none.
        places: `module:attribute` of what puts places of its puzzles into words
            (`sage_common.core.specs.places`); empty: like those of a picture.
        window_s: how long a percept looks back [s].
        words: its percepts carry words, which are what was sensed.
        payload: what memory keeps of its sensor. message: the message of the topic as it came
            (MCAP); picture, sound, motion: of SAGE's own sensors; none; or `module:function`, from
            the topic's message to a `sage_memory.core.experience.Payload`. For `message` and
            `module:function` the type must begin with a header.
        embedder: `module:function` that opens what `sage memory reembed` embeds payloads with
            after the encoder has changed: an object with `encoder_id`, `embed(content)` and
            `close()`. The content is a text of `words`, else that of the payload: a picture as
            uint8 RGB [h, w, 3], a sound as float32 [n] and its rate, others as bytes. Empty: none.
        parameters: of the encoder, where they differ from its own defaults.
        executable: `package/executable` that runs the encoder; empty: SAGE's container does.
        parameters_class: `module:Class` of the encoder's parameters, so that nobody has to import
            the encoder for them; needed with `executable`.
        on: part of every graph; False: only where a parameter file names it.
        order: place in lists; those of the same are in the order of their names.

    Raises:
        InvalidInput: a field has a wrong type or value.
    """

    name: str
    meaning: str = ""
    encoder: str = ""
    topic: str = ""
    type: str = ""
    stream: str = ""
    rate_hz: float | None = None
    layout: str = "picture"
    summary: int = 0
    places: str = ""
    window_s: float = 0.0
    words: bool = False
    payload: str = "message"
    embedder: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    executable: str = ""
    parameters_class: str = ""
    on: bool = True
    order: int = 100

    def __post_init__(self) -> None:
        self._check_types()
        self._check_form("name", NAME, NAME_FORM)
        if self.name in RESERVED:
            raise InvalidInput("name", self.name, "another one: SAGE uses this one itself")
        for path in ("encoder", "places", "embedder", "parameters_class"):
            self._check_form(path, PATH, "module:attribute", may_be_empty=True)
        self._check_form("topic", TOPIC, "an absolute name such as /scan", may_be_empty=True)
        self._check_form("type", TYPE, "package/msg/Type", may_be_empty=True)
        if bool(self.topic) != bool(self.type):
            raise InvalidInput("type", self.type, f"that of the topic {self.topic!r}")
        self._check_choice("layout", LAYOUTS)
        self._check_choice("stream", ("", *STREAMS))
        if not PATH.fullmatch(self.payload):
            self._check_choice("payload", PAYLOADS)
        low_hz, high_hz = RATES_HZ
        if self.rate_hz not in (None, 0) and not low_hz <= self.rate_hz <= high_hz:
            expected = f"{low_hz:g} to {high_hz:g} Hz, 0 for events, or None"
            raise InvalidInput("rate_hz", self.rate_hz, expected)
        if self.summary < 0:
            raise InvalidInput("summary", self.summary, "at least 0")
        if not 0.0 <= self.window_s < math.inf:
            raise InvalidInput("window_s", self.window_s, "a time of at least 0 s")
        self._check_executable()

    @property
    def is_event(self) -> bool:
        """Whether its silence is no fault."""
        return self.rate_hz is not None and self.rate_hz < EVENTS_BELOW_HZ

    def _check_types(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            kinds, expected = _TYPES[str(item.type)]
            is_wrong = not isinstance(value, kinds) or (
                isinstance(value, bool) and bool not in kinds
            )
            if is_wrong:
                raise InvalidInput(item.name, value, expected)

    def _check_form(
        self, name: str, form: re.Pattern[str], expected: str, may_be_empty: bool = False
    ) -> None:
        value: str = getattr(self, name)
        if not form.fullmatch(value) and (value or not may_be_empty):
            raise InvalidInput(name, value, expected)

    def _check_choice(self, name: str, choices: tuple[str, ...]) -> None:
        value: str = getattr(self, name)
        if value not in choices:
            known = ", ".join(choice or "nothing" for choice in choices)
            raise InvalidInput(name, value, f"one of {known}")

    def _check_executable(self) -> None:
        if not self.executable:
            return
        if self.executable.count("/") != 1 or not all(self.executable.split("/")):
            raise InvalidInput("executable", self.executable, "package/executable")
        if not self.parameters_class:
            raise InvalidInput("parameters_class", "", "that of the executable, module:Class")


_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "a string"),
    "bool": ((bool,), "True or False"),
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "float | None": ((int, float, type(None)), "a number or None"),
    "Mapping[str, Parameter]": ((Mapping,), "values by the names of parameters"),
}
UNDECLARED = ModalitySpec("undeclared", payload="none")
"""What holds for a modality that no package declares: nothing is known of it."""


def modalities() -> Registry[ModalitySpec]:
    """The modalities that installed packages declare."""
    return read(GROUP, ModalitySpec)


class ModalitySpecs(dict[str, ModalitySpec]):
    """What is declared of modalities, by name; `UNDECLARED` of one that no package declares.

    To be asked as `specs[name]`: `get` does not give `UNDECLARED`. What packages declare is found
    once a process; see `sage_common.core.specs.entry_points.refresh`.

    Args:
        instances: `MODALITY INSTALLED` each: another instance of a declared modality, which has
            what is declared of that.

    Attributes:
        missing: those instances of which no package declares the other, or whose name ends in _.

    Raises:
        InvalidInput: an instance of another form.
    """

    def __init__(self, instances: Iterable[str] = ()) -> None:
        declared = modalities().specs
        super().__init__(declared)
        missing: list[str] = []
        for text in instances:
            name, like = self.instance(text)
            if like in declared and NAME.fullmatch(name):
                self[name] = replace(declared[like], name=name)
            else:
                missing.append(text)
        self.missing = tuple(missing)

    @staticmethod
    def instance(text: str) -> tuple[str, str]:
        """Of `MODALITY INSTALLED` both.

        Raises:
            InvalidInput: it has another form.
        """
        name, _, like = text.partition(" ")
        # Stores of older versions may hold a name that ends in _, of which nothing could run.
        if not all(NAME.fullmatch(part.removesuffix("_")) for part in (name, like)):
            raise InvalidInput("instances", text, "MODALITY INSTALLED")
        return name, like

    def __missing__(self, _name: str) -> ModalitySpec:
        return UNDECLARED


def in_order(specs: Mapping[str, ModalitySpec]) -> tuple[ModalitySpec, ...]:
    """Specs in the order of lists."""
    return tuple(sorted(specs.values(), key=lambda spec: (spec.order, spec.name)))


def usual_modalities() -> tuple[str, ...]:
    """Names of those that are part of every graph, in the order of lists."""
    return tuple(spec.name for spec in in_order(modalities().specs) if spec.on)


def usual_events() -> tuple[str, ...]:
    """Names of those of them whose silence is no fault."""
    return tuple(s.name for s in in_order(modalities().specs) if s.on and s.is_event)


def camera_modality() -> str:
    """Name of the first that comes from a camera; empty if none does."""
    of_camera = (s.name for s in in_order(modalities().specs) if s.stream == "camera")
    return next(of_camera, "")
