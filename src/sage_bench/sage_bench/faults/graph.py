"""The graph on whose nodes faults are tried: every kind that there is, and a driver beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from sage.graph.catalogue import CONTAINER, NodeKind
from sage.graph.description import Graph, GraphOptions, NodeSpec, describe
from sage_bench.faults.driver_node import DRIVER, STREAM

CHECKPOINT_S = 2.0
"""State is written so often, that a fault of a few seconds meets it."""
PLUGGED = {"camera": "Camera", "microphone": "Microphone", "imu": "Imu"}
SETTINGS = f"""\
/**:
  ros__parameters:
    checkpoint_period_s: {CHECKPOINT_S}
graph:
  ros__parameters:
    speaks: true
    page: true
    vectors: [{STREAM}]
fusion:
  ros__parameters:
    modalities: [vision, audio, language, proprioception, {STREAM}]
gateway:
  ros__parameters:
    port: 0
"""
CAPTIONS = "".join(
    f"{n}\n00:00:{n:02d},000 --> 00:00:{n:02d},400\n"
    f"a person walks past house number {n}\n\n"
    f"{n}\n00:00:{n:02d},500 --> 00:00:{n:02d},900\n"
    f"a person walks past shop number {n}\n\n"
    for n in range(50)
)
"""Two a second."""
VOICE = "#!/bin/sh\nexec sleep 0.4\n"
"""Stands in for a program that speaks, under its name."""


def make_graph(work: Path) -> Graph:
    """The graph, with its home in `work`; files that its nodes read are written there.

    Raises:
        OSError: they cannot be.
    """
    settings, captions = work / "faults.yaml", work / "words.srt"
    settings.write_text(SETTINGS)
    captions.write_text(CAPTIONS)
    voice = work / "bin" / "flite"
    voice.parent.mkdir()
    voice.write_text(VOICE)
    voice.chmod(0o700)
    home = work / "home"
    home.mkdir()
    graph = describe(GraphOptions(source="synthetic", home=str(home), config=str(settings)))
    common = {"home": str(home)}
    nodes = [_plugged(node) for node in graph.nodes]
    text = {**common, "backend": "file", "path": str(captions), "loop": True}
    nodes.append(NodeSpec("text", "text", graph.options.namespace, text))
    nodes.append(_own(DRIVER, "driver_node:Driver", graph.options.namespace, common))
    return replace(graph, nodes=tuple(nodes))


def feeds(graph: Graph) -> dict[str, tuple[str, ...]]:
    """Of each node that publishes only when it is given something: the nodes that give it."""
    names = {node.name for node in graph.nodes}
    found: dict[str, tuple[str, ...]] = {f"{STREAM}_scorer": (DRIVER,), "speaker": (DRIVER,)}
    for modality in graph.modalities:
        encoder, scorer = f"{modality.name}_encoder", f"{modality.name}_scorer"
        sensor = str(modality.spec.stream)
        if {encoder, sensor} <= names:
            found |= {encoder: (sensor,), scorer: (encoder,)}
    found["fusion"] = tuple(name for name in found if name.endswith("_scorer"))
    found["attention"] = ("fusion",)
    return found


def _plugged(node: NodeSpec) -> NodeSpec:
    class_name = PLUGGED.get(node.kind)
    if class_name is None:
        return node
    module = "sage_bench.faults.doubles"
    kind = replace(
        node.type, package="sage_bench", executable=CONTAINER,
        node_class=f"{module}:Plugged{class_name}",
    )  # fmt: skip
    return replace(node, declared=kind)


def _own(name: str, place: str, namespace: str, parameters: Mapping[str, str]) -> NodeSpec:
    module = f"sage_bench.faults.{place}"
    kind = NodeKind("sage_bench", CONTAINER, f"{module}Node", f"{module}Parameters", False)
    return NodeSpec(name, name, namespace, parameters, declared=kind)
