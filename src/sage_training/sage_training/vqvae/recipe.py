"""What the recipes of the VQ-VAEs share, ours and the references."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from sage_common.core.puzzle import GRID
from sage_training import export
from sage_training.recipe import Networks, Recipe
from sage_training.vqvae.autoencoder import Autoencoder, order_codes

CODES_TEXT = "codes: uint8 [N, 30, 30], 0..9"


class PuzzleRecipe(Recipe):
    """An encoder and a decoder file; codes in the order of a stated scalar.

    Attributes:
        encoder_name: in the card; the decoder's is this and "-decoder".
        version: of both.
        input_name, input_text: name and meaning of the encoder's input.
        order_text: what the codes are ordered by.
    """

    encoder_name: ClassVar[str]
    version: ClassVar[str]
    input_name: ClassVar[str]
    input_text: ClassVar[str]
    order_text: ClassVar[str]
    outputs: ClassVar[Mapping[str, str]] = {"codes": CODES_TEXT}
    """Names and meanings of the encoder's outputs."""

    @abstractmethod
    def example(self) -> Tensor:
        """Two inputs of the encoder."""

    @abstractmethod
    def code_scalar(self, decoded: Tensor) -> Tensor:
        """What codes are ordered by, of decoder outputs [N, ...]: [N]."""

    @abstractmethod
    def encoder_graph(self, model: Autoencoder) -> nn.Module:
        """What the encoder file computes."""

    @abstractmethod
    def decoder_graph(self, model: Autoencoder) -> nn.Module:
        """What the decoder file computes."""

    @abstractmethod
    def source(self) -> dict[str, str]:
        """The fields `data` and `split` of the cards."""

    def finish(self, networks: Networks) -> None:
        """Put the codes in order."""
        model = cast(Autoencoder, networks["puzzle"])
        self.code_values = order_codes(model, self.code_scalar, GRID * GRID)

    def export(self, networks: Networks, out: Path) -> None:
        """See `Recipe`."""
        model = cast(Autoencoder, networks["puzzle"])
        encoder, decoder = (out / file for file in self.files)
        names = tuple(self.outputs)
        export.export(self.encoder_graph(model), self.example(), self.input_name, names, encoder)
        grids = torch.zeros(2, GRID, GRID, dtype=torch.uint8)
        export.export(self.decoder_graph(model), grids, "codes", (self.input_name,), decoder)

    def describe(self, networks: Networks) -> dict[str, dict[str, Any]]:
        """See `Recipe`."""
        model = cast(Autoencoder, networks["puzzle"])
        shared = {
            "version": self.version,
            "code_order": self.order_text,
            "code_values": self.code_values,
            "parameters": self.parameter_count(networks),
            "parameters_of_encoder": sum(p.numel() for p in model.encoder.parameters()),
            **self.source(),
        }
        encoder = {
            "name": self.encoder_name,
            "input": self.input_text,
            "output": "; ".join(self.outputs.values()),
        }
        decoder = {
            "name": f"{self.encoder_name}-decoder",
            "input": CODES_TEXT,
            "output": self.input_text,
        }
        encoder_file, decoder_file = self.files
        return {encoder_file: {**encoder, **shared}, decoder_file: {**decoder, **shared}}

    def parameter_count(self, networks: Networks) -> int:
        """Trained weights of all stages, and the codebook."""
        trained = sum(p.numel() for n in networks.values() for p in n.parameters())
        return trained + cast(Autoencoder, networks["puzzle"]).quantizer.codebook.numel()
