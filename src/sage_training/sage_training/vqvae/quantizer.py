"""Vector quantiser with a moving-average codebook (van den Oord et al. 2017, appendix A.1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Quantizer(nn.Module):
    """Nearest of `codes` vectors; the codebook follows its members by moving average.

    A code that keeps less than `revive_share` of a fair share is dead; it is put back on a random
    member of the batch. `codebook` is float32 [codes, width].
    """

    codebook: Tensor
    count: Tensor
    total: Tensor

    def __init__(
        self, codes: int, width: int, decay: float = 0.98, revive_share: float = 0.05
    ) -> None:
        super().__init__()
        self.decay, self.revive_share = decay, revive_share
        self.register_buffer("codebook", torch.randn(codes, width))
        self.register_buffer("count", torch.ones(codes))
        self.register_buffer("total", self.codebook.clone())

    def scores(self, latent: Tensor) -> Tensor:
        """Half the negative squared distance up to a constant: [..., width] -> [..., codes]."""
        return latent @ self.codebook.T - 0.5 * self.codebook.square().sum(1)

    def forward(self, latent: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Quantise [N, cells, width].

        Returns:
            straight-through vectors [N, cells, width], codes [N, cells], commitment loss, and the
            entropy [nats] of the batch's soft code use (to be maximised).
        """
        flat = latent.reshape(-1, latent.shape[-1])
        scores = self.scores(flat)
        codes = scores.argmax(1)
        if self.training:
            self._follow(flat.detach(), codes)
        nearest = functional.embedding(codes, self.codebook)
        commitment = functional.mse_loss(flat, nearest)
        scale = 2.0 * (flat.detach() - nearest).square().sum(1).mean() + 1e-6
        use = torch.softmax(2.0 * scores / scale, dim=1).mean(0)
        entropy = -(use * (use + 1e-9).log()).sum()
        passed = flat + (nearest - flat).detach()
        return passed.reshape(latent.shape), codes.reshape(latent.shape[:-1]), commitment, entropy

    @torch.no_grad()
    def start_from(self, latent: Tensor, rounds: int = 20) -> None:
        """Put the codebook on k-means centres of [samples, width], seeded by torch's generator."""
        chosen = torch.randperm(len(latent))[: len(self.codebook)]
        self.codebook.copy_(latent[chosen])
        for _ in range(rounds):
            codes = self.scores(latent).argmax(1)
            for code in range(len(self.codebook)):
                members = latent[codes == code]
                if len(members):
                    self.codebook[code] = members.mean(0)
                else:
                    self.codebook[code] = latent[torch.randint(len(latent), ())]
        counts = torch.bincount(codes, minlength=len(self.codebook)).float()
        self.count.copy_(counts.clamp(min=1.0))
        self.total.copy_(self.codebook * self.count[:, None])

    @torch.no_grad()
    def reorder(self, order: Tensor) -> None:
        """Permute the codes so that the old code `order[i]` becomes code i."""
        for buffer in (self.codebook, self.count, self.total):
            buffer.copy_(buffer[order])

    @torch.no_grad()
    def _follow(self, flat: Tensor, codes: Tensor) -> None:
        members = functional.one_hot(codes, len(self.codebook)).to(flat.dtype)
        self.count.mul_(self.decay).add_(members.sum(0), alpha=1 - self.decay)
        self.total.mul_(self.decay).add_(members.T @ flat, alpha=1 - self.decay)
        dead = self.count < self.revive_share * self.count.sum() / len(self.count)
        for code in torch.nonzero(dead).flatten():
            self.total[code] = flat[torch.randint(len(flat), ())]
            self.count[code] = 1.0
        # A new tensor: the gradient of this step still needs the old one.
        self.codebook = self.total / self.count[:, None]


def perplexity(codes: Tensor, kinds: int) -> tuple[float, int]:
    """Perplexity of the use of `kinds` codes over any shape of `codes`, and how many occur."""
    share = torch.bincount(codes.flatten().long(), minlength=kinds).double()
    share = share / share.sum()
    used = share[share > 0]
    return float(torch.exp(-(used * used.log()).sum())), int((share > 0).sum())
