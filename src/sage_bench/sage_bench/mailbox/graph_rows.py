"""Rows of frames in the graph, with and without the mailbox: latency, CPU, memory, copies."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sage_bench.encoders.section import Figures, Setting
from sage_bench.mailbox.frame_nodes import CAMERA
from sage_bench.mailbox.staged_graph import NAMESPACE, Entry, StagedGraph, staged
from sage_bench.result import Row, row_of_samples
from sage_common.ros.tensors.handles import mailbox_name
from sage_cuda_mailbox import TensorMailbox

VIDEO = Path("video/gopro_max_walk.mp4")
SIZES = {"848x480": (848, 480), "1080p": (1920, 1080)}
FRAME_SIZE = "1080p"
HOMES = {True: "in one process", False: "a process a node"}
WAYS = {"auto": "mailbox", "image": "images"}
TRANSPORT_GOAL = 2.0
COPIES_GOALS = {True: 0.0, False: 1.0}
QUIET_S, WARM_UP_FRAMES = 5.0, 60
FRAMES_S, FRAMES_QUICK_S = 7.0, 2.0
NOTE = (
    "graph rows: recording and vision encoder, 30 frames/s, as the graph runs them; 1080p is the "
    "same walk scaled up. 'images': the encoder takes sensor_msgs/Image, by reference in one "
    "process and through Fast DDS's shared memory between processes"
)
TRANSPORT_NOTE = (
    "transport through the graph: two nodes of SAGE that hand frames over and do nothing else; "
    "CPU of all their processes, less what they take while they tick without frames"
)
COPIES_NOTE = (
    "payload copies: counted by the mailbox itself (`copied` of `published`); what draws a frame, "
    "such as FFmpeg's conversion, writes it into its slot and is no copy of the transport's"
)


@dataclass(frozen=True)
class Seen:
    """What one run of recording and encoder showed; `copies`: a frame, None without a mailbox."""

    latencies_ms: list[float]
    cpu_percent: float
    pss_mb: float
    copies: float | None
    transport: str


@dataclass(frozen=True)
class Handed:
    """What handing frames over took, over ticking alone [% of a core], and how late they were."""

    cpu_percent: float
    p50_us: float
    p99_us: float
    frames: int


def graph_rows(setting: Setting) -> Figures:
    """Recording and vision encoder by size, in one process and in two."""
    video = setting.file(VIDEO)
    rows: list[Row] = []
    for size in (FRAME_SIZE,) if setting.quick else SIZES:
        for composed, where in HOMES.items():
            with_mailbox, with_images = (
                _recording_and_encoder(video, size, composed, way, setting.quick) for way in WAYS
            )
            rows += _rows_of(f"graph at {size}, {where}", with_mailbox, with_images)
            if size == FRAME_SIZE and with_mailbox.copies is not None:
                name = f"payload copies of a 1080p frame, {where}"
                rows.append(Row(name, with_mailbox.copies, "", COPIES_GOALS[composed]))
    return Figures(tuple(rows), (NOTE, COPIES_NOTE))


def transport_rows(setting: Setting) -> Figures:
    """Handing 1080p frames over at 30 Hz, between nodes that do nothing else."""
    rows: list[Row] = []
    for composed, where in HOMES.items():
        mailbox, images = (_talk(composed, way, setting.quick) for way in WAYS)
        head = f"1080p at 30 Hz through the graph, {where}"
        rows += [
            Row(f"{head}, CPU of the transport", mailbox.cpu_percent, "% of a core",
                TRANSPORT_GOAL, baselines={"images": images.cpu_percent}, samples=mailbox.frames),
            Row(f"{head}, latency p50", mailbox.p50_us, "us",
                baselines={"images": images.p50_us}, samples=mailbox.frames),
            Row(f"{head}, latency p99", mailbox.p99_us, "us",
                baselines={"images": images.p99_us}, samples=mailbox.frames),
        ]  # fmt: skip
    return Figures(tuple(rows), (TRANSPORT_NOTE,))


def _recording_and_encoder(video: Path, size: str, composed: bool, way: str, quick: bool) -> Seen:
    width_px, height_px = SIZES[size]
    played = {"media": str(video), "width_px": width_px, "height_px": height_px}
    with tempfile.TemporaryDirectory(prefix="sage_bench_") as folder:
        home = {"home": folder, "resume": False}
        entries = (
            Entry("sage_encoders.nodes.vision_encoder_node:VisionEncoderNode", "vision_encoder",
                  {"transport": way, **home}),
            Entry("sage_sensors.nodes.recording_node:RecordingNode", "recording",
                  {**played, **home}),
        )  # fmt: skip
        with staged(entries, composed, Path(folder)) as graph:
            latencies_ms = graph.watcher.latencies_ms
            graph.wait_until(lambda: len(latencies_ms) >= WARM_UP_FRAMES, "puzzles of the walk")
            first = len(latencies_ms)
            counted = _counted(graph) if way == "auto" else {}
            cpu_percent = graph.cpu_percent(FRAMES_QUICK_S if quick else FRAMES_S)
            seen = latencies_ms[first:]
            graph.wait_until(lambda: bool(graph.fact("vision_encoder", "transport")), "diagnostics")
            transport = graph.fact("vision_encoder", "transport")
            if transport.startswith("image") != (way == "image"):
                raise RuntimeError(f"the encoder took frames by {transport}, expected {WAYS[way]}")
            copies = _copies_since(counted, _counted(graph)) if counted else None
            return Seen(seen, cpu_percent, graph.pss_mb(), copies, transport)


def _counted(graph: StagedGraph) -> dict[str, int]:
    """What the mailbox of the camera counted."""
    name = mailbox_name(f"{NAMESPACE}/camera/front/tensor", graph.domain_id)
    counted: dict[str, int] = TensorMailbox.attach(name).statistics()
    return counted


def _copies_since(before: dict[str, int], now: dict[str, int]) -> float:
    """Copies of a frame on its way. The very first is copied: it was drawn when nobody listened."""
    return (now["copied"] - before["copied"]) / (now["published"] - before["published"])


def _rows_of(head: str, mailbox: Seen, images: Seen) -> list[Row]:
    rows = [
        row_of_samples(
            f"{head}, camera to puzzle, p{rank}", mailbox.latencies_ms, "ms", rank=rank,
            baselines={"images": float(np.percentile(images.latencies_ms, rank))},
        )
        for rank in (50, 99)
    ]  # fmt: skip
    return [
        *rows,
        Row(f"{head}, CPU", mailbox.cpu_percent, "% of a core",
            baselines={"images": images.cpu_percent}, samples=len(mailbox.latencies_ms)),
        Row(f"{head}, PSS", mailbox.pss_mb, "MB", baselines={"images": images.pss_mb}),
    ]  # fmt: skip


def _talk(composed: bool, way: str, quick: bool) -> Handed:
    nodes = "sage_bench.mailbox.frame_nodes"
    width_px, height_px = SIZES[FRAME_SIZE]
    size = {"width_px": width_px, "height_px": height_px, "quiet_s": 2 * QUIET_S}
    with tempfile.TemporaryDirectory(prefix="sage_bench_") as folder:
        home = {"home": folder, "resume": False}
        entries = (
            Entry(f"{nodes}:FrameListener", "frame_listener", {"transport": way, **home}),
            Entry(f"{nodes}:FrameTalker", "frame_talker", {**size, **home}),
        )
        with staged(entries, composed, Path(folder)) as graph:

            def frames() -> int:
                return int(graph.fact("frame_listener", "frames") or 0)

            both = {"frame_listener", "frame_talker"}
            graph.wait_until(
                lambda: set(graph.watcher.reported) >= both, "diagnostics of both nodes"
            )
            quiet_percent = graph.cpu_percent(2.0 if quick else QUIET_S)
            if frames():
                raise RuntimeError("frames came while only ticks were to be measured")
            graph.wait_until(lambda: frames() >= WARM_UP_FRAMES // 2, f"frames on {CAMERA}")
            talking_percent = graph.cpu_percent(FRAMES_QUICK_S if quick else FRAMES_S)
            p50_us, p99_us = (
                float(graph.fact("frame_listener", f"{rank}_us")) for rank in ("p50", "p99")
            )
            return Handed(talking_percent - quiet_percent, p50_us, p99_us, frames())
