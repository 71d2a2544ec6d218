"""Name the place where the robot is now, list the places that are known, or forget one.

Questions may then ask for it: `sage recall "what did I see in the kitchen"`. Of what happens in a
private place nothing is kept but when, and how salient it was.
"""

from __future__ import annotations

import argparse
import json

from sage.commands.options import add_home_argument
from sage_common.core.home import sage_home


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", nargs="*", help="how it is called, for instance kitchen; none: list the places"
    )
    changes = parser.add_mutually_exclusive_group()
    changes.add_argument("--forget", action="store_true", help="forget the place of this name")
    changes.add_argument(
        "--private", action="store_true", help="keep nothing verbatim of what happens there"
    )
    changes.add_argument("--public", action="store_true", help="end that")
    parser.add_argument("--json", action="store_true", help="print the places as one JSON object")
    add_home_argument(parser)


def run(options: argparse.Namespace) -> int:
    from sage.client.memory_client import memory_client
    from sage.memory.opening import open_memory
    from sage.memory.report import before_private_lines, place_lines
    from sage_memory.core.places.named_place import plain_name

    home = sage_home(options.home)
    name = " ".join(options.name)
    forgotten = []
    if options.forget:
        forgotten = [memory_client(home).forget_place(plain_name(name))]
        found = []
    elif options.private or options.public:
        found = [memory_client(home).set_private(plain_name(name), options.private)]
    elif name:
        found = [memory_client(home).name_place(plain_name(name))]
    else:
        with open_memory(home, read_only=True) as memory:
            found = memory.places()
    if options.json:
        print(json.dumps({"places": [vars(place) for place in found]}))
    else:
        told = forgotten or place_lines(home, found)
        if options.private:
            told += before_private_lines(found[0])
        print("\n".join(told))
    return 0
