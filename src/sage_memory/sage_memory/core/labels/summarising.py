"""What a summary shows: of each class the largest probability of the moments that it covers.

The moments of a summary are nearly alike, so that what one shows is no independent witness of
what another does: the probability that any of them shows a class is about the largest one, where
the mean would lose what only one of them showed and 1 - prod(1 - p) would count one sight many
times.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.engine import Connection

from sage_common.core.labels import MOST_LABELS, Label, Labels
from sage_memory.core.engine.plain_query import KEYS, PlainQuery
from sage_memory.core.engine.schema import experiences, summary_members
from sage_memory.core.labels.encoding import encode
from sage_memory.core.labels.packing import PackedLabels
from sage_memory.core.labels.rows import (
    Seen,
    insert_labels,
    labels_of,
    numbers_of,
    remove_labels,
)

_MEMBERS = PlainQuery(
    select(summary_members.c.summary_id, summary_members.c.member_id).where(
        summary_members.c.summary_id.in_(KEYS)
    )
)
_SUMMARIES = PlainQuery(
    select(summary_members.c.summary_id)
    .join(experiences, experiences.c.id == summary_members.c.summary_id)
    .where(summary_members.c.member_id.in_(KEYS), experiences.c.forgotten_ns.is_(None))
    .distinct()
)


def merged(members: Sequence[Sequence[Seen]]) -> tuple[PackedLabels, ...]:
    """Labels of a summary of moments in which this was recognised; one set of each model."""
    best: dict[str, dict[int, Label]] = {}
    vocabularies: dict[str, tuple[str, ...]] = {}
    for seen in (one for member in members for one in member):
        vocabularies[seen.model_id] = seen.vocabulary
        classes = best.setdefault(seen.model_id, {})
        for label in seen.labels:
            known = classes.get(label.number)
            if known is None or label.probability > known.probability:
                classes[label.number] = label
    made = []
    for model_id, classes in best.items():
        ranked = sorted(classes.values(), key=lambda label: (-label.probability, label.number))
        labels = Labels(model_id, tuple(ranked[:MOST_LABELS]))
        made.append(PackedLabels(model_id, vocabularies[model_id], encode(labels)))
    return tuple(made)


def summaries_over(connection: Connection, ids: Sequence[bytes]) -> list[bytes]:
    """Ids of the summaries that cover one of these experiences."""
    return [bytes(row.summary_id) for row in _SUMMARIES.rows(connection, ids)]


def relabel_summaries(connection: Connection, summaries: Sequence[bytes]) -> list[bytes]:
    """Make the labels of summaries anew from those of what they cover; ids of those with any."""
    links: dict[bytes, list[bytes]] = {}
    for row in _MEMBERS.rows(connection, summaries):
        links.setdefault(bytes(row.summary_id), []).append(bytes(row.member_id))
    changed = labels_of(connection, summaries).keys()
    remove_labels(connection, summaries)
    numbers = numbers_of(connection, summaries)
    found = []
    for summary, members in links.items():
        of_members = labels_of(connection, members)
        made = merged([of_members[key] for key in members if key in of_members])
        found += [(numbers[summary], summary, packed) for packed in made]
    insert_labels(connection, found)
    return sorted(changed | {summary for _, summary, _ in found})
