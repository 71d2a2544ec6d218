"""What the vision and audio VQ-VAEs share: the model's frame and how it is trained."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sage_training.recipe import Networks, Schedule, Stage
from sage_training.vqvae.quantizer import Quantizer

COMMITMENT, LATENT_DECAY = 0.25, 1e-3
CODEBOOK_SAMPLES = 20000


class Autoencoder(nn.Module):
    """Encoder (input -> features, latents [N, 900, width]), ordered codebook and decoder."""

    def __init__(self, encoder: nn.Module, quantizer: Quantizer, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.quantizer, self.decoder = encoder, quantizer, decoder

    def target(self, batch: Tensor) -> Tensor:
        """What the decoder should return for this input."""
        return batch

    def decode(self, codes: Tensor) -> Tensor:
        """Codes [N, 900] -> the decoder's output."""
        decoded: Tensor = self.decoder(functional.embedding(codes.long(), self.quantizer.codebook))
        return decoded

    def parameter_count(self) -> int:
        """Weights of encoder and decoder, and the codebook."""
        return sum(p.numel() for p in self.parameters()) + self.quantizer.codebook.numel()

    def losses(
        self, batch: Tensor, quantized: bool, evenness: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """Training loss and plain reconstruction MSE of a batch; `evenness` weighs code use."""
        _, latent = self.encoder(batch)
        if not quantized:
            error = functional.mse_loss(self.decoder(latent), self.target(batch))
            return error + LATENT_DECAY * latent.square().mean(), error
        passed, _, commitment, entropy = self.quantizer(latent)
        error = functional.mse_loss(self.decoder(passed), self.target(batch))
        return error + COMMITMENT * commitment - evenness * entropy, error


class PuzzleStage(Stage):
    """Trains an `Autoencoder`: first without its codebook, then with it.

    Args:
        schedule: how long and how fast.
        build: makes the untrained model.
        warm_up: epochs without the codebook; k-means starts it afterwards.
        evenness: weight of the entropy [nats] of code use; it keeps every code in use.
    """

    name = "puzzle"

    def __init__(
        self, schedule: Schedule, build: Callable[[], Autoencoder], warm_up: int, evenness: float
    ) -> None:
        super().__init__(schedule)
        self.build, self.warm_up, self.evenness = build, warm_up, evenness

    def network(self, earlier: Networks) -> Autoencoder:
        """See `Stage`."""
        return self.build()

    def begin_epoch(self, network: nn.Module, number: int, rng: np.random.Generator) -> None:
        """Start the codebook once the warm-up is over."""
        if number == self.warm_up:
            start_codebook(cast(Autoencoder, network), self.codebook_batch(rng))

    @abstractmethod
    def codebook_batch(self, rng: np.random.Generator) -> Tensor:
        """Inputs whose latents start the codebook."""

    def loss(
        self, network: nn.Module, batch: tuple[Tensor, ...], number: int
    ) -> tuple[Tensor, Tensor]:
        """See `Autoencoder.losses`."""
        model = cast(Autoencoder, network)
        return model.losses(batch[0], number >= self.warm_up, self.evenness)


@torch.no_grad()
def start_codebook(model: Autoencoder, batch: Tensor) -> None:
    """Put the codebook on k-means centres of the latents of a batch."""
    latent = model.encoder(batch)[1].flatten(0, 1)
    model.quantizer.start_from(latent[torch.randperm(len(latent))[:CODEBOOK_SAMPLES]])


@torch.no_grad()
def order_codes(model: Autoencoder, scalar: Callable[[Tensor], Tensor], cells: int) -> list[float]:
    """Sort the codes by `scalar` of what a grid of that code alone decodes to.

    Args:
        scalar: decoder output [codes, ...] -> [codes].
        cells: cells of a grid.

    Returns:
        the scalar of each code in its new order, rising.
    """
    codes = len(model.quantizer.codebook)
    values = scalar(model.decode(torch.arange(codes)[:, None].expand(codes, cells)))
    order = values.argsort()
    model.quantizer.reorder(order)
    return [round(float(value), 4) for value in values[order]]
