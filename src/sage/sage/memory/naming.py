"""Names for what was kept before a model could name it, or before a word was taught."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sage.memory.completing import complete
from sage.memory.opening import open_memory
from sage_memory.backends.picture_looks import PictureLooks
from sage_memory.backends.picture_namers import PictureNamers
from sage_memory.core.store.completion import Completed


def name_home(
    home: Path, progress: Callable[[float, str], None], should_stop: Callable[[], bool]
) -> Completed:
    """Name what lacks labels, model by model and batch by batch; what was done stays done wherever
    it stops. A picture counts once, though several models name it, or words that were taught.

    Raises:
        MemoryFailure: the store cannot be opened, or the disk refuses.
        ModelError: the classifier is not installed, or a model is damaged.
    """
    with closing(PictureNamers()) as opened, open_memory(home) as memory:
        done = [
            complete(memory.naming(model.namer), progress, should_stop) for model in opened.models
        ]
        with closing(PictureLooks()) as looks:
            taught = memory.taught_naming(looks.features)
            done.append(complete(taught, progress, should_stop))
        return max(done, key=lambda one: one.made + one.failed)
