"""What the encoder and the decoder of a VAE are calibrated on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_training.precision import conversion


def picture_and_latent_inputs(
    encoder_file: Path, decoder_file: Path, images: NDArray[np.uint8], count: int
) -> dict[str, NDArray[Any]]:
    """Evenly spaced pictures for the encoder, and their latents for the decoder, by file name.

    Args:
        images: to choose from, uint8 [N, H, W, 3].
        count: about this many.
    """
    chosen = images[:: max(1, len(images) // count)]
    encoder = conversion.session(encoder_file)
    latents = [encoder.run(["latent"], {"image": image[None]})[0] for image in chosen]
    return {encoder_file.name: chosen, decoder_file.name: np.concatenate(latents)}
