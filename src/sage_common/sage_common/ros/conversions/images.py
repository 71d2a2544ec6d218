"""Images between ROS messages and NumPy arrays; the only place that converts them.

Where ROS provides cv_bridge it converts; elsewhere the few encodings that robots send are
converted here. The module of that name on PyPI is ROS 1's and silently wrong on 16UC1, so
cv_bridge counts only if the ament index knows it.
"""

from __future__ import annotations

import array
import functools
import sys
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from ament_index_python import get_resources
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from sage_common.core.errors import InvalidInput

MAX_SIDE_PX = 16384
_LAYOUTS: dict[str, tuple[str, int]] = {
    "rgb8": ("u1", 3),
    "bgr8": ("u1", 3),
    "rgba8": ("u1", 4),
    "bgra8": ("u1", 4),
    "mono8": ("u1", 1),
    "8UC1": ("u1", 1),
    "8UC3": ("u1", 3),
    "mono16": ("u2", 1),
    "16UC1": ("u2", 1),
    "32FC1": ("f4", 1),
    "yuv422_yuy2": ("u1", 2),
}
_TO_RGB: dict[str, int] = {
    "bgr8": cv2.COLOR_BGR2RGB,
    "8UC3": cv2.COLOR_BGR2RGB,
    "rgba8": cv2.COLOR_RGBA2RGB,
    "bgra8": cv2.COLOR_BGRA2RGB,
    "mono8": cv2.COLOR_GRAY2RGB,
    "8UC1": cv2.COLOR_GRAY2RGB,
    "yuv422_yuy2": cv2.COLOR_YUV2RGB_YUY2,
}


def image_to_array(message: Image) -> NDArray[Any]:
    """The pixels in their own encoding: [height, width] or [height, width, channels].

    Without copying where the byte order is this machine's. Accepts rgb8, bgr8, rgba8, bgra8,
    mono8, mono16, 8UC1, 8UC3, 16UC1, 32FC1 and yuv422_yuy2.

    Raises:
        InvalidInput: unknown encoding, or sizes that do not fit the data.
    """
    check_image(message)
    kind, channels = _LAYOUTS[message.encoding]
    dtype = np.dtype((">" if message.is_bigendian else "<") + kind)
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
    used = rows[:, : message.width * channels * dtype.itemsize]
    pixels = used.view(dtype) if used.flags.c_contiguous else np.ascontiguousarray(used).view(dtype)
    if channels > 1:
        pixels = pixels.reshape(message.height, message.width, channels)
    return pixels if dtype.isnative else pixels.astype(dtype.newbyteorder("="))


def image_to_rgb(message: Image) -> NDArray[np.uint8]:
    """The picture as uint8 RGB [height, width, 3].

    Raises:
        InvalidInput: as `image_to_array`; also for encodings that are no picture (depth).
    """
    check_image(message)
    if message.encoding != "rgb8" and message.encoding not in _TO_RGB:
        known = ", ".join(sorted({"rgb8", *_TO_RGB}))
        raise InvalidInput("encoding", message.encoding, f"a colour or grey picture: {known}")
    bridged = _cv_bridge()
    if bridged is not None and message.encoding != "8UC3":
        return np.asarray(bridged(message, "rgb8"), dtype=np.uint8)
    pixels = image_to_array(message)
    if message.encoding == "rgb8":
        return pixels
    return np.asarray(cv2.cvtColor(pixels, _TO_RGB[message.encoding]), dtype=np.uint8)


def array_to_image(pixels: NDArray[Any], encoding: str, header: Header) -> Image:
    """A message from [height, width] or [height, width, channels] pixels.

    Raises:
        InvalidInput: unknown encoding, or an array of another shape or dtype than it needs.
    """
    if encoding not in _LAYOUTS:
        raise InvalidInput("encoding", encoding, "one of " + ", ".join(sorted(_LAYOUTS)))
    kind, channels = _LAYOUTS[encoding]
    shape_ok = pixels.ndim == 2 if channels == 1 else pixels.shape[2:] == (channels,)
    if not shape_ok or pixels.dtype != np.dtype(kind):
        raise InvalidInput(
            "pixels", f"{pixels.dtype} {pixels.shape}", f"{kind} with {channels} channels"
        )
    if not 0 < max(pixels.shape[:2]) <= MAX_SIDE_PX or pixels.size == 0:
        raise InvalidInput("pixels", pixels.shape, f"1 to {MAX_SIDE_PX} rows and columns")
    data = array.array("B")
    data.frombytes(memoryview(np.ascontiguousarray(pixels)).cast("B"))
    message = Image(header=header, encoding=encoding, is_bigendian=sys.byteorder == "big")
    message.height, message.width = pixels.shape[:2]
    message.step = message.width * channels * pixels.dtype.itemsize
    message.data = data
    return message


def compressed_to_rgb(message: CompressedImage) -> NDArray[np.uint8]:
    """A JPEG or PNG message as uint8 RGB [height, width, 3].

    Raises:
        InvalidInput: the data is not a picture that can be decoded.
    """
    data = np.frombuffer(message.data, np.uint8)
    try:
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except cv2.error as error:
        raise InvalidInput("data", str(error), "JPEG or PNG") from error
    if picture is None:
        raise InvalidInput("data", f"{data.size} bytes of {message.format!r}", "JPEG or PNG")
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def rgb_to_compressed(rgb: NDArray[np.uint8], header: Header, quality: int = 85) -> CompressedImage:
    """A JPEG message from uint8 RGB [height, width, 3]; quality 1..100."""
    encoded, data = cv2.imencode(
        ".jpg",
        cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGR),
        [cv2.IMWRITE_JPEG_QUALITY, quality],
    )
    if not encoded:
        raise InvalidInput("rgb", rgb.shape, "a picture that JPEG can hold")
    message = CompressedImage(header=header, format="rgb8; jpeg compressed bgr8")
    message.data = array.array("B", data.tobytes())
    return message


def check_image(message: Image) -> None:
    """Check encoding, sizes and data length of an image.

    Raises:
        InvalidInput: naming the field at fault.
    """
    if message.encoding not in _LAYOUTS:
        raise InvalidInput("encoding", message.encoding, "one of " + ", ".join(sorted(_LAYOUTS)))
    for field in ("height", "width"):
        if not 1 <= getattr(message, field) <= MAX_SIDE_PX:
            raise InvalidInput(field, getattr(message, field), f"1 to {MAX_SIDE_PX} pixels")
    if message.encoding == "yuv422_yuy2" and message.width % 2:
        raise InvalidInput("width", message.width, "an even number: two pixels share a colour")
    kind, channels = _LAYOUTS[message.encoding]
    row = message.width * channels * np.dtype(kind).itemsize
    if message.step < row:
        raise InvalidInput("step", message.step, f"at least {row} bytes")
    if len(message.data) != message.step * message.height:
        raise InvalidInput("data", f"{len(message.data)} bytes", f"{message.step * message.height}")


@functools.cache
def _cv_bridge() -> Callable[[Image, str], Any] | None:
    if "cv_bridge" not in get_resources("packages"):
        return None
    from cv_bridge import CvBridge

    return CvBridge().imgmsg_to_cv2  # type: ignore[no-any-return]
