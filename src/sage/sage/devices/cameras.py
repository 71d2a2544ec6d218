"""A second of a camera: size, encoding, true rate and brightness, and one picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sage.devices.observation import Fault, Observation
from sage.devices.samples import rate_hz, samples
from sage_common.core.clock import SystemClock
from sage_common.core.home import replace_file
from sage_sensors.backends import catalogue
from sage_sensors.core.samples import Device, Frame, SourceError, Track
from sage_sensors.params import CameraParameters

LENGTH_S, WARM_UP_S = 1.0, 0.5
"""Cameras find their exposure within the warm-up."""
BLACK, WHITE = 12, 250
MOSTLY = 0.5
FEWEST_FROZEN = 5
ENOUGH_OF_RATE = 0.8


def source_of(camera: str) -> Device[Frame] | Track[Frame]:
    """The camera of a device such as /dev/video0, or of the backend of a package.

    Raises:
        InvalidInput, SourceError: it cannot be had.
    """
    is_device = camera.startswith("/")
    parameters = CameraParameters(
        backend="v4l2" if is_device else camera, device=camera if is_device else ""
    )
    return catalogue.camera(parameters.backend, parameters, SystemClock())


def look(source: Device[Frame] | Track[Frame], file: Path) -> Observation:
    """Watch a camera for a second; its last picture is written to `file` (PNG), of mode 0600.

    Raises:
        SourceError: it gives no picture; says why.
        OSError: the file cannot be written.
    """
    stamps: list[int] = []
    prints: list[int] = []
    encoding, agreed_hz = "", 0.0
    picture: NDArray[np.uint8] | None = None
    for sample in samples(source, LENGTH_S, WARM_UP_S):
        stamps.append(sample.time_ns)
        prints.append(sample.value.fingerprint())
        picture = sample.value.pixels
        encoding = getattr(source, "encoding", "")
        agreed_hz = getattr(source, "rate_hz", 0.0)
    if picture is None:
        raise SourceError(f"{source.source}: no picture within {LENGTH_S:g} s")
    _, content = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    replace_file(file, content.tobytes())
    height, width = picture.shape[:2]
    true_hz = rate_hz(stamps)
    brightness = float(picture.mean()) / 255.0
    size, speed = f"{width}x{height}", f"{true_hz:.1f} frames/s"
    measured = {
        "width_px": width, "height_px": height, "encoding": encoding, "rate_hz": round(true_hz, 2),
        "agreed_rate_hz": round(agreed_hz, 2), "brightness": round(brightness, 3),
    }  # fmt: skip
    faults = [*picture_faults(picture), *stream_faults(prints, true_hz, 1.0 / source.period_s)]
    shown = (size, encoding, speed, f"brightness {brightness:.0%}")
    return Observation(", ".join(filter(None, shown)), tuple(faults), measured, str(file))


def picture_faults(pixels: NDArray[np.uint8]) -> list[Fault]:
    """What is wrong with one picture, uint8 RGB [height, width, 3]."""
    if (pixels < BLACK).all(axis=2).mean() > 1.0 - MOSTLY / 10.0:
        return [Fault("black", "take the cover off, or give it light")]
    if (pixels > WHITE).all(axis=2).mean() > MOSTLY:
        fix = "less light, or automatic exposure: v4l2-ctl --set-ctrl auto_exposure=3"
        return [Fault("overexposed", fix)]
    return []


def stream_faults(prints: list[int], true_hz: float, asked_hz: float) -> list[Fault]:
    """What is wrong with the pictures as a stream; `prints` are equal for equal pictures."""
    faults = []
    if len(prints) >= FEWEST_FROZEN and len(set(prints)) == 1:
        faults.append(Fault("frozen: the same picture each time", "plug it out and in again"))
    if 0.0 < true_hz < ENOUGH_OF_RATE * asked_hz:
        fix = (
            "more light (in the dark it exposes longer), a port and a hub of its own, or set "
            "rate_hz of the camera to what it can do"
        )
        faults.append(Fault(f"slower than the {asked_hz:g} frames/s that were asked for", fix))
    return faults
