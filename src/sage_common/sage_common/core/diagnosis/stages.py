"""The stages of a graph, as nodes name what they measure of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sage_common.core.diagnosis.timing import KEY_ENDING, TimingFacts

SENSE, ENCODE, SCORE, FUSE, REFINE = "sense", "encode", "score", "fuse", "refine"
"""Followed by a stream, a modality, or (refine) a plugin and a modality."""
ATTEND, REMEMBER, KEEP, DECIDE = "attend", "remember", "keep", "decide"
HAND_OVER = "hand over"
"""Between the stages: messages on their way, queues, waiting for a core."""
WAIT = "wait"
"""For the next budget cycle, for a turn, and for a core."""
TO_SALIENCE, TO_REFINEMENT = "to salience", "to refinement"
"""Followed by a modality: from the stamp of its sample to what was published of it."""


def sense(stream: str) -> str:
    """From a sample's stamp to its being handed over."""
    return f"{SENSE} {stream}"


def encode(modality: str) -> str:
    """One percept."""
    return f"{ENCODE} {modality}"


def score(modality: str) -> str:
    """One percept."""
    return f"{SCORE} {modality}"


def fuse(modality: str) -> str:
    """The salience of a percept of this modality with those of the others."""
    return f"{FUSE} {modality}"


def refine(plugin: str, modality: str) -> str:
    """One run of a plugin: the time of its worker that was measured."""
    return f"{REFINE} {plugin} {modality}"


def to_salience(modality: str) -> str:
    """From the sample's stamp to fused salience."""
    return f"{TO_SALIENCE} {modality}"


def to_refinement(modality: str) -> str:
    """From the sample's stamp to the result of a plugin's own run."""
    return f"{TO_REFINEMENT} {modality}"


def read_timings(messages: Iterable[Any]) -> dict[str, TimingFacts]:
    """What nodes measured, by name.

    Args:
        messages: the newest diagnostic_msgs/DiagnosticStatus of each node.
    """
    return {
        item.key.removesuffix(KEY_ENDING): TimingFacts.of(item.value)
        for message in messages
        for item in message.values
        if item.key.endswith(KEY_ENDING)
    }
