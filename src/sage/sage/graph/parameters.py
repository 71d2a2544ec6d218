"""Parameters of the graph itself: what a user adds to profile and source."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sage.graph.catalogue import MODALITIES
from sage_common.core.errors import InvalidInput
from sage_common.core.parameters import ParameterError, build, parameter

SECTION = "graph"
"""Its key in a parameter file, where nodes have their names."""
_NAME = re.compile("[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class GraphParameters:
    """What the graph holds beside the nodes of profile and source."""

    vectors: tuple[str, ...] = parameter(
        (),
        doc="streams of bare vectors: each NAME gets a vector scorer of the name `NAME_scorer`, "
        "which scores `vector/NAME`",
    )


def graph_parameters(values: Mapping[str, object]) -> GraphParameters:
    """The parameters of the graph from the values of a file.

    Raises:
        ParameterError: a key is unknown, or a value has another type.
        InvalidInput: a stream is named twice, as a modality is, or as no topic can be.
    """
    try:
        made = build(GraphParameters, values)
    except ParameterError as error:
        raise ParameterError(f"{SECTION}: {error}") from error
    for name, count in Counter(made.vectors).items():
        if count > 1 or name in MODALITIES or not _NAME.fullmatch(name):
            taken = ", ".join(MODALITIES)
            expected = f"each once, of small letters, digits and _, and none of {taken}"
            raise InvalidInput(f"{SECTION}.vectors", name, expected)
    return made
