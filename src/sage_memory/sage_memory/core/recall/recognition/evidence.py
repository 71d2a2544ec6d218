"""How probable it is, by its labels and its words, that an experience is what was asked for.

What was recognised speaks for an experience with 1 - prod(1 - p * fit) over its labels: p is the
probability of a label, fit says how well its class is what was asked for. The similarity of words
becomes a probability by a logistic: at the floor, which words have to reach to be an answer, it is
`LEAST`, and its slope is that of the tail of unrelated similarities (see `Relevance`) below, and
`STEEPNESS` of it above, for much of what is kept is related without being an answer. Sources count
as independent: together they speak with 1 - prod(1 - P).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from sage_common.core.errors import InvalidInput
from sage_common.core.relevance import Relevance
from sage_memory.core.index.index import View
from sage_memory.core.labels.rows import vocabulary_sizes
from sage_memory.core.recall.query import Query

LEAST = 0.25
"""Probability from which on an experience is an answer."""
STEEPNESS = 0.3
"""Chosen from 0.2 to 1 for the likelihood of first answers being right, on the even classes of
photographs and even pairs of sentences (`sage bench refine` asks of the odd ones)."""


@dataclass(frozen=True)
class Evidence:
    """What speaks for each experience.

    Attributes:
        doubt: float64 [n], logarithm of the probability that nothing that was recognised in it
            is what was asked for; 0: nothing that fits was.
        labelled: bool [n], one of the models looked at it.
        relevance: of the words; None: there are none.
        texts: experiences whose words are compared.
    """

    doubt: NDArray[np.float64]
    labelled: NDArray[np.bool_]
    relevance: Relevance | None = None
    texts: int = 0

    def of_words(self, similarity: float) -> float:
        """Probability that words of such a cosine are about what was asked for."""
        if self.relevance is None:
            return 0.0
        beyond = (similarity - self.relevance.floor(self.texts)) / self.relevance.growth
        odds = LEAST / (1.0 - LEAST) * math.exp(min(beyond, STEEPNESS * beyond, 700.0))
        return odds / (1.0 + odds)


def evidence_of(connection: Connection, view: View, query: Query) -> Evidence | None:
    """What the labels say to a checked query; None: it asks for none.

    Raises:
        InvalidInput: a model has another number of classes in this store.
    """
    if not query.labels:
        return None
    count = len(view.columns["number"])
    sizes = vocabulary_sizes(connection, list(query.labels))
    for model_id, fits in query.labels.items():
        if len(fits) != sizes.get(model_id, len(fits)):
            expected = f"{sizes[model_id]}, as its vocabulary in the store has"
            raise InvalidInput(f"len(labels[{model_id!r}])", len(fits), expected)
    asked = [(view.labels[m], fits) for m, fits in query.labels.items() if m in view.labels]
    doubt = sum((labels.doubt(fits, count) for labels, fits in asked), np.zeros(count))
    labelled = np.zeros(count, np.bool_)
    for labels, _ in asked:
        labelled[: len(labels.labelled)] |= labels.labelled[:count]
    return Evidence(doubt, labelled)
