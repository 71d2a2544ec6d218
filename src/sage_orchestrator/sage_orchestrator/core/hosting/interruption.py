"""Interrupting Python code on another thread, while that is in a plugin's code and only then."""

from __future__ import annotations

import ctypes
import threading


class StepInterrupted(BaseException):
    """Raised in a plugin whose step takes too long; it is not for a plugin to catch."""


class Interruptible:
    """A stretch of work, `with` this, that another thread may interrupt.

    The exception is raised between two bytecodes: a call into native code that does not return is
    not interrupted.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: int | None = None

    def __enter__(self) -> None:
        with self._lock:
            self._thread = threading.get_ident()

    def __exit__(self, *_: object) -> None:
        """From here on it is not interrupted; what was not raised by now never is."""
        while True:
            try:
                with self._lock:
                    self._thread = None
                    _raise_in(threading.get_ident(), None)
            except StepInterrupted:  # it came just now
                continue
            return

    def interrupt(self) -> None:
        """Raise StepInterrupted in it, if it is at work, once; from another thread."""
        with self._lock:
            # Noted here: raised while the stretch is being left, it would keep that from noting.
            thread, self._thread = self._thread, None
            if thread is not None:
                _raise_in(thread, StepInterrupted)


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Have a thread raise an exception as soon as it can; None: what is waiting to be is not."""
    held = ctypes.py_object() if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), held)
