"""The graph, described once: nodes, parameters and remappings for a profile and a source.

`sage run`, the launch files, the lock-step host, the docs and the tests all start from here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from sage.graph.catalogue import CATALOGUE, NODES, NodeKind, encoder_kind
from sage.graph.environment import config_folder
from sage.graph.modalities import GraphModality, graph_modalities
from sage.graph.modality_settings import (
    check_private,
    encoder_parameters,
    instances_of,
    settings_of,
    unfed,
)
from sage.graph.parameters import SECTION, graph_parameters
from sage.graph.settings import Files, left_out, node_values, plain, unread
from sage.sources.planning import plan_sensors
from sage_common.core.errors import InvalidInput
from sage_common.core.parameter_files import read_entries, values_for
from sage_common.core.parameters import (
    ParameterError,
    build,
    check_ros_parameters,
    is_ros_parameter,
    specs,
)
from sage_common.ros.checks import MAX_AGE_S, RECORDED
from sage_orchestrator.core.pressure.targets import MemoryTargets

PROFILES = ("nano", "thor")
NAMESPACE = re.compile(r"(?=.{1,128}$)(/|(/[A-Za-z_]\w*)+)", re.ASCII)


@dataclass(frozen=True)
class NodeSpec:
    """One node of a graph.

    Attributes:
        kind: key of the catalogue.
        name: node name.
        namespace: absolute namespace.
        parameters: checked, as YAML knows them; only those that differ from the default.
        remappings: topic names, old -> new.
        declared: what it is, where a spec says it and not the catalogue.
    """

    kind: str
    name: str
    namespace: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    remappings: Mapping[str, str] = field(default_factory=dict)
    declared: NodeKind | None = None

    @property
    def type(self) -> NodeKind:
        return self.declared or CATALOGUE[self.kind]

    @property
    def own_parameters(self) -> dict[str, Any]:
        """Those of its dataclass, without what rclpy itself declares."""
        return {k: v for k, v in self.parameters.items() if not is_ros_parameter(k)}

    def container_entry(self, log_level: str) -> dict[str, Any]:
        """This node as an entry of the container's `--graph` list."""
        return {
            "class": self.type.node_class,
            "name": self.name,
            "namespace": self.namespace,
            "parameters": dict(self.parameters),
            "remappings": dict(self.remappings),
            "log_level": log_level,
        }


@dataclass(frozen=True)
class GraphOptions:
    """What a user chooses.

    Attributes:
        profile: nano or thor.
        source: story, recording, live, topics, synthetic, a composition, a media file or a bag;
            see `plan_sensors`.
        camera: backend of the camera for the source `live`, or a device or file path.
        namespace: absolute namespace of the graph.
        home: SAGE home folder; empty: the default.
        config: the user's own parameter file; empty: none.
        use_sim_time: take the time from /clock.
        resume: continue from the saved state.
        loop: play a recording again and again.
        page: port at which the gateway serves its page; None: as the parameter files say.
        page_acts: who has the token of that page may act.
        foxglove: port at which Foxglove's viewers are served; None: as the parameter files say.
    """

    profile: str = "nano"
    source: str = "recording"
    camera: str = "auto"
    namespace: str = "/sage"
    home: str = ""
    config: str = ""
    use_sim_time: bool = False
    resume: bool = True
    loop: bool = True
    page: int | None = None
    page_acts: bool = True
    foxglove: int | None = None


@dataclass(frozen=True)
class Graph:
    """Nodes to start, and what to tell the user.

    Attributes:
        options: what was asked for.
        nodes: in order of start; consumers before producers, so that nothing is missed.
        backends: for each stream, what stands behind it: a file, a device, synthetic.
        device: cpu or cuda.
        notes: what the user should know, in words.
        modalities: of the graph, in the order of lists.
        warnings: those of the notes that tell of something that will not work as it was asked for.
    """

    options: GraphOptions
    nodes: tuple[NodeSpec, ...]
    backends: Mapping[str, str]
    device: str
    notes: tuple[str, ...]
    modalities: tuple[GraphModality, ...] = ()
    warnings: tuple[str, ...] = ()


def describe(options: GraphOptions) -> Graph:
    """The graph for the user's choice.

    Raises:
        InvalidInput: an option, a parameter file or a variable of the environment that the
            governor reads is wrong; the field is named.
        FileNotFoundError: a file that was named does not exist.
    """
    if options.profile not in PROFILES:
        raise InvalidInput("profile", options.profile, "nano or thor")
    if not NAMESPACE.fullmatch(options.namespace):
        expected = "an absolute name such as /sage, of at most 128 characters"
        raise InvalidInput("namespace", options.namespace, expected)
    MemoryTargets.of_environment(os.environ)
    device, device_notes = _device(options.profile)
    files = _files(options)
    section = _section(files, options.namespace)
    beside = graph_parameters(section)
    modalities, faults = graph_modalities(section, SECTION)
    own = tuple(m.spec for m in modalities if not m.spec.stream)
    sensors = plan_sensors(options.source, options.camera, options.namespace, options.loop, own)
    nodes = _processing_nodes(options.namespace, modalities, beside.vectors)
    nodes += (NodeSpec("speaker", "speaker", options.namespace),) if beside.speaks else ()
    nodes += _gateway(options, beside.page)
    nodes += _foxglove(options, beside.foxglove)
    nodes += _encoders(options.namespace, modalities)
    nodes += tuple(NodeSpec(s.kind, s.name, options.namespace, s.parameters) for s in sensors.nodes)
    file_notes = _left_out(files, nodes, options.namespace)
    nodes = tuple(_with_parameters(node, files, options, modalities) for node in nodes)
    check_private(nodes, modalities)
    asked = {m.name for m in modalities if m.asked}
    lacking = [text for name, text in sensors.lacking.items() if name in asked]
    waiting = (unread(n.name, n.type.parameters_type(), n.parameters) for n in nodes)
    warnings = (*faults, *sensors.warnings, *lacking, *unfed(nodes), *chain(*waiting))
    # A file may say it of all nodes; what stands beside them must follow the same clock.
    simulated = all(node.parameters.get("use_sim_time") for node in nodes)
    return Graph(
        options=replace(options, use_sim_time=simulated),
        nodes=nodes,
        backends={**{m.name: f"topic:{m.topic}" for m in own if m.topic}, **sensors.backends},
        device=device,
        notes=(
            *device_notes,
            *sensors.notes,
            *(text for name, text in sensors.lacking.items() if name not in asked),
            *file_notes,
            *_clock_notes(options),
            *warnings,
        ),
        modalities=modalities,
        warnings=warnings,
    )


