"""Write the networks whose weights other packages carry, as the set-up does."""

from __future__ import annotations

import argparse

from sage_encoders.backends.models_folder import models_folder
from sage_encoders.backends.packaged.conversion import convert


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--models", default="", metavar="DIR", help="default: $SAGE_MODELS or the installed"
    )


def run(options: argparse.Namespace) -> int:
    folder = models_folder(options.models)
    convert(folder, lambda line: print(f"sage weights: {line}", flush=True))
    print(f"sage weights: {folder} has all that can be made of installed packages")
    return 0
