"""Memory of SAGE: keeps what mattered, and can be asked about it later."""

from sage_memory.core.errors import (
    MemoryBusy,
    MemoryFailure,
    NotStored,
    StoreDamaged,
    StoreLocked,
    StoreMissing,
    StoreNotReadable,
    StoreNotWritable,
    StoreReplaced,
    StoreTooNew,
    StoreTooOld,
)
from sage_memory.core.experience import Experience, Payload, Place
from sage_memory.core.limits import Limits
from sage_memory.core.memory import Memory
from sage_memory.core.recall.query import Answer, Declined, Query, Recalled
from sage_memory.core.statistics import Statistics
from sage_memory.core.store.writer import Future

__all__ = [
    "Answer",
    "Declined",
    "Experience",
    "Future",
    "Limits",
    "Memory",
    "MemoryBusy",
    "MemoryFailure",
    "NotStored",
    "Payload",
    "Place",
    "Query",
    "Recalled",
    "Statistics",
    "StoreDamaged",
    "StoreLocked",
    "StoreMissing",
    "StoreNotReadable",
    "StoreNotWritable",
    "StoreReplaced",
    "StoreTooNew",
    "StoreTooOld",
]
