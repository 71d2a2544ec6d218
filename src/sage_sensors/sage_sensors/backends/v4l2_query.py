"""What a video device of Linux says of itself, asked without taking it."""

from __future__ import annotations

import fcntl
import os
import struct
from dataclasses import dataclass

from sage_sensors.backends.device_holders import described, holders
from sage_sensors.core.samples import SourceError

# struct v4l2_capability: driver, card, bus_info, version, capabilities, device_caps, reserved.
_CAPABILITY = struct.Struct("16s32s32sIII12x")
_QUERYCAP = 0x80685600
# struct v4l2_fmtdesc: index, type, flags, description, pixelformat, mbus_code, reserved.
_FORMAT = struct.Struct("III32s4sI12x")
_ENUM_FMT = 0xC0405602
_VIDEO_CAPTURE, _STREAMING, _HAS_DEVICE_CAPS = 0x1, 0x04000000, 0x80000000
_MOST_FORMATS = 64
_BAYER = ("BA", "GB", "GR", "RG", "BG", "pB", "pG", "pR", "BYR")
"""What the names of the formats of bare sensors begin with."""


@dataclass(frozen=True)
class VideoDevice:
    """A video device.

    Attributes:
        card: its name, such as "HD Pro Webcam C920".
        driver: such as "uvcvideo".
        captures: it gives pictures; False of metadata, outputs and decoders, which are listed as
            video devices, too.
        formats: four letters each, such as "YUYV" and "MJPG", as the driver lists them.
    """

    card: str
    driver: str
    captures: bool
    formats: tuple[str, ...]

    @property
    def is_bare_sensor(self) -> bool:
        """Whether its pictures would have to be developed by an image signal processor first."""
        return bool(self.formats) and all(name.startswith(_BAYER) for name in self.formats)


def query(device: str) -> VideoDevice:
    """Ask a device what it is. Opening it takes nothing from who uses it.

    Raises:
        SourceError: there is none, it may not be opened, or it is no video device; says which.
    """
    try:
        descriptor = os.open(device, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise SourceError("no such device") from None
    except PermissionError:
        raise SourceError("permission denied: who may use cameras is in the group video") from None
    except OSError as error:
        raise SourceError(f"{error.strerror}{in_use(device)}") from None
    try:
        answer = bytearray(_CAPABILITY.size)
        fcntl.ioctl(descriptor, _QUERYCAP, answer)
        driver, card, _, _, every, own = _CAPABILITY.unpack(answer)
        can = own if every & _HAS_DEVICE_CAPS else every
        captures = bool(can & _VIDEO_CAPTURE and can & _STREAMING)
        formats = tuple(_formats(descriptor)) if captures else ()
        return VideoDevice(_text(card), _text(driver), captures, formats)
    except OSError as error:
        raise SourceError(f"not a camera ({error.strerror})") from None
    finally:
        os.close(descriptor)


def in_use(device: str) -> str:
    """Who has the device open, to be said after something; empty if nobody is known to."""
    found = described(holders(device))
    return f", in use by {found}" if found else ""


def _formats(descriptor: int) -> list[str]:
    found = []
    for index in range(_MOST_FORMATS):
        question = bytearray(_FORMAT.pack(index, 1, 0, b"", b"", 0))
        try:
            fcntl.ioctl(descriptor, _ENUM_FMT, question)
        except OSError:  # the list ends here
            break
        found.append(_FORMAT.unpack(question)[4].decode("ascii", "replace").strip())
    return found


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")
