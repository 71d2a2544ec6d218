"""Vectors of the present encoders for what was kept with others."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from sage.memory.opening import open_memory
from sage_encoders.backends.minilm import open_text_embedder
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core import audio, vision
from sage_encoders.nodes.loaded_encoder import load_onnx
from sage_encoders.params import ModelParameters
from sage_memory.backends.payload_decoding import picture, sound
from sage_memory.core.store.reembedding import Embedder, Reembedded


def reembed_home(
    home: Path, progress: Callable[[float, str], None], should_stop: Callable[[], bool]
) -> Reembedded:
    """Make what is missing, batch by batch; what was done stays done wherever it stops.

    Raises:
        MemoryFailure: the store cannot be opened, or the disk refuses.
        ModelError: a model is not installed.
    """
    with ExitStack() as models, open_memory(home) as memory:
        work = memory.reembed(local_embedders(models))
        total = work.missing()
        looked_at = 0
        while not should_stop():
            looked_at_now = work.step()
            if not looked_at_now:
                break
            looked_at += looked_at_now
            progress(min(looked_at / max(total, 1), 1.0), f"{looked_at} of {total}")
        return work.done


def local_embedders(models: ExitStack) -> list[Embedder]:
    """The encoders of this installation; they are closed with `models`."""
    words, _ = open_text_embedder()
    images = load_onnx(
        vision.MODEL,
        ModelParameters(),
        vision.SIGNATURE,
        lambda model: vision.VisionEncoder(model, resize),
    )
    models.callback(images.lease.close)
    sounds = load_onnx(
        audio.MODEL,
        ModelParameters(),
        audio.SIGNATURE,
        lambda model: audio.AudioEncoder(model, "payload"),
    )
    models.callback(sounds.lease.close)
    return [
        Embedder("", words.encoder_id, lambda data: words.embed(data.decode())),
        Embedder(
            "vision", images.encoder.encoder_id, lambda data: images.encoder.embed(picture(data))
        ),
        Embedder(
            "audio", sounds.encoder.encoder_id, lambda data: sounds.encoder.embed(*sound(data))
        ),
    ]
