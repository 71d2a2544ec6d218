"""The encoders run by PyTorch itself, for timing: as untrained ones, which take just as long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

from sage_training.audio import network as audio_network
from sage_training.audio import reference as audio_reference
from sage_training.vision import network as vision_network
from sage_training.vision import reference as vision_reference
from sage_training.vision.embedding_network import VisionEmbedding
from sage_training.vqvae.projection import Projection

Run = Callable[[NDArray[Any]], None]
"""Encodes one input of the exported model."""


def set_threads(count: int) -> None:
    """Compute threads of whatever PyTorch runs from now on."""
    torch.set_num_threads(count)


def vision() -> Run:
    """Ours: uint8 [N, 224, 224, 3] to codes and embedding."""
    head = VisionEmbedding()
    return _runner(vision_network.VisionEncoderGraph(vision_network.vision_autoencoder(), head))


def vision_of_reference() -> Run:
    """The reference: uint8 [N, 224, 224, 3] to codes."""
    return _runner(vision_reference.ReferenceEncoderGraph(vision_reference.reference_autoencoder()))


def audio_of_reference() -> Run:
    """The reference: log-mel float32 [N, 60, 100] to codes."""
    return _runner(audio_reference.ReferenceEncoderGraph(audio_reference.reference_autoencoder()))


def audio() -> Run:
    """Ours: log-mel float32 [N, 60, 100] to codes and embedding."""
    width = 12 * audio_network.CHANNELS
    head = Projection(torch.zeros(width), torch.randn(width, 64))
    return _runner(audio_network.AudioEncoderGraph(audio_network.audio_autoencoder(), head))


def _runner(graph: nn.Module) -> Run:
    graph.eval()

    def run(inputs: NDArray[Any]) -> None:
        with torch.inference_mode():
            graph(torch.from_numpy(inputs))

    return run
