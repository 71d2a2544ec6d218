"""A model whose runs are joined with those of others who wait for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.core.model import AnyTensor

Arrays = Mapping[str, NDArray[Any]]


class BatchedModel:
    """Runs as an `OnnxModel`, and has its attributes.

    Where more runs are asked for than there are cores, those that wait and whose inputs differ in
    the first axis alone are run as one, if the first axis of all inputs and outputs is of any size
    and bears the same name, and if that is cheaper, which is measured once, when the model is
    opened here first. The outputs are those of separate runs but for rounding.

    Attributes:
        apart: the model, whose runs are not joined.
    """

    def __init__(self, model: OnnxModel) -> None:
        self.apart = model
        self._can_batch = model.signature.has_batch_axis and model.batching_pays

    def __getattr__(self, name: str) -> Any:
        return getattr(self.apart, name)

    def run(self, **inputs: AnyTensor) -> dict[str, NDArray[Any]]:
        """See `OnnxModel.run`."""
        arrays = {name: array for name, array in inputs.items() if type(array) is np.ndarray}
        if not self._can_batch or len(arrays) < len(inputs):
            return self.apart.run(**inputs)
        self.apart.check(arrays)
        rows = {len(array) for array in arrays.values()}
        if len(rows) != 1:
            return self.apart.run(**inputs)
        key = tuple((name, array.shape[1:]) for name, array in sorted(arrays.items()))
        return self.apart.batches.join(key, arrays, rows.pop(), self._run_all)

    def _run_all(self, requests: Sequence[Arrays]) -> Sequence[dict[str, NDArray[Any]]]:
        if len(requests) == 1:
            return [self.apart.run(**requests[0])]
        names = requests[0].keys()
        joined = {name: np.concatenate([arrays[name] for arrays in requests]) for name in names}
        outputs = self.apart.run(**joined)
        ends = np.cumsum([len(next(iter(arrays.values()))) for arrays in requests])[:-1]
        parts = {name: np.split(output, ends) for name, output in outputs.items()}
        # Copies: who keeps its part does not keep those of the others.
        return [
            {name: part[place].copy() for name, part in parts.items()}
            for place in range(len(requests))
        ]
