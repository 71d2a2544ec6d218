"""What the vision and audio VQ-VAEs share: the model's frame and the training loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sage_encoders.training.quantizer import Quantizer

COMMITMENT, LATENT_DECAY = 0.25, 1e-3
CODEBOOK_SAMPLES = 20000

Epoch = Callable[[np.random.Generator], Iterator[Tensor]]
"""Batches of one epoch, as the encoder takes them."""


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
        """Training loss and plain reconstruction MSE of a batch; see `Schedule`."""
        _, latent = self.encoder(batch)
        if not quantized:
            error = functional.mse_loss(self.decoder(latent), self.target(batch))
            return error + LATENT_DECAY * latent.square().mean(), error
        passed, _, commitment, entropy = self.quantizer(latent)
        error = functional.mse_loss(self.decoder(passed), self.target(batch))
        return error + COMMITMENT * commitment - evenness * entropy, error


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    Attributes:
        epochs: passes over the data.
        warm_up: first passes, without the codebook; k-means starts it afterwards.
        steps: optimiser steps of one epoch.
        rate: highest learning rate of the one-cycle schedule.
        seed: of weights, order and augmentation.
        evenness: weight of the entropy [nats] of code use; it keeps every code in use.
    """

    epochs: int
    warm_up: int
    steps: int
    rate: float
    seed: int
    evenness: float


def train(
    build: Callable[[], Autoencoder],
    epoch: Epoch,
    sample: Callable[[np.random.Generator], Tensor],
    schedule: Schedule,
) -> Autoencoder:
    """Train a new model.

    Args:
        build: makes the model; called after the seed is set.
        epoch: batches of one epoch.
        sample: a batch whose latents start the codebook.
    """
    torch.manual_seed(schedule.seed)
    rng = np.random.default_rng(schedule.seed)
    model = build()
    optimizer = torch.optim.AdamW(model.parameters(), lr=schedule.rate, weight_decay=1e-4)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, schedule.rate, total_steps=schedule.epochs * schedule.steps, pct_start=0.1
    )
    began = time.monotonic()
    for number in range(schedule.epochs):
        if number == schedule.warm_up:
            start_codebook(model, sample(rng))
        errors = []
        for batch in epoch(rng):
            optimizer.zero_grad(set_to_none=True)
            loss, error = model.losses(batch, number >= schedule.warm_up, schedule.evenness)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            cycle.step()
            errors.append(error.item())
        print(
            f"epoch {number + 1}/{schedule.epochs}  train MSE {np.mean(errors):.4f}"
            f"  codebook {'on' if number >= schedule.warm_up else 'off'}"
            f"  {time.monotonic() - began:.0f} s",
            flush=True,
        )
    return model.eval()


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