def _processing_nodes(
    namespace: str, modalities: tuple[GraphModality, ...], vectors: tuple[str, ...]
) -> tuple[NodeSpec, ...]:
    single = ("memory", "governor", "orchestrator", "attention", "fusion")
    nodes = [NodeSpec(kind, kind, namespace) for kind in single]
    nodes += [
        NodeSpec(
            "scorer",
            f"{modality.name}_scorer",
            namespace,
            {"modality": modality.name},
        )
        for modality in modalities
    ]
    nodes += [
        NodeSpec("vector_scorer", f"{name}_scorer", namespace, {"modality": name})
        for name in vectors
    ]
    return tuple(nodes)


def _gateway(options: GraphOptions, is_asked: bool) -> tuple[NodeSpec, ...]:
    if options.page is None:
        return (NodeSpec("gateway", "gateway", options.namespace),) if is_asked else ()
    values = {"port": options.page, "allow_actions": options.page_acts}
    return (NodeSpec("gateway", "gateway", options.namespace, values),)


def _foxglove(options: GraphOptions, is_asked: bool) -> tuple[NodeSpec, ...]:
    if options.foxglove is None and not is_asked:
        return ()
    values = {} if options.foxglove is None else {"port": options.foxglove}
    return (NodeSpec("foxglove", "foxglove", options.namespace, values),)


def _encoders(namespace: str, modalities: tuple[GraphModality, ...]) -> tuple[NodeSpec, ...]:
    nodes = []
    for modality in modalities:
        if modality.spec.encoder:
            kind = encoder_kind(modality.spec)
            nodes.append(
                NodeSpec(
                    f"{modality.like or modality.name}_encoder",
                    f"{modality.name}_encoder",
                    namespace,
                    encoder_parameters(modality, kind),
                    declared=kind,
                )
            )
    return tuple(nodes)


def _files(options: GraphOptions) -> Files:
    """The parameter files, the strongest last."""
    folder = config_folder()
    paths = [folder / "base.yaml", folder / f"{options.profile}.yaml"]
    paths += [Path(options.config)] if options.config else []
    return [read_entries(path) for path in paths]


def _section(files: Files, namespace: str) -> dict[str, Any]:
    """What the files say of the graph itself."""
    values: dict[str, Any] = {}
    for entries in files:
        values.update(values_for(entries, namespace, SECTION, SECTION))
    return values


def _left_out(files: Files, nodes: tuple[NodeSpec, ...], namespace: str) -> list[str]:
    """What the files say to others, a line a file."""
    # A file may name any node that some source has, so one file serves all sources.
    names = {SECTION, *CATALOGUE, *(node.name for node in nodes)}
    kinds = (*NODES.values(), *(node.type for node in nodes))
    known = {spec.name for kind in kinds for spec in specs(kind.parameters_type())}
    notes = (left_out(entries, namespace, names, known) for entries in files)
    return [note for note in notes if note]


def _with_parameters(
    node: NodeSpec, files: Files, options: GraphOptions, modalities: tuple[GraphModality, ...]
) -> NodeSpec:
    common: dict[str, Any] = {} if options.resume else {"resume": False}
    if options.home:
        common["home"] = options.home
    if instances := instances_of(modalities):
        common["instances"] = instances
    parameters_type = node.type.parameters_type()
    known = {spec.name for spec in specs(parameters_type)}
    given = node_values(files, node.namespace, node.kind, node.name, known)
    if node.declared is None:
        asked = settings_of(modalities, parameters_type)
    else:
        (asked,) = (m.spec.parameters for m in modalities if f"{m.name}_encoder" == node.name)
    values = {**asked, **given, **common, **node.parameters}
    try:
        check_ros_parameters(values)
        build(parameters_type, {k: v for k, v in values.items() if not is_ros_parameter(k)})
    except ParameterError as error:
        raise ParameterError(f"{node.name}: {error}") from error
    if options.use_sim_time:
        values["use_sim_time"] = True
    return replace(node, parameters=plain(values))


def _clock_notes(options: GraphOptions) -> tuple[str, ...]:
    """What the source `topics` needs of whoever plays a bag beside it."""
    if options.source != "topics":
        return ()
    if options.use_sim_time:
        return ("time is taken from /clock: play a bag with `ros2 bag play --clock BAG`",)
    return (f"messages more than {MAX_AGE_S:g} s old are refused; {RECORDED}",)


def _device(profile: str) -> tuple[str, tuple[str, ...]]:
    import onnxruntime

    providers = onnxruntime.get_available_providers()
    has_gpu = "CUDAExecutionProvider" in providers or "TensorrtExecutionProvider" in providers
    if has_gpu:
        return "cuda", ()
    if profile == "thor":
        return "cpu", ("profile thor: ONNX Runtime offers no GPU here, so models run on the CPU",)
    return "cpu", ()
