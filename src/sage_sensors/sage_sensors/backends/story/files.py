"""Where the recordings of a composition lie, and what is in them."""

from __future__ import annotations

import importlib.util
import io
import sys
import zipfile
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_sensors.backends.media import MediaFile
from sage_sensors.core.samples import SAMPLE_RATE_HZ, SourceError

DATA, PREFIX, PACKAGE = "data:", "prefix:", "package:"
INSIDE = "!/"
"""Between the name of a ZIP archive and that of a file in it."""
LONGEST_SOUND_S = 120.0
"""More of a sound than this is not read: it is in memory as a whole, 8 MB."""


class Places:
    """Finds files by the names that compositions use.

    A name is that of a file beside the composition, an absolute path, or begins with `data:` (the
    folder of recorded data), `prefix:` (that of the Python environment) or `package:` (that of an
    installed package, which is not imported).

    Args:
        folder: of the composition.
        data: of recorded data.
    """

    def __init__(self, folder: Path, data: Path) -> None:
        self._folder, self._data = folder, data

    def path(self, name: str) -> Path:
        """Where a file should lie; of a file in an archive, where that lies. It need not exist."""
        outer = name.split(INSIDE, 1)[0]
        if outer.startswith(DATA):
            return self._data / outer.removeprefix(DATA)
        if outer.startswith(PREFIX):
            return Path(sys.prefix) / outer.removeprefix(PREFIX)
        if outer.startswith(PACKAGE):
            return _of_package(outer.removeprefix(PACKAGE))
        return self._folder / Path(outer).expanduser()

    def sound(self, name: str, from_s: float, until_s: float) -> NDArray[np.float32]:
        """What is heard in a part of a file: mono, 16 kHz, float32 [n]; it may be shorter.

        Raises:
            SourceError: it cannot be read, or has no sound then.
        """
        try:
            with av.open(self._content(name)) as container:
                samples = _decoded(container, until_s)
        except (av.FFmpegError, OSError, zipfile.BadZipFile) as error:
            raise SourceError(f"sound {name}: {error}") from error
        samples = samples[round(from_s * SAMPLE_RATE_HZ) :]
        if not len(samples):
            raise SourceError(f"sound {name}: nothing is heard after {from_s:g} s")
        return samples

    def check(self, field: str, name: str, is_media: bool) -> None:
        """Refuse what is not there, and of pictures and sounds what holds none.

        Raises:
            InvalidInput: naming the field of the composition.
        """
        path = self.path(name)
        if not path.is_file():
            raise InvalidInput(field, name, f"a file that is there; looked for {path}")
        if INSIDE in name:
            try:
                with zipfile.ZipFile(path) as archive:
                    archive.getinfo(name.split(INSIDE, 1)[1])
            except (KeyError, zipfile.BadZipFile, OSError) as error:
                raise InvalidInput(field, name, f"a file in the archive {path}") from error
        elif is_media:
            try:
                MediaFile(path)
            except SourceError as error:
                raise InvalidInput(field, name, f"a video or a sound: {error}") from error

    def _content(self, name: str) -> str | io.BytesIO:
        path = self.path(name)
        if INSIDE not in name:
            return str(path)
        with zipfile.ZipFile(path) as archive:
            try:
                return io.BytesIO(archive.read(name.split(INSIDE, 1)[1]))
            except KeyError as error:
                raise SourceError(f"sound {name}: there is no such file in the archive") from error


def _decoded(container: av.container.InputContainer, until_s: float) -> NDArray[np.float32]:
    if not container.streams.audio:
        raise SourceError(f"sound {container.name}: there is none in it")
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
    wanted = round(min(until_s, LONGEST_SOUND_S) * SAMPLE_RATE_HZ)
    blocks: list[NDArray[np.float32]] = []
    count = 0
    for frame in container.decode(audio=0):
        for block in resampler.resample(frame):
            blocks.append(block.to_ndarray()[0])
            count += len(blocks[-1])
        if count >= wanted:
            break
    else:
        blocks += [block.to_ndarray()[0] for block in resampler.resample(None)]
    return np.concatenate(blocks)[:wanted] if blocks else np.zeros(0, np.float32)


def _of_package(inside: str) -> Path:
    package, _, rest = inside.partition("/")
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        return Path(package, rest)
    return Path(found.submodule_search_locations[0]) / rest
