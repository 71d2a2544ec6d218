"""Ctrl-C while a command of SAGE still loads ends it at once, without a traceback.

Before a program's first line Python reads the environment's `.pth` files; one, of the ROS wheels,
starts it anew. That takes a fifth of a second, and only another `.pth` file is there early enough.
"""

from __future__ import annotations

from pathlib import Path

# In the order of names, before all others.
NAME = "a0_sage_interrupts.pth"
_OURS = '("/lib/sage" in sys.orig_argv[1] or sys.orig_argv[1][-9:] == "/bin/sage")'
_ENDS = "_signal.signal(_signal.SIGINT, _signal.SIG_DFL)"
LINE = f"import _signal, sys; sys.orig_argv[1:] and {_OURS} and {_ENDS}\n"


def let_interrupts_end(site_packages: Path) -> None:
    """Write the file; the commands take their interrupts themselves once they are loaded."""
    (site_packages / NAME).write_text(LINE, encoding="utf-8")
