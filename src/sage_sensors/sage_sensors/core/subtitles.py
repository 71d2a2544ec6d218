"""SubRip (SRT) text tracks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sage_common.core.clock import NS_PER_MS
from sage_common.core.errors import InvalidInput
from sage_sensors.core.samples import SourceError, Stamped, Words

MAX_CHARACTERS = 4096
_TIME = r"(\d{1,3}):([0-5]\d):([0-5]\d)[,.](\d{3})"
_TIMING = re.compile(rf"{_TIME}\s*-->\s*{_TIME}(\s.*)?")
_MARKUP = re.compile(r"</?[bius]>|</?font[^>]*>|\{\\[^}]*\}")


@dataclass(frozen=True)
class Caption:
    """Words shown from `start_ns` to `end_ns` [ns since the start]."""

    start_ns: int
    end_ns: int
    text: str


def parse_srt(text: str) -> tuple[Caption, ...]:
    """The captions of an SRT file in order of their ends.

    Byte-order mark, CRLF line ends, missing counters, a full stop before the milliseconds and
    the usual markup (<i>, {\\an8}) are accepted; lines of a caption are joined by a space.

    Raises:
        InvalidInput: naming the line: no timing line, an end before its start, no words, more
            than 4096 characters; or no caption at all.
    """
    captions: list[Caption] = []
    lines = text.removeprefix("\ufeff").splitlines()
    number = 0
    while number < len(lines):
        if not lines[number].strip():
            number += 1
            continue
        first = number
        while number < len(lines) and lines[number].strip():
            number += 1
        captions.append(_caption(lines[first:number], first + 1))
    if not captions:
        raise InvalidInput("text track", text, "at least one SRT caption")
    return tuple(sorted(captions, key=lambda caption: caption.end_ns))


def _caption(block: list[str], line: int) -> Caption:
    if block[0].strip().isdigit() and len(block) > 1:
        block, line = block[1:], line + 1
    timing = _TIMING.fullmatch(block[0].strip())
    if timing is None:
        raise InvalidInput(f"line {line}", block[0], "HH:MM:SS,mmm --> HH:MM:SS,mmm")
    start_ns, end_ns = _nanoseconds(timing.groups()[:4]), _nanoseconds(timing.groups()[4:8])
    if end_ns <= start_ns:
        raise InvalidInput(f"line {line}", block[0], "an end after the start")
    words = " ".join(_MARKUP.sub("", " ".join(block[1:])).split())
    if not words:
        raise InvalidInput(f"line {line + 1}", "", "words after the timing line")
    if len(words) > MAX_CHARACTERS:
        raise InvalidInput(
            f"line {line + 1}", f"{len(words)} characters", f"at most {MAX_CHARACTERS}"
        )
    return Caption(start_ns, end_ns, words)


def _nanoseconds(parts: tuple[str, ...]) -> int:
    hours, minutes, seconds, milliseconds = (int(part) for part in parts)
    return (((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds) * NS_PER_MS


class TextTrack:
    """The captions of an SRT file as utterances, each due at its end.

    Args:
        path: UTF-8 SRT file.
        speaker: who is said to have said them.
        language: BCP 47 tag.

    Raises:
        SourceError, InvalidInput: the file cannot be read, or is not SRT.
    """

    period_s = 0.0

    def __init__(self, path: Path, speaker: str = "", language: str = "") -> None:
        self.source = f"file:{path.name}"
        self.captions = parse_srt(_read(path))
        self.length_ns = self.captions[-1].end_ns
        self._speaker = speaker
        self._language = language

    def items(self) -> Iterator[Stamped[Words]]:
        for caption in self.captions:
            yield Stamped(caption.end_ns, Words(caption.text, self._speaker, self._language))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SourceError(f"text track {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput("text track", path.name, "UTF-8 text") from error
