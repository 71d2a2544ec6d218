"""The process between the orchestrator and a plugin's: nothing of the plugin outlives either.

`main` is run in a fresh interpreter. It forks: the fork serves the plugin, this process waits. As
the subreaper of all that the plugin starts it keeps them in its tree, whatever they do to leave it,
and kills them all when the plugin's process ends, or the orchestrator's does, however that happens.
Nothing heavy is imported before the fork.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import socket
import sys

from sage_orchestrator.core.hosting.process_tree import kill_descendants

PROGRAM = (
    "import json, os, sys; sys.path[:] = json.loads(os.environ.pop('SAGE_MODULE_PATH')); "
    "from sage_orchestrator.core.hosting.warden import main; main()"
)
"""For `python -I -c`."""
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""A plugin leaves the other cores to others."""
SIGNALLED = 128
"""A process that a signal ended is said to have ended with the signal's number above this."""
_PR_SET_PDEATHSIG, _PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 1, 15, 36
_LONGEST_NAME = 15


def command(name: str, link: socket.socket, memory_bytes: int, nice: int) -> list[str]:
    """What starts a plugin's process; `link` is its end of the socket, which it inherits."""
    numbers = [str(number) for number in (os.getpid(), link.fileno(), memory_bytes, nice)]
    return [sys.executable, "-I", "-c", PROGRAM, f"plugin {name}", *numbers]


def environment() -> dict[str, str]:
    """Its environment: this one's, in which it finds the same modules, and computes on one core."""
    path = json.dumps([entry or os.getcwd() for entry in sys.path])
    return {**ONE_THREAD, **os.environ, "SAGE_MODULE_PATH": path}


def main() -> None:
    """See the module."""
    name, (parent, link, memory_bytes, nice) = sys.argv[1], map(int, sys.argv[2:])
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    _prctl(_PR_SET_NAME, f"warden {name}".encode()[:_LONGEST_NAME])
    orchestrator = _watched(parent)
    warden = os.getpid()
    plugin = os.fork()
    if plugin:
        os.close(link)
        _wait(orchestrator, plugin)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != warden:
        os._exit(0)
    os.close(orchestrator)
    _prctl(_PR_SET_NAME, name.encode()[:_LONGEST_NAME])
    _limit(memory_bytes, nice)

    from sage_orchestrator.core.hosting.served_plugin import serve

    with socket.socket(fileno=link) as ours:
        serve(ours)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads that the plugin left are not waited for


def _watched(process: int) -> int:
    """A descriptor that becomes readable when a process ends; it has not yet."""
    descriptor = os.pidfd_open(process)
    if os.getppid() != process:
        os._exit(0)
    return descriptor


def _limit(memory_bytes: int, nice: int) -> None:
    """Backstops of the limits that the orchestrator watches, and no core files."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (2 * memory_bytes, 2 * memory_bytes))
    os.nice(nice)


def _wait(orchestrator: int, plugin: int) -> None:
    """Wait for the end of either, kill what is left, and end as the plugin's process did."""
    woken, wakes = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    status = _ended(plugin)
    while status is None:
        readable, _, _ = select.select([orchestrator, woken], [], [])
        if orchestrator in readable:
            break
        os.read(woken, 4096)
        status = _ended(plugin)
    _kill_all()
    os._exit(0 if status is None else _exit_code(status))


def _ended(plugin: int) -> int | None:
    """The status of the plugin's process if it has ended; orphans that have are waited for, too."""
    status = None
    while True:
        try:
            process, found = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status
        if process == plugin:
            status = found
        if not process:
            return status


def _kill_all() -> None:
    while True:
        kill_descendants(os.getpid())
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else SIGNALLED - code


def _prctl(option: int, argument: int | bytes) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, argument, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl {option}")
