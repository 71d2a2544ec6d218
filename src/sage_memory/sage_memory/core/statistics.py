"""The state of a memory in numbers."""

from __future__ import annotations

from dataclasses import dataclass

from sage_memory.core.store.store import Store


@dataclass(frozen=True)
class Statistics:
    """The state of a memory.

    Attributes:
        experiences, vectors: in the index, forgotten ones included.
        damaged_vectors: vectors and labels left out, whose checksum did not match.
        damaged_experiences: that recalls came across and left out, and the last one in words.
        waiting: experiences in the queue; not yet acknowledged.
        refused: experiences refused because the queue was full.
        failed: experiences whose commit failed, and why the last one did.
        failing: the newest commit failed.
        committed, groups: experiences acknowledged since start, in how many transactions.
        payload_bytes: bytes of all payloads.
        payloads_refused: payloads that were not kept.
        last_refusal: why the newest payload was not kept; empty: it was.
        disk_free_bytes: left on the disk.
        index_cache_refusal: why the index was not written to its cache; empty: it was.
        durability: journal mode and synchronous level in effect.
    """

    experiences: int
    vectors: int
    damaged_vectors: int
    damaged_experiences: int
    last_damage: str
    waiting: int
    refused: int
    failed: int
    failing: bool
    last_write_failure: str
    committed: int
    groups: int
    payload_bytes: int
    payloads_refused: int
    last_refusal: str
    disk_free_bytes: int
    index_cache_refusal: str
    durability: str


def statistics_of(store: Store) -> Statistics:
    """The numbers of an open store."""
    return Statistics(
        experiences=len(store.reader.index),
        vectors=store.reader.index.vector_count,
        damaged_vectors=len(store.reader.index.damaged),
        damaged_experiences=len(store.reader.damaged),
        last_damage=store.reader.damaged.last(),
        waiting=store.committer.waiting,
        refused=store.committer.refused,
        failed=store.committer.failed,
        failing=store.committer.failing,
        last_write_failure=store.committer.last_failure,
        committed=store.committer.committed,
        groups=store.committer.groups,
        payload_bytes=store.payloads.total_bytes,
        payloads_refused=store.payloads.refused,
        last_refusal=store.payloads.last_refusal,
        disk_free_bytes=store.payloads.files.free_bytes(),
        index_cache_refusal=store.reader.cache_refusal,
        durability=store.durability,
    )
