"""Every camera, microphone and IMU of this machine, one after another."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from sage.devices import apart, imus
from sage.devices.fixes import fix_of
from sage.devices.observation import DeviceFinding, Observation, judged
from sage.devices.through_graph import is_of_graph, reported
from sage.graph.runtime_file import running_graph
from sage_common.core.home import make_private
from sage_sensors.backends.catalogue import CAMERA_BACKENDS, camera_backends
from sage_sensors.backends.device_holders import Holder, described, holders
from sage_sensors.backends.sound_cards import sound_inputs
from sage_sensors.backends.v4l2 import video_devices
from sage_sensors.backends.v4l2_query import query
from sage_sensors.core.samples import SourceError

PLUG_IN = "plug one in, or use --source recording"
FOLDER = "devices"
"""In the home folder: the pictures and sounds of the last look."""
Look = Callable[[], Observation]
Found = Iterator[tuple[str, Look]]


def all_devices(home: Path) -> Iterator[DeviceFinding]:
    """Look at each for a second, which is written below `home`; the last look's files are deleted.

    Raises:
        OSError: the home cannot be written.
    """
    folder = home / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    make_private(folder)
    for kind, found in (
        ("camera", _cameras(folder, home)),
        ("microphone", _microphones(folder, home)),
        ("imu", _imus(folder)),
    ):
        is_empty = True
        for name, look in found:
            is_empty = False
            yield _finding(kind, name, look)
        if is_empty:
            yield DeviceFinding(f"{kind}s", "warn", "none", PLUG_IN, kind)


def _finding(kind: str, name: str, look: Look) -> DeviceFinding:
    try:
        return judged(kind, name, look())
    except SourceError as error:
        return DeviceFinding(f"{kind} {name}", "error", str(error), fix_of(str(error)), kind)


def _cameras(folder: Path, home: Path) -> Found:
    for device in video_devices():
        try:
            found = query(device)
        except SourceError as error:
            yield device, partial(_fail, str(error))
            continue
        if found.captures:  # else metadata of a camera, an output, or a decoder
            yield f"{device} ({found.card})", partial(_camera, device, folder, home)
    for backend in camera_backends():
        if backend not in CAMERA_BACKENDS:
            yield backend, partial(apart.observed, "camera", backend, folder / f"{backend}.png")


def _camera(device: str, folder: Path, home: Path) -> Observation:
    if found := holders(device):
        return _of_holders(found, "camera", f"v4l2:{device}", home)
    return apart.observed("camera", device, folder / f"{Path(device).name}.png")


def _microphones(folder: Path, home: Path) -> Found:
    cards = sound_inputs()
    for card in cards:
        if card.fault:  # PortAudio lists none of these
            yield f"{card.name} ({card.address})", partial(_card, card.fault, card.holders, home)
    try:
        found = apart.microphone_inputs()
    except SourceError as error:
        yield "inputs", partial(_fail, str(error))
        return
    for item in found:
        index = str(item["index"])
        yield (
            item["name"],
            partial(apart.observed, "microphone", index, folder / f"microphone{index}.flac"),
        )


def _card(fault: str, found: tuple[Holder, ...], home: Path) -> Observation:
    if not found:
        raise SourceError(fault)
    return _of_holders(list(found), "microphone", "", home)


def _imus(folder: Path) -> Found:
    for device in imus.found():
        yield f"iio {device}".strip(), partial(apart.observed, "imu", device, folder)


def _of_holders(found: list[Holder], stream: str, source: str, home: Path) -> Observation:
    """Of a device that somebody has: what the graph says of it, if that does. It is not taken.

    Raises:
        SourceError: another process has it.
    """
    running = running_graph(home)
    if running is None or not is_of_graph(found, running, home):
        raise SourceError(f"in use by {described(found)}")
    return reported(running, stream, source)


def _fail(message: str) -> Observation:
    raise SourceError(message)
