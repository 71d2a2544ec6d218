"""Write the pages of docs/ that are made from the registry and the parameter dataclasses."""

from __future__ import annotations

import argparse
from pathlib import Path

from sage.graph.catalogue import CATALOGUE
from sage_common.core.documentation import render_parameters, render_topics
from sage_common.core.parameters import NodeParameters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", type=Path, default=Path("docs"), help="default: docs")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if a page is out of date"
    )


def run(options: argparse.Namespace) -> int:
    outdated = [
        name
        for name, text in pages().items()
        if not (options.folder / name).is_file() or (options.folder / name).read_text() != text
    ]
    if options.check:
        for name in outdated:
            print(f"{options.folder / name} is out of date: run sage docs")
        return 1 if outdated else 0
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in outdated:
        (options.folder / name).write_text(pages()[name])
        print(f"wrote {options.folder / name}")
    if not outdated:
        print("the generated pages are up to date")
    return 0


def pages() -> dict[str, str]:
    """The generated pages, by file name."""
    tables = [render_parameters("Every node", NodeParameters)]
    tables += [
        render_parameters(f"{kind} (`{node.package}`, `{node.executable}`)", node.parameters_type())
        for kind, node in CATALOGUE.items()
    ]
    introduction = (
        "# Parameters\n\n"
        "Made by `sage docs` from the parameter dataclasses; do not edit. Set them in a file "
        "(`sage run --config FILE`), with the node's kind or name as key:\n\n"
        "```yaml\n/**/memory:\n  ros__parameters:\n    checkpoint_period_s: 30.0\n```\n"
    )
    return {"topics.md": render_topics(), "parameters.md": "\n".join([introduction, *tables])}
