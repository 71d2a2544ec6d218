"""What was kept verbatim, as files in a folder of the user's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sage.recall.payload_reading import payload_of
from sage.recall.question import Remembered
from sage_common.core.errors import InvalidInput
from sage_memory.backends.payload_pictures import IMAGE, as_webp, picture_of
from sage_memory.core.payloads import EXTENSIONS

LONGEST_PX = 256
SPECTRUM_PX = 400


def write_thumbnails(
    folder: Path, answers: Sequence[Remembered], home: Path
) -> dict[str, list[str]]:
    """Write what the answers carry; id of the experience -> paths.

    Of a picture a thumbnail of at most 256 px (WebP), of a sound the second (FLAC) and a picture
    of its spectrum (WebP), of a motion its samples (CSV).

    Raises:
        InvalidInput: the folder is a file, or cannot be made.
        OSError: a payload cannot be read, or a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        expected = f"a folder, there or to be made ({error.strerror})"
        raise InvalidInput("thumbnails", str(folder), expected) from None
    written: dict[str, list[str]] = {}
    for rank, answer in enumerate(answers, start=1):
        data = payload_of(answer, home)
        files = {} if data is None else _files(answer, data)
        paths = []
        for ending, content in files.items():
            path = folder / f"{rank:02d}-{answer.id}{ending}"
            path.write_bytes(content)
            paths.append(str(path))
        written[answer.id] = paths
    return written


def _files(answer: Remembered, data: bytes) -> dict[str, bytes]:
    """Ending of the name -> content."""
    if answer.media_type == IMAGE:
        picture = picture_of(answer.media_type, data, LONGEST_PX)
        assert picture is not None
        return {".webp": as_webp(picture)}
    files = {f".{EXTENSIONS.get(answer.media_type, 'bin')}": data}
    spectrum = picture_of(answer.media_type, data, SPECTRUM_PX)
    if spectrum is not None:
        files["-spectrum.webp"] = as_webp(spectrum)
    return files
