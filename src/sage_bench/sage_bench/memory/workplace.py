"""Where a bench works: its setting, its sizes, its inputs, and its folder."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sage_bench.encoders.section import Setting
from sage_bench.memory.inputs.corpus import Corpus, clustered
from sage_bench.memory.inputs.sentences import Sentences, sentences
from sage_bench.memory.scale import Scale
from sage_bench.salience.streams.percepts import cache_folder


@dataclass(frozen=True)
class Workplace:
    """What every part is given.

    Attributes:
        setting: folders of recordings and models.
        scale: how much is measured.
        folder: for files that are gone afterwards.
        inputs: SHA-256 of what was measured with, by name; parts add to it.
    """

    setting: Setting
    scale: Scale
    folder: Path
    inputs: dict[str, str] = field(default_factory=dict)
    _corpora: dict[int, Corpus] = field(default_factory=dict)

    @cached_property
    def sentences(self) -> Sentences:
        """Real ones, embedded once a run."""
        found = sentences(self.setting, self.scale.sentences)
        self.inputs[f"{len(found.texts):,} sentences and their embeddings"] = found.digest
        return found

    @cached_property
    def largest(self) -> Corpus:
        """Clustered moments, as many as the largest size."""
        return clustered(self.sentences, self.scale.sizes[-1], self.scale.queries)

    def corpus(self, size: int) -> Corpus:
        """The first of the clustered moments."""
        if size not in self._corpora:
            corpus = self.largest.first(size)
            self.inputs[f"{size:,} clustered moments"] = corpus.digest
            self._corpora[size] = corpus
        return self._corpora[size]

    def queries(self, size: int) -> int:
        """Questions that are asked of a memory of a size."""
        whole = self.scale.queries
        return whole if size < 1_000_000 else max(whole // 2, 1)

    @contextmanager
    def fresh_folder(self) -> Iterator[Path]:
        """An empty folder that is gone afterwards."""
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            yield Path(name)

    @property
    def homes(self) -> Path:
        """Where filled memories lie: the cache if there is one, so that they are filled once."""
        return cache_folder() or self.folder


def report_progress(what: str) -> None:
    """Say what is measured now, so that a long run is not silent; not on standard output."""
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)
