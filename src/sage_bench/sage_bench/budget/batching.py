"""Small tasks of many plugins at once that ask one model: run as chosen, joined, and apart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import Row
from sage_common.core.shared_work.batches import Batches
from sage_common.core.shared_work.thread_work import ThreadWork
from sage_encoders.backends.batched_model import BatchedModel
from sage_encoders.backends.minilm import OpenTextEmbedder
from sage_encoders.backends.model_registry import ModelRegistry
from sage_encoders.backends.onnx_model import OnnxModel

PLUGINS = 16
TASKS, TASKS_QUICK = 8000, 1600
TEXTS, TEXTS_QUICK = 640, 160
GOAL_PER_S, GOAL_DIFFERENCE = 1000.0, 1e-5
TEXT = "a red ball near the door"
Ask = Callable[[], Any]
Arrays = Mapping[str, NDArray[Any]]


def rows(setting: Setting) -> Figures:
    """Sixteen threads ask as fast as they are answered."""
    tasks, texts = (TASKS_QUICK, TEXTS_QUICK) if setting.quick else (TASKS, TEXTS)
    random = np.random.default_rng(15)
    inputs = {
        "sound_classifier": ("features", random.normal(size=(1, 49, 384)).astype(np.float32)),
        "audio_encoder": ("log_mel", random.normal(size=(1, 60, 100)).astype(np.float32)),
    }
    found: list[Row] = []
    for name, (field, array) in inputs.items():
        with ModelRegistry().open(name, setting.models, "fp32") as model:
            found += _model_rows(name, model, {field: array}, tasks)
    return Figures((*found, *_text_rows(setting, texts)))


def _model_rows(name: str, model: OnnxModel, inputs: Arrays, tasks: int) -> Sequence[Row]:
    outputs: list[Arrays] = []
    alone = model.run(**inputs)
    pays = model.batching_pays
    chosen = _rate(partial(BatchedModel(model).run, **inputs), tasks, PLUGINS)
    model.batching_pays = True
    always = BatchedModel(model)
    joined = _rate(lambda: outputs.append(always.run(**inputs)), tasks, PLUGINS)
    apart = _rate(partial(model.run, **inputs), tasks, PLUGINS)
    one = _rate(partial(model.run, **inputs), tasks, 1)
    how = "joined" if pays else "apart"
    beside = {"always joined": joined, "never joined": apart, "one after another": one}
    return (
        Row(f"tasks of {name} a second, sixteen plugins, run {how} as measured at load", chosen,
            "/s", GOAL_PER_S, "higher", beside),
        Row(f"difference of joined results from those alone ({name})",
            max(_difference(alone, output) for output in outputs), "", GOAL_DIFFERENCE),
    )  # fmt: skip


def _text_rows(setting: Setting, texts: int) -> Sequence[Row]:
    """As `embed_text` does, without the service between."""
    opened = OpenTextEmbedder(setting.models)
    work = ThreadWork()
    batches: Batches[str, Any] = Batches(PLUGINS, work=work)
    embedder = opened.embedder
    alone = embedder.embed(TEXT)
    outputs: list[Any] = []

    def ask() -> None:
        outputs.append(batches.join("", TEXT, 1, embedder.embed_all))

    joined = _rate(ask, texts, PLUGINS)
    apart = _rate(lambda: embedder.embed(TEXT), texts, PLUGINS)
    one = _rate(lambda: embedder.embed(TEXT), texts, 1)
    opened.close()
    return (
        Row("texts embedded a second, sixteen plugins, joined", joined, "/s", None, "higher",
            {"never joined": apart, "one after another": one}),
        Row("difference of their embeddings from those alone",
            max(float(np.abs(output - alone).max()) for output in outputs), "", GOAL_DIFFERENCE),
        Row("time charged for batches beyond what they took",
            float(abs(sum(work.received_ns().values()))), "ns", 0.0),
    )  # fmt: skip


def _rate(ask: Ask, count: int, threads: int) -> float:
    """Answers a second."""
    start = threading.Barrier(threads + 1)

    def serve() -> None:
        start.wait()
        for _ in range(count // threads):
            ask()

    asking = [threading.Thread(target=serve) for _ in range(threads)]
    for thread in asking:
        thread.start()
    start.wait()
    began_s = time.perf_counter()
    for thread in asking:
        thread.join()
    return count / (time.perf_counter() - began_s)


def _difference(one: Arrays, other: Arrays) -> float:
    """Largest, relative to the largest value of that output."""
    differences = (np.abs(one[name].astype(float) - other[name]).max() for name in one)
    largest = (max(1e-9, float(np.abs(one[name]).max())) for name in one)
    return max(float(d) / most for d, most in zip(differences, largest, strict=True))
