"""Rows of the bench: labelled streams of numbers, beside detectors that are made for such."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import Row
from sage_bench.salience.played import chosen_half
from sage_bench.salience.scalars import robots
from sage_bench.salience.scalars.detectors.registry import DETECTORS
from sage_bench.salience.scalars.halves import half_of
from sage_bench.salience.scalars.ours import ALONE
from sage_bench.salience.scalars.report import (
    BY_SAMPLE,
    BY_SPAN,
    PRECISION,
    RANKED_BY,
    Report,
    report,
)
from sage_bench.salience.scalars.repositories import FOLDER, REPOSITORIES, streams_folder
from sage_bench.salience.scalars.scores import RANKED, SAGE
from sage_bench.salience.scalars.stream import LabelledStream

PACKAGES = ("pyulog", "river", "rosbags", "scipy", "sklearn", "stumpy")
SHORT = 2_000
"""Samples of a stream that a quick run takes; of each family one."""
ROBOT_GOAL = 0.9
FIGURES = {
    BY_SPAN: "AUROC of spans of numbers",
    PRECISION: "average precision of numbers",
    BY_SAMPLE: "AUROC of samples of numbers",
}
UNNAMED = (
    f"labelled streams of numbers were not measured: {FOLDER} names no folder of their repositories"
)
METHOD = (
    "streams of numbers: the total of `VectorScorer` as it is, at the streams' own stamps; a tenth "
    "of each stream, at least 100 samples, is not judged; AUROC of spans: the largest score within "
    "a labelled span (its first quarter of the background's length, if it is longer) against the "
    "largest of background pieces of its length, which keep 20 samples away from labels; average "
    "precision and AUROC of samples: each sample by itself; figures of a family are means over its "
    "streams; the goal of a family is the median of the other detectors, that of the mean rank is "
    "the best of them"
)


def rows(setting: Setting) -> Figures:
    """Mean ranks, each family by three figures, and each stream of a robot.

    A repository or a recording that is missing becomes an error; the others are measured.

    Raises:
        FileNotFoundError: a package of requirements/bench.in is missing.
    """
    root = streams_folder()
    if root is None:
        return Figures(notes=(UNNAMED,))
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        raise FileNotFoundError(
            f"{', '.join(missing)}: not installed; `make bench` installs requirements/bench.in"
        )
    half = chosen_half(setting.quick)
    streams, errors = _loaded(root, setting.data)
    taken = half_of(streams, half)
    made = report(_few(taken) if setting.quick else taken)
    if not made.streams:
        return Figures(errors=errors)
    families = [_family(made, figure, family) for figure in FIGURES for family in made.families]
    found = (*_ranks(made), *families, *_robots(made))
    return Figures(found, (METHOD, _circumstances(made, half)), errors)


def _loaded(root: Path, data: Path) -> tuple[list[LabelledStream], tuple[str, ...]]:
    sources: list[Callable[[], list[LabelledStream]]] = [
        *(partial(repository.streams, root) for repository in REPOSITORIES),
        partial(robots.flights, data),
        partial(robots.drives, data),
    ]
    streams: list[LabelledStream] = []
    errors: list[str] = []
    for source in sources:
        try:
            streams += source()
        except FileNotFoundError as error:
            errors.append(f"scalars: {error}")
    return streams, tuple(errors)


def _few(streams: list[LabelledStream]) -> list[LabelledStream]:
    short = [stream for stream in streams if len(stream.values) <= SHORT]
    return list({stream.family: stream for stream in reversed(short)}.values())[::-1]


def _ranks(made: Report) -> list[Row]:
    names = {"both figures": RANKED_BY, FIGURES[BY_SPAN]: (BY_SPAN,),
             FIGURES[PRECISION]: (PRECISION,)}  # fmt: skip
    found = []
    for name, figures in names.items():
        beside = {other: made.mean_rank(other, figures) for other in DETECTORS}
        found.append(
            Row(f"mean rank of {len(RANKED)} detectors by {name}, default total",
                made.mean_rank(SAGE, figures), "", min(beside.values()), baselines=beside,
                samples=len(made.streams))
        )  # fmt: skip
    return found


def _family(made: Report, figure: str, family: str) -> Row:
    beside = {name: made.mean(figure, name, family) for name in DETECTORS}
    beside |= {f"{name} alone": made.mean(figure, name, family) for name in ALONE}
    count = sum(stream.family == family for stream in made.streams)
    return Row(f"{FIGURES[figure]}: {family}", made.mean(figure, SAGE, family), "",
        made.median(figure, family), "higher", beside, count)  # fmt: skip


def _robots(made: Report) -> list[Row]:
    pairs = zip(made.streams, made.found, strict=True)
    return [
        Row(f"AUROC of spans, {stream.family}, {stream.name}", found[SAGE].by_span, "", ROBOT_GOAL,
            "higher", {name: found[name].by_span for name in DETECTORS})
        for stream, found in pairs if stream.family in (robots.FLIGHTS, robots.STALLS)
    ]  # fmt: skip


def _circumstances(made: Report, half: str) -> str:
    samples = sum(len(stream.values) for stream in made.streams)
    return (
        f"streams of numbers, the {half} half: {len(made.streams)} streams of "
        f"{len(made.families)} families, {samples:,} samples; every detector has one set of "
        "constants and starts anew on each stream"
    )
