"""Text to speech by a program of its own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

from sage_common.core.errors import InvalidInput

AUTO = "auto"
PROGRAMS = {"flite": ("-t",), "espeak-ng": ("--",)}
"""What each is called with before the text, the preferred one first."""
STOP_TIMEOUT_S = 1.0


class Voice:
    """Says one text at a time, on the default loudspeaker.

    Args:
        program: flite, espeak-ng, or auto: the first of them that is installed.

    Raises:
        InvalidInput: it is not installed.
    """

    def __init__(self, program: str) -> None:
        wanted = tuple(PROGRAMS) if program == AUTO else (program,)
        self._command: Sequence[str] = next(
            ((path, *PROGRAMS[name]) for name in wanted if (path := shutil.which(name))), ()
        )
        if not self._command:
            expected = f"an installed program, such as {wanted[0]}: apt-get install {wanted[0]}"
            raise InvalidInput("program", program, expected)
        self._process: subprocess.Popen[bytes] | None = None

    def say(self, text: str) -> None:
        """Begin to say a text, instead of the one before."""
        self.stop()
        # The space: no text is taken for an option.
        self._process = subprocess.Popen(
            [*self._command, f" {text}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def speaks(self) -> bool:
        """Whether it is still saying something.

        Raises:
            InvalidInput: the program has failed; there may be no loudspeaker.
        """
        if self._process is None:
            return False
        status = self._process.poll()
        if status is None:
            return True
        self._process = None
        if status > 0:
            name = self._command[0]
            raise InvalidInput("status", status, f"0 of {name}: is there a loudspeaker?")
        return False

    def stop(self) -> None:
        """Fall silent."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
