"""Words that are typed or piped into the process."""

from __future__ import annotations

import os
import select

from sage_common.core.clock import Clock
from sage_common.core.errors import InvalidInput
from sage_sensors.core.samples import SourceError, Stamped, Words
from sage_sensors.core.subtitles import MAX_CHARACTERS

WAIT_S = 0.2
BLOCK_BYTES = 4096
# A longer line without an end is not typed text; it is cut here, so memory stays bounded.
MAX_LINE_BYTES = 4 * MAX_CHARACTERS


class StandardInput:
    """Each line of UTF-8 is one utterance; empty lines are left out.

    Args:
        clock: for the stamps: when the line was complete.
        speaker, language: set in every utterance.
        descriptor: file to read, standard input by default; not closed.
    """

    source = "stdin"
    period_s = 0.0
    polled = False
    overruns = 0

    def __init__(self, clock: Clock, speaker: str, language: str, descriptor: int = 0) -> None:
        self._clock = clock
        self._speaker = speaker
        self._language = language
        self._descriptor = descriptor
        self._received = b""
        self._ended = False

    def open(self) -> None:
        self._received = b""

    def read(self) -> Stamped[Words] | None:
        while b"\n" not in self._received and not self._ended:
            if not self._receive():
                return None
        line, _, self._received = self._received.partition(b"\n")
        if not line and self._ended and not self._received:
            raise EOFError("standard input has ended")
        text = line.decode("utf-8", errors="replace").strip()
        if len(text) > MAX_CHARACTERS:
            raise InvalidInput("line", f"{len(text)} characters", f"at most {MAX_CHARACTERS}")
        if not text:
            return None
        return Stamped(self._clock.now_ns(), Words(text, self._speaker, self._language))

    def close(self) -> None:
        """Nothing to give back: standard input belongs to the process."""

    def _receive(self) -> bool:
        """Wait a little for more; False if nothing came."""
        try:
            if not select.select([self._descriptor], [], [], WAIT_S)[0]:
                return False
            block = os.read(self._descriptor, BLOCK_BYTES)
        except OSError as error:
            raise SourceError(f"standard input: {error.strerror}") from error
        self._ended = not block
        self._received += block
        if len(self._received) > MAX_LINE_BYTES and b"\n" not in self._received:
            self._received += b"\n"
        return True
