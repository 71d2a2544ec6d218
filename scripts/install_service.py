"""Installs the checkout in which it lies as a service of systemd: docs/deployment.md.

Run as root by `make install`, `make rollback` and `make uninstall`, and by `sage deploy`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from service.copies import NoSpace
from service.layout import Layout
from service.service import Service, ServiceError


def main() -> int:
    options = _parser().parse_args()
    service = Service(Layout(options.root.resolve()))
    try:
        if options.action == "install":
            service.install(Path(__file__).resolve().parents[1], options.network)
        elif options.action == "rollback":
            service.roll_back(options.restore_memory)
        else:
            service.uninstall(options.purge)
    except (ServiceError, NoSpace, OSError, subprocess.CalledProcessError) as error:
        print(f"service: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path("/"), help=argparse.SUPPRESS)
    actions = parser.add_subparsers(dest="action", required=True)
    install = actions.add_parser("install", help="set it up, and run it from now on")
    install.add_argument("--network", action="store_true", help="other machines take part")
    back = actions.add_parser("rollback", help="run the release before this one again")
    back.add_argument("--restore-memory", action="store_true", help="with the memory it left")
    remove = actions.add_parser("uninstall", help="remove service and releases")
    remove.add_argument("--purge", action="store_true", help="the memory and its copies, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
