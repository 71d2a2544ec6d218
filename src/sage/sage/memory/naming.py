"""Names for the pictures that were kept before a model could name them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sage.memory.completing import complete
from sage.memory.opening import open_memory
from sage_memory.backends.picture_namer import PictureNamer
from sage_memory.core.store.completion import Completed


def name_home(
    home: Path, progress: Callable[[float, str], None], should_stop: Callable[[], bool]
) -> Completed:
    """Name what lacks labels, batch by batch; what was done stays done wherever it stops.

    Raises:
        MemoryFailure: the store cannot be opened, or the disk refuses.
        ModelError: the model is not installed.
    """
    with closing(PictureNamer()) as opened, open_memory(home) as memory:
        return complete(memory.naming(opened.namer), progress, should_stop)
