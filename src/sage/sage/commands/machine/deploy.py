"""Put the last commit of this checkout onto a robot over SSH, and run it there as a service.

On x86-64 with systemd the service starts with the machine, hardened; an update that does not start
is taken back. On arm64 it runs in a container. docs/deployment.md says what lies where.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sage.deploy.deployment import Deployment
from sage.deploy.machine import connected


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("host", help="as ssh takes it; it must not ask for a password")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--rollback", action="store_true", help="run the release before again")
    action.add_argument("--uninstall", action="store_true", help="remove it; the memory stays")
    parser.add_argument("--network", action="store_true", help="other machines take part")
    parser.add_argument(
        "--restore-memory", action="store_true", help="with --rollback: the memory it left, too"
    )
    parser.add_argument("--purge", action="store_true", help="with --uninstall: the memory, too")
    parser.add_argument(
        "--ssh-config", type=Path, metavar="FILE", help="in place of your own configuration of ssh"
    )
    parser.add_argument("--root", default="/", help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    with connected(options.host, options.ssh_config) as machine:
        deployment = Deployment(machine, options.root, _report)
        if options.rollback:
            deployment.roll_back(options.restore_memory)
        elif options.uninstall:
            deployment.uninstall(options.purge)
        else:
            deployment.install(Path.cwd(), options.network)
    return 0


def _report(text: str) -> None:
    print(f"deploy: {text}", file=sys.stderr)
