"""Forks programs that share what is loaded here: `fork_server --socket FD MODULE ...`.

The modules are imported once, and each program that is asked for begins with them in a process of
its own, whose pages are this one's until they are written to. It is a child of the process that
asked (which is its subreaper), not of this one, so that it goes on when this one ends.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import importlib
import json
import os
import re
import runpy
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sage_common.heartbeat import BEAT_PERIOD_S, Heartbeat, Phase, heartbeat
from sage_common.parent import end_with_parent

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""A process a node leaves the other cores to the other nodes; and a fork has one thread."""
ENDING = (signal.SIGINT, signal.SIGTERM)
MOST_BYTES = 2**17
_TRACING = re.compile(r"\S+/liblttng-ust(?:-[0-9a-f]{8})?\.so\S*")
_PR_SET_NAME = 15
_ARGUMENTS_BEGIN, _ARGUMENTS_END = 48, 49


def main() -> None:
    """Entry point of the `fork_server` executable."""
    parser = argparse.ArgumentParser(prog="fork_server", description=__doc__)
    parser.add_argument("--socket", type=int, required=True, help="whence requests come")
    parser.add_argument("--room", default="", help="makes room for longer command lines")
    parser.add_argument("modules", nargs="*", help="what is imported before the first fork")
    options = parser.parse_args()
    for number in ENDING:
        signal.signal(number, signal.SIG_DFL)
    end_with_parent()
    beats = heartbeat()
    rename([sys.executable, sys.argv[0], *options.modules])
    os.environ.update(ONE_THREAD)
    preload(options.modules)
    tracing = Tracing()
    with socket.socket(fileno=options.socket) as requests:
        command = serve(requests, tracing, beats)
    if command:
        run_program(command)


def preload(modules: Sequence[str]) -> None:
    """Import modules, none of which may leave a thread behind: a fork has one thread.

    What cannot be imported is left to the programs that need it, to say so.

    Raises:
        RuntimeError: a module started a thread.
    """
    load_type_supports = importlib.import_module("sage_common.ros.interfaces").load_type_supports
    load_type_supports()
    usual = thread_count()  # LTTng's, which says what to do at a fork: see `Tracing`
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            print(f"fork server: {module}: {error}", file=sys.stderr)
        if thread_count() > usual:
            raise RuntimeError(f"importing {module} started a thread: it cannot be forked")
    gc.collect()
    gc.freeze()


def thread_count() -> int:
    """Threads of this process, those of libraries, too."""
    return len(os.listdir("/proc/self/task"))


def serve(requests: socket.socket, tracing: Tracing, beats: Heartbeat | None = None) -> list[str]:
    """Answer each request with the number of the process that runs it.

    A request is JSON: words of a command, and variables on top of the environment.

    Returns:
        In such a process the words; here none, when the one that asks has closed its end.
    """
    while request := next_request(requests, beats):
        command, environment = json.loads(request)
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # ended between requests only
        pid = fork_for(os.getppid(), tracing)
        if not pid:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
            os.environ.update(environment)
            return list(command)
        requests.send(json.dumps(pid).encode())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    return []


def next_request(requests: socket.socket, beats: Heartbeat | None) -> bytes:
    """Wait for it, and show signs of life meanwhile: this process has no second thread."""
    if beats is None:
        return requests.recv(MOST_BYTES)
    beats.enter(Phase.RUNNING)
    requests.settimeout(BEAT_PERIOD_S)
    while True:
        beats.beat()
        beats.turned()
        try:
            return requests.recv(MOST_BYTES)
        except TimeoutError:
            continue


def fork_for(parent: int, tracing: Tracing) -> int:
    """Fork a process that becomes a child of `parent`; its number here, 0 in it."""
    read_end, write_end = os.pipe()
    waited, done = os.pipe()
    tracing.before_fork()
    between = os.fork()
    if not between:
        pid = os.fork()
        if pid:
            os.write(write_end, str(pid).encode())
            os._exit(0)
        tracing.after_fork_in_child()
        for descriptor in (read_end, write_end, done):
            os.close(descriptor)
        os.read(waited, 1)  # until the one in between is gone, and `parent` has taken over
        os.close(waited)
        return 0
    tracing.after_fork_in_parent()
    os.close(write_end)
    os.waitpid(between, 0)
    pid = int(os.read(read_end, 32))
    for descriptor in (read_end, waited, done):
        os.close(descriptor)
    return pid


def run_program(command: Sequence[str]) -> None:
    """Be the Python program `command[1]`, whose words are `command`, from here on."""
    os.setsid()
    rename(command)
    sys.argv = list(command[1:])
    runpy.run_path(command[1], run_name="__main__")


def rename(command: Sequence[str]) -> None:
    """Have `ps` and the like show this command, as far as there is room for it."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NAME, Path(command[1]).name.encode()[:15], 0, 0, 0)
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    # proc(5) counts the fields from 1, and the third comes after the parenthesis.
    begin, end = (int(fields[index - 3]) for index in (_ARGUMENTS_BEGIN, _ARGUMENTS_END))
    words = b"\0".join(word.encode() for word in command)[: end - begin - 1]
    ctypes.memset(begin, 0, end - begin)
    ctypes.memmove(begin, words, len(words))


class Tracing:
    """What LTTng, which rcl is traced by, wants done at a fork; nothing where it is not loaded."""

    def __init__(self) -> None:
        found = _TRACING.search(Path("/proc/self/maps").read_text())
        self._library: Any = ctypes.CDLL(found[0]) if found else None
        self._signals = ctypes.create_string_buffer(128)  # sigset_t

    def before_fork(self) -> None:
        """Hold its threads and locks."""
        self._call("before_fork", ctypes.byref(self._signals))

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._call("after_fork_parent", ctypes.byref(self._signals))

    def after_fork_in_child(self) -> None:
        """Start anew."""
        self._call("after_fork_child", ctypes.byref(self._signals))

    def _call(self, name: str, *arguments: Any) -> None:
        if self._library is None:
            return
        for prefix in ("lttng_ust", "ust"):  # the second up to 2.12
            if function := getattr(self._library, f"{prefix}_{name}", None):
                function(*arguments)
                return
        raise RuntimeError(f"{self._library._name}: expected the function lttng_ust_{name}")
