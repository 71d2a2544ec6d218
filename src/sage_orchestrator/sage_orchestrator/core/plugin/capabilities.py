"""What plugins may use of the graph: each capability is one function, known by its name.

A plugin names in its spec what it needs; the node offers what it can; the plugin's context has the
functions that it named, and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from sage_common.core.puzzle import Percept
from sage_common.core.tiles import TileView
from sage_orchestrator.core.plugin.interface import Budget

T = TypeVar("T")


@dataclass(frozen=True)
class Query:
    """A question to the memory; every condition that is set must hold.

    Attributes:
        example: float32 [D], unit length.
        encoder_id: whose space the example lives in.
        end_ns: only what is older than this.
        modality: empty: all.
        min_salience: [0, 1].
        limit: most results.
    """

    example: NDArray[np.float32]
    encoder_id: str
    end_ns: int
    modality: str
    min_salience: float
    limit: int


@dataclass(frozen=True)
class Memory:
    """One answer of the memory: id, cosine score in [-1, 1], and the words stored with it."""

    id: str
    score: float
    stamp_ns: int
    text: str


@dataclass(frozen=True)
class TextEmbedding:
    """Where a text lies: float32 [D] of unit length, in the space of `encoder_id`."""

    embedding: NDArray[np.float32]
    encoder_id: str


@dataclass(frozen=True)
class HeardUtterance:
    """Words that were heard, read or typed: when they ended, by whom, confidence in [0, 1]."""

    stamp_ns: int
    text: str
    speaker: str
    confidence: float


@dataclass(frozen=True)
class HeardSound:
    """A piece of sound: when its last sample was taken, and its samples, 16 kHz, float32 [n]."""

    end_ns: int
    samples: NDArray[np.float32]


@dataclass(frozen=True)
class ChatMessage:
    """A part of what a language model is given: whose words (system, user, assistant), and they."""

    role: str
    content: str


class ModelLease(Protocol):
    """A model that is shared with others of the process who use the same one."""

    @property
    def model(self) -> Any:
        """The model, `sage_encoders.backends.onnx_model.OnnxModel`."""

    def close(self) -> None:
        """Give it back; the last one who does unloads it."""


class Percepts(Protocol):
    """`percepts(modality, stamp_ns)`: the percept nearest to a time; None if none is near."""

    def __call__(self, modality: str, stamp_ns: int) -> Percept | None: ...


class Frames(Protocol):
    """`frames(source, stamp_ns)`: the native picture, uint8 RGB [H, W, 3]; None if none is near."""

    def __call__(self, source: str, stamp_ns: int) -> NDArray[np.uint8] | None: ...


class PeripheryViews(Protocol):
    """`periphery(source, stamp_ns)`: what stands out in the frame by tile; None if none is near."""

    def __call__(self, source: str, stamp_ns: int) -> TileView | None: ...


class Tiles(Protocol):
    """`tiles(draw, stamp_ns, look)`: hand a tile to an encoder, through a mailbox if there is one.

    `draw` fills the tile, uint8 RGB [224, 224, 3], taken at `stamp_ns`; `look` is given the filled
    tile where it is, must not keep it, and what it returns is returned.

    Raises:
        RuntimeError: the tile was taken back while it was looked at.
    """

    def __call__(
        self,
        draw: Callable[[NDArray[np.uint8]], None],
        stamp_ns: int,
        look: Callable[[NDArray[np.uint8]], T],
    ) -> T: ...


class Recall(Protocol):
    """`recall(query)`: similar memories, best first.

    Raises:
        RuntimeError: the memory is not there, or refused the question.
    """

    def __call__(self, query: Query) -> Sequence[Memory]: ...


class EmbedText(Protocol):
    """`embed_text(text)`: the embedding of a text by the language encoder of the graph.

    Raises:
        RuntimeError: the encoder is not there, or refused the text.
    """

    def __call__(self, text: str) -> TextEmbedding: ...


class Utterances(Protocol):
    """`utterances(start_ns, end_ns)`: the newest words of a time, oldest first; 16 are kept."""

    def __call__(self, start_ns: int, end_ns: int) -> Sequence[HeardUtterance]: ...


class Sounds(Protocol):
    """`sounds(start_ns, end_ns)`: pieces of sound that end in a time, oldest first; 30 s are kept.

    What the robot itself says at the time is silence in them.

    Raises:
        InvalidInput: the microphone does not send 16 kHz.
    """

    def __call__(self, start_ns: int, end_ns: int) -> Sequence[HeardSound]: ...


class ModelSessions(Protocol):
    """`model_session(name, precision)`: a model of the models' folder, shared in this process.

    `name` is that of its FP32 file without the ending; `precision` is fp32, fp16, int8, or auto:
    the fastest that keeps its quality. To be called in `load`.

    Raises:
        ModelError: the model cannot be used.
    """

    def __call__(self, name: str, precision: str = "auto") -> ModelLease: ...


class GeneratedText(Protocol):
    """An answer of a language model, piece by piece; a piece is about a token."""

    @property
    def tokens(self) -> int:
        """Pieces that have come so far."""

    def __iter__(self) -> Iterator[str]: ...

    def __next__(self) -> str:
        """The next piece; the answer ends, too, when the run is cancelled.

        Raises:
            RuntimeError: the server failed; the words say how.
        """

    def close(self) -> None:
        """Have the server stop; what has come is charged."""


class Generate(Protocol):
    """`generate(messages, max_tokens, budget)`: text of a language model, piece by piece.

    `budget` is that of the run, as `init_state` is given it. Each piece is charged with the time
    that the server took for it.

    Raises:
        TooDear: the answer would cost more than is left; a kind of `NothingToDo`.
    """

    def __call__(
        self, messages: Sequence[ChatMessage], max_tokens: int, budget: Budget
    ) -> GeneratedText: ...
