"""Write what is generated in docs/: pages from the source, figures from benches and cards."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from sage.graph.catalogue import CATALOGUE
from sage.graph.parameters import SECTION, GraphParameters
from sage_bench.documentation import (
    render_capabilities,
    render_origins,
    render_parameters,
    render_topics,
)
from sage_bench.faults.matrix import fault_matrices
from sage_bench.gateway_tables import (
    render_endpoints,
    render_errors,
    render_events,
    render_objects,
)
from sage_bench.markdown import bench_figures, bench_matrices, card_figures
from sage_bench.salience.scalars.repositories import REPOSITORIES
from sage_bench.salience.streams.origins import SEALED_ORIGINS
from sage_common.core.parameters import NodeParameters
from sage_sensors.backends.recording import data_folder

ENCODERS_PAGE, SALIENCE_PAGE = "encoders.md", "salience_benchmark.md"
MEMORY_PAGE, MAILBOX_PAGE = "memory_benchmark.md", "mailbox_benchmark.md"
PLUGIN_PAGE, RECOGNITION_PAGE = "add_a_plugin.md", "recognition.md"
BUDGET_PAGE, GATEWAY_PAGE = "budget_benchmark.md", "gateway.md"
OPERATE_PAGE = "operate_benchmark.md"
OPERATING_PAGE = "operating.md"
OURS = "**SAGE**"
"""Fused salience of events; the total of `VectorScorer` where streams are bare numbers."""
SEALED, SEALED_COMMAND = "salience_sealed", "SAGE_BENCH_HALF=sealed sage bench salience --record"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", type=Path, default=Path("docs"), help="default: docs")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if a page is out of date"
    )
    parser.add_argument(
        "--pictures", action="store_true", help="also what the encoders make of recordings"
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="recordings; default: $SAGE_DATA or ../shared/data"
    )


def run(options: argparse.Namespace) -> int:
    made = {**pages(), **filled_pages(options.folder)}
    outdated = [
        name
        for name, text in made.items()
        if not (options.folder / name).is_file() or (options.folder / name).read_text() != text
    ]
    if options.check:
        for name in outdated:
            print(f"{options.folder / name} is out of date: run sage docs")
        return 1 if outdated else 0
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in outdated:
        (options.folder / name).write_text(made[name])
        print(f"wrote {options.folder / name}")
    if not outdated:
        print("the generated pages are up to date")
    if options.pictures:
        draw(options.folder, options.data or data_folder())
    return 0


def pages() -> dict[str, str]:
    """The pages that are generated as a whole, by file name."""
    tables = [render_parameters("Every node", NodeParameters)]
    tables += [render_parameters(f"{SECTION} (no node: what the graph holds)", GraphParameters)]
    tables += [
        render_parameters(f"{kind} (`{node.package}`, `{node.executable}`)", node.parameters_type())
        for kind, node in CATALOGUE.items()
    ]
    introduction = (
        "# Parameters\n\n"
        "Made by `sage docs` from the parameter dataclasses; do not edit. Set them in a file "
        "(`sage run --config FILE`), with the node's kind or name as key:\n\n"
        "```yaml\n/**/memory:\n  ros__parameters:\n    checkpoint_period_s: 30.0\n```\n\n"
        "A robot's parameter file and what `ros2 param dump` writes serve as they are: full names "
        "(`/robot1/memory`) and wildcards (`/**`, `/robot1/*`) are understood as ROS 2 does, and "
        "what the file says to other nodes is left out and named in one line. A node's name wins "
        "over its kind, both over a wildcard at the end. A parameter that a node of SAGE does not "
        "have is an error; under `/**` or `/robot1/*` it is another node's.\n\n"
        "Parameters are read when a node is configured. `ros2 param set` is therefore refused "
        "while it is: take the node through `ros2 lifecycle set NODE deactivate` and `cleanup`, "
        "set it, and go on with `configure` and `activate`. `use_sim_time` likewise. Those that "
        "say so may be set while the node is active.\n"
    )
    return {"topics.md": render_topics(), "parameters.md": "\n".join([introduction, *tables])}


def filled_pages(folder: Path) -> dict[str, str]:
    """Pages that people write, with the figures in them as they are now; none without the page.

    Args:
        folder: docs/ of a checkout; beside it lie models/ and bench/results/.
    """
    results, models = folder.parent / "bench" / "results", folder.parent / "models"
    blocks = {
        ENCODERS_PAGE: {
            "bench": bench_figures(results, "encoders"),
            "cards": card_figures(models),
        },
        SALIENCE_PAGE: {
            "events": bench_matrices(results, "salience", OURS),
            "bench": bench_figures(results, "salience"),
            "sealed events": bench_matrices(results, SEALED, OURS, SEALED_COMMAND),
            "sealed bench": bench_figures(results, SEALED, SEALED_COMMAND),
            "origins": render_origins(SEALED_ORIGINS),
            "repositories": render_origins([found.origin for found in REPOSITORIES]),
        },
        MEMORY_PAGE: {"bench": bench_figures(results, "memory")},
        MAILBOX_PAGE: {"bench": bench_figures(results, "mailbox")},
        BUDGET_PAGE: {"bench": bench_figures(results, "budget", with_cases=True)},
        OPERATE_PAGE: {"bench": bench_figures(results, "operate", with_cases=True)},
        PLUGIN_PAGE: {"capabilities": render_capabilities()},
        GATEWAY_PAGE: {
            "endpoints": render_endpoints(),
            "events": render_events(),
            "errors": render_errors(),
            "objects": render_objects(),
        },
        OPERATING_PAGE: {"faults": fault_matrices(results)},
        RECOGNITION_PAGE: {"bench": bench_figures(results, "refine", with_cases=True)},
    }
    made = {}
    for name, places in blocks.items():
        if (folder / name).is_file():
            made[name] = (folder / name).read_text()
            for place, block in places.items():
                made[name] = filled(made[name], place, block)
    return made


def filled(text: str, name: str, block: str) -> str:
    """The text with what stands between `<!-- sage docs: NAME -->` and `<!-- end -->` replaced.

    Raises:
        ValueError: it has no such place.
    """
    begin, end = f"<!-- sage docs: {name} -->", "<!-- end -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"no place for {name}: expected {begin} and {end}")
    return pattern.sub(lambda _: f"{begin}\n{block}\n{end}", text)


def draw(folder: Path, data: Path) -> None:
    """Write the pictures into `images/` of a folder."""
    # Imported here: only this needs what reads the recordings.
    from sage_training import pictures

    made = {
        "vision_puzzles.png": pictures.vision_puzzles,
        "audio_puzzles.png": pictures.audio_puzzles,
    }
    for name, drawn in made.items():
        path = folder / "images" / name
        pictures.write(path, drawn(data, folder.parent / "models"))
        print(f"wrote {path}, {path.stat().st_size / 1000:.0f} kB")
