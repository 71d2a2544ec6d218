"""Verbatim sensor data as small files: WebP, FLAC, CSV, MCAP; libraries are imported on use."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.ros.conversions.definitions import definition
from sage_memory.core.experience import Payload

MAX_SIDE_PX = 512
WEBP_QUALITY = 80
IMU_HEADER = "stamp_ns,ax,ay,az,gx,gy,gz"


def as_large_as_kept(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture, uint8 RGB [h, w, 3], whose longer side has at most 512 px.

    Raises:
        InvalidInput: not such an array.
    """
    import cv2

    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:
        raise InvalidInput("rgb", f"{rgb.dtype} {rgb.shape}", "uint8 (h, w, 3)")
    scale = MAX_SIDE_PX / max(rgb.shape[:2])
    if scale >= 1.0:
        return rgb
    height, width = (max(1, round(side * scale)) for side in rgb.shape[:2])
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def picture(rgb: NDArray[np.uint8]) -> Payload:
    """A picture, uint8 RGB [h, w, 3], as WebP; its longer side at most 512 px.

    Raises:
        InvalidInput: not such an array, or the encoder refuses it.
    """
    import cv2

    rgb = as_large_as_kept(rgb)
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY])
    if not done:
        raise InvalidInput("rgb.shape", rgb.shape, "a size that WebP can hold")
    return Payload(data.tobytes(), "image/webp")


def sound(samples: NDArray[np.float32], sample_rate: int) -> Payload:
    """Mono samples, float32 [n] in [-1, 1], as 16-bit FLAC.

    Raises:
        InvalidInput: not such an array.
    """
    import soundfile

    if samples.ndim != 1 or samples.size == 0 or not np.isfinite(samples).all():
        raise InvalidInput("samples", f"{samples.dtype} {samples.shape}", "finite float32 (n,)")
    buffer = io.BytesIO()
    soundfile.write(
        buffer, np.clip(samples, -1.0, 1.0), sample_rate, format="FLAC", subtype="PCM_16"
    )
    return Payload(buffer.getvalue(), "audio/flac")


def motion(stamps_ns: Sequence[int], rows: NDArray[np.float64]) -> Payload:
    """IMU samples as CSV: stamp [ns], acceleration [m/s^2], angular rate [rad/s].

    Args:
        stamps_ns: one a row.
        rows: float64 [n, 6], ax ay az gx gy gz.
    """
    lines = [IMU_HEADER]
    for stamp, row in zip(stamps_ns, rows, strict=True):
        lines.append(f"{stamp}," + ",".join(f"{value:.6g}" for value in row))
    return Payload(("\n".join(lines) + "\n").encode("ascii"), "text/csv")


def message(topic: str, type_name: str, stamp_ns: int, data: bytes) -> Payload:
    """One ROS message as an MCAP file, which says its topic and holds its definition.

    Args:
        topic: its full name.
        type_name: `package/msg/Type`.
        stamp_ns: of its header [ns].
        data: serialized (CDR).

    Raises:
        InvalidInput: its definition is not installed.
    """
    from mcap.writer import CompressionType, Writer

    buffer = io.BytesIO()
    writer = Writer(buffer, compression=CompressionType.ZSTD)
    writer.start(profile="ros2", library="sage")
    schema = writer.register_schema(type_name, "ros2msg", definition(type_name).encode())
    channel = writer.register_channel(topic, "cdr", schema)
    writer.add_message(channel, log_time=stamp_ns, data=data, publish_time=stamp_ns)
    writer.finish()
    return Payload(buffer.getvalue(), "application/x-mcap")
