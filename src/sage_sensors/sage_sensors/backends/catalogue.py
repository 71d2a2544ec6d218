"""The sensors' backends by name; each is imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sage_common.core.clock import Clock
from sage_common.core.errors import InvalidInput
from sage_common.core.specs.entry_points import offers
from sage_sensors.core.samples import (
    Canvas,
    Device,
    Frame,
    Inertial,
    Sound,
    SourceError,
    Track,
    Words,
    blank_frame,
)
from sage_sensors.core.synthetic_scene import SyntheticScene
from sage_sensors.core.synthetic_sound import SyntheticSound
from sage_sensors.core.synthetic_walk import SyntheticWalk
from sage_sensors.params import (
    CameraParameters,
    ImuParameters,
    MicrophoneParameters,
    TextParameters,
)

CAMERA_BACKENDS_GROUP = "sage.camera_backends"
CAMERA_BACKENDS = ("v4l2", "file", "synthetic")
SCENE_WIDTH_PX, SCENE_HEIGHT_PX = 640, 480


def camera(
    backend: str, parameters: CameraParameters, clock: Clock, canvas: Canvas = blank_frame
) -> Track[Frame] | Device[Frame]:
    """The camera that `backend` names; `auto` and `topic` are the node's business.

    It draws into the frames of `canvas`.

    A package adds one by an entry point in group `sage.camera_backends`: a callable that takes
    the parameters and the clock and returns a `Track[Frame]` or a `Device[Frame]`; its frames are
    its own, and copied once.

    Raises:
        InvalidInput: no such backend, it cannot be imported, or a parameter that it needs is empty.
        SourceError: the file cannot be read.
    """
    if backend == "v4l2":
        from sage_sensors.backends.v4l2 import V4l2Camera

        return V4l2Camera(
            parameters.device,
            parameters.width_px,
            parameters.height_px,
            parameters.rate_hz,
            clock,
            canvas,
        )
    if backend == "file":
        from sage_sensors.backends.media import MediaFile, VideoTrack

        media = MediaFile(_existing("path", parameters.path))
        return VideoTrack(media, parameters.width_px, parameters.height_px, canvas)
    if backend == "synthetic":
        return SyntheticScene(
            parameters.width_px or SCENE_WIDTH_PX,
            parameters.height_px or SCENE_HEIGHT_PX,
            parameters.rate_hz,
            parameters.seed,
            canvas,
        )
    return _third_party(backend)(parameters, clock)


def microphone(
    backend: str, parameters: MicrophoneParameters, clock: Clock
) -> Track[Sound] | Device[Sound]:
    """The microphone that `backend` names.

    Raises:
        InvalidInput, SourceError: as `camera`; also if PortAudio's library is not installed.
    """
    if backend == "portaudio":
        return _portaudio(parameters.device, clock)
    if backend == "file":
        from sage_sensors.backends.media import MediaFile, SoundTrack

        return SoundTrack(MediaFile(_existing("path", parameters.path)))
    if backend == "synthetic":
        return SyntheticSound(parameters.seed)
    raise InvalidInput("backend", backend, "portaudio, file or synthetic")


def imu(
    backend: str, parameters: ImuParameters, clock: Clock
) -> Track[Inertial] | Device[Inertial]:
    """The IMU that `backend` names.

    Raises:
        InvalidInput, SourceError: as `camera`.
    """
    if backend == "iio":
        from sage_sensors.backends.iio import IioImu

        return IioImu(Path(parameters.iio_root), parameters.device, parameters.rate_hz, clock)
    if backend == "file":
        from sage_sensors.core.inertial_table import InertialTable

        return InertialTable(_existing("path", parameters.path))
    if backend == "synthetic":
        return SyntheticWalk(parameters.rate_hz, parameters.seed)
    raise InvalidInput("backend", backend, "iio, file or synthetic")


def text(backend: str, parameters: TextParameters, clock: Clock) -> Track[Words] | Device[Words]:
    """The source of words that `backend` names.

    Raises:
        InvalidInput, SourceError: as `camera`.
    """
    if backend == "stdin":
        from sage_sensors.backends.standard_input import StandardInput

        return StandardInput(clock, parameters.speaker, parameters.language)
    if backend == "file":
        from sage_sensors.core.subtitles import TextTrack

        path = _existing("path", parameters.path)
        return TextTrack(path, parameters.speaker, parameters.language)
    raise InvalidInput("backend", backend, "stdin or file")


def _portaudio(device: str, clock: Clock) -> Device[Sound]:
    try:
        from sage_sensors.backends.portaudio import PortAudioMicrophone
    except (ImportError, OSError) as error:
        raise SourceError(f"portaudio: {error} (Debian package libportaudio2)") from error
    return PortAudioMicrophone(device, clock)


def camera_backends() -> tuple[str, ...]:
    """Names of what `camera` can make, those that packages add among them."""
    return (*CAMERA_BACKENDS, *(offer.name for offer in offers(CAMERA_BACKENDS_GROUP)))


def _third_party(name: str) -> Callable[[CameraParameters, Clock], Track[Frame] | Device[Frame]]:
    for offer in offers(CAMERA_BACKENDS_GROUP):
        if offer.name == name:
            factory: Callable[[CameraParameters, Clock], Track[Frame] | Device[Frame]]
            factory = offer.load()
            return factory
    known = ("auto", "topic", *camera_backends())
    raise InvalidInput("backend", name, "one of " + ", ".join(known))


def _existing(field: str, path: str) -> Path:
    if not path:
        raise InvalidInput(field, path, "the path of a file")
    return Path(path).expanduser()
