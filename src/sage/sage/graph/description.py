"""The graph, described once: nodes, parameters and remappings for a profile and a source.

`sage run`, the launch files, the lock-step host, the docs and the tests all start from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sage.graph.catalogue import CATALOGUE, MODALITIES, NodeKind
from sage.graph.environment import config_folder
from sage.graph.parameters import SECTION, graph_parameters
from sage.graph.sensor_plan import SensorNode, SensorPlan
from sage.graph.settings import Settings, check_node_names, layer, plain, read_settings
from sage.graph.sources import plan_sensors
from sage_common.core.errors import InvalidInput
from sage_common.core.parameters import ParameterError, build

PROFILES = ("nano", "thor")


@dataclass(frozen=True)
class NodeSpec:
    """One node of a graph.

    Attributes:
        kind: key of the catalogue.
        name: node name.
        namespace: absolute namespace.
        parameters: checked, as YAML knows them; only those that differ from the default.
        remappings: topic names, old -> new.
    """

    kind: str
    name: str
    namespace: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    remappings: Mapping[str, str] = field(default_factory=dict)

    @property
    def type(self) -> NodeKind:
        return CATALOGUE[self.kind]

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
        source: recording, live, topics, a media file or a bag; see `plan_sensors`.
        camera: backend of the camera for the source `live`, or a device or file path.
        namespace: absolute namespace of the graph.
        home: SAGE home folder; empty: the default.
        config: the user's own parameter file; empty: none.
        use_sim_time: take the time from /clock.
        resume: continue from the saved state.
        loop: play a recording again and again.
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


@dataclass(frozen=True)
class Graph:
    """Nodes to start, and what to tell the user.

    Attributes:
        options: what was asked for.
        nodes: in order of start; consumers before producers, so that nothing is missed.
        backends: for each stream, what stands behind it: a file, a device, synthetic.
        device: cpu or cuda.
        notes: what the user should know, in words.
    """

    options: GraphOptions
    nodes: tuple[NodeSpec, ...]
    backends: Mapping[str, str]
    device: str
    notes: tuple[str, ...]


def describe(options: GraphOptions) -> Graph:
    """The graph for the user's choice.

    Raises:
        InvalidInput: an option or a parameter file is wrong; the field is named.
        FileNotFoundError: a file that was named does not exist.
    """
    if options.profile not in PROFILES:
        raise InvalidInput("profile", options.profile, "nano or thor")
    if not options.namespace.startswith("/"):
        raise InvalidInput("namespace", options.namespace, "an absolute name such as /sage")
    sensors = plan_sensors(options.source, options.camera, options.namespace, options.loop)
    device, device_notes = _device(options.profile)
    files = _files(options)
    settings = layer(files.values())
    vectors = graph_parameters(settings.get(SECTION, {})).vectors
    nodes = _processing_nodes(options.namespace, vectors)
    nodes += _sensor_nodes(sensors, options.namespace)
    # A file may name any node that some source has, so one file serves all sources.
    known = {SECTION, *CATALOGUE, *(node.name for node in nodes)}
    for where, given in files.items():
        check_node_names(given, known, where)
    return Graph(
        options=options,
        nodes=tuple(_with_parameters(node, settings, options) for node in nodes),
        backends=sensors.backends,
        device=device,
        notes=(*device_notes, *sensors.notes),
    )


def _processing_nodes(namespace: str, vectors: tuple[str, ...]) -> tuple[NodeSpec, ...]:
    single = ("memory", "orchestrator", "attention", "fusion")
    nodes = [NodeSpec(kind, kind, namespace) for kind in single]
    nodes += [
        NodeSpec("scorer", f"{modality}_scorer", namespace, {"modality": modality})
        for modality in MODALITIES
    ]
    nodes += [
        NodeSpec("vector_scorer", f"{name}_scorer", namespace, {"modality": name})
        for name in vectors
    ]
    nodes += [NodeSpec(f"{m}_encoder", f"{m}_encoder", namespace) for m in MODALITIES]
    return tuple(nodes)


def _sensor_nodes(plan: SensorPlan, namespace: str) -> tuple[NodeSpec, ...]:
    return tuple(_sensor_node(sensor, namespace) for sensor in plan.nodes)


def _sensor_node(sensor: SensorNode, namespace: str) -> NodeSpec:
    return NodeSpec(sensor.kind, sensor.name, namespace, sensor.parameters)


def _files(options: GraphOptions) -> dict[str, Settings]:
    """The parameter files by what they are called in an error, the strongest last."""
    folder = config_folder()
    files = {
        name: read_settings(folder / name) for name in ("base.yaml", f"{options.profile}.yaml")
    }
    if options.config:
        files[options.config] = read_settings(Path(options.config))
    return files


def _with_parameters(node: NodeSpec, settings: Settings, options: GraphOptions) -> NodeSpec:
    common: dict[str, Any] = {} if options.resume else {"resume": False}
    if options.home:
        common["home"] = options.home
    of_kind = settings.get(node.kind, {})
    of_name = settings.get(node.name, {}) if node.name != node.kind else {}
    values = {**of_kind, **of_name, **common, **node.parameters}
    try:
        build(node.type.parameters_type(), values)
    except ParameterError as error:
        raise ParameterError(f"{node.name}: {error}") from error
    if options.use_sim_time:
        values["use_sim_time"] = True
    return replace(node, parameters=plain(values))


def _device(profile: str) -> tuple[str, tuple[str, ...]]:
    import onnxruntime

    providers = onnxruntime.get_available_providers()
    has_gpu = "CUDAExecutionProvider" in providers or "TensorrtExecutionProvider" in providers
    if has_gpu:
        return "cuda", ()
    if profile == "thor":
        return "cpu", ("profile thor: ONNX Runtime offers no GPU here, so models run on the CPU",)
    return "cpu", ()
