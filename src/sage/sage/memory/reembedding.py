"""Vectors of the present encoders for what was kept with others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sage.memory.completing import complete
from sage.memory.opening import open_memory
from sage_common.core.specs.entry_points import load
from sage_common.core.specs.modality import ModalitySpec, in_order
from sage_memory.backends.payload_decoding import picture, sound
from sage_memory.core.store.completion import Completed
from sage_memory.core.store.reembedding import Embedder

_CONTENT: dict[str, Callable[[bytes], Any]] = {"picture": picture, "sound": sound}


def reembed_home(
    home: Path, progress: Callable[[float, str], None], should_stop: Callable[[], bool]
) -> Completed:
    """Make what is missing, batch by batch; what was done stays done wherever it stops.

    Raises:
        MemoryFailure: the store cannot be opened, or the disk refuses.
        ModelError: a model is not installed.
    """
    with ExitStack() as models, open_memory(home) as memory:
        embedders = local_embedders(models, memory.modality_specs)
        return complete(memory.reembed(embedders), progress, should_stop)


def local_embedders(models: ExitStack, specs: Mapping[str, ModalitySpec]) -> list[Embedder]:
    """The encoders of this installation for modalities; they are closed with `models`."""
    known = (spec for spec in in_order(specs) if spec.embedder)
    return [_embedder(spec, models) for spec in known]


def _embedder(spec: ModalitySpec, models: ExitStack) -> Embedder:
    opened = load(spec.embedder, f"modality {spec.name}: embedder")()
    models.callback(opened.close)
    content = bytes.decode if spec.words else _CONTENT.get(spec.payload, bytes)
    return Embedder(
        "" if spec.words else spec.name,
        opened.encoder_id,
        lambda data: opened.embed(content(data)),
    )
