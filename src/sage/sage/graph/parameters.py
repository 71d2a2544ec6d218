"""Parameters of the graph itself: what a user adds to profile and source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sage.graph.modalities import PREFIX
from sage_common.core.errors import InvalidInput
from sage_common.core.parameters import ParameterError, build, parameter
from sage_common.core.specs.modality import NAME, modalities

SECTION = "graph"
"""Its key in a parameter file, where nodes have their names."""


@dataclass(frozen=True)
class GraphParameters:
    """What the graph holds beside the nodes of profile and source."""

    vectors: tuple[str, ...] = parameter(
        (),
        doc="streams of bare vectors: each NAME gets a vector scorer of the name `NAME_scorer`, "
        "which scores `vector/NAME`",
    )
    speaks: bool = parameter(
        False, doc="there is a node `speaker`, which says aloud what comes on `speak`"
    )
    page: bool = parameter(
        False,
        doc="there is a node `gateway`, which serves a page; `sage run --page` adds it, too",
    )
    foxglove: bool = parameter(
        False,
        doc="there is a node `foxglove`, which serves Foxglove's viewers; "
        "`sage run --foxglove` adds it, too",
    )


def graph_parameters(values: Mapping[str, object]) -> GraphParameters:
    """The parameters of the graph from the values of a file.

    Raises:
        ParameterError: a key is unknown, or a value has another type.
        InvalidInput: a stream is named twice, as a modality is, or as no topic can be.
    """
    try:
        given = {name: value for name, value in values.items() if not name.startswith(PREFIX)}
        made = build(GraphParameters, given)
    except ParameterError as error:
        raise ParameterError(f"{SECTION}: {error}") from error
    for name, count in Counter(made.vectors).items():
        if count > 1 or name in modalities().specs or not NAME.fullmatch(name):
            taken = ", ".join(modalities().specs)
            expected = f"each once, of small letters, digits and _, and none of {taken}"
            raise InvalidInput(f"{SECTION}.vectors", name, expected)
    return made
