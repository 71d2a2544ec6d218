"""Saliency of pictures by OpenCV (opencv_contrib), as one number a tick."""

from __future__ import annotations

from abc import ABC, abstractmethod

import cv2
import numpy as np
from numpy.typing import NDArray

from sage_bench.salience.baselines.signals import grey
from sage_bench.salience.streams.stream import Moment

MAP_PX = 112


class _Map(ABC):
    """How much a saliency map changed since the last tick.

    On the development half that finds more than the map's mean, for every kind of map.
    """

    def __init__(self) -> None:
        self._before: NDArray[np.float32] | None = None

    @abstractmethod
    def map(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Saliency of a grey picture, float32 [H, W] in [0, 1]."""

    def score(self, moment: Moment) -> float:
        """Mean absolute change of the map, 0..1."""
        small = cv2.resize(grey(moment), (MAP_PX, MAP_PX), interpolation=cv2.INTER_AREA)
        now, before = self.map(small), self._before
        self._before = now
        return 0.0 if before is None else float(np.abs(now - before).mean())


class SpectralResidual(_Map):
    """Hou and Zhang, Saliency Detection: A Spectral Residual Approach, 2007."""

    name = "OpenCV spectral residual"

    def __init__(self) -> None:
        super().__init__()
        self._saliency = cv2.saliency.StaticSaliencySpectralResidual_create()

    def map(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        return _computed(self._saliency, picture)


class FineGrained(_Map):
    """Montabone and Soto, Human detection using a mobile platform, 2010."""

    name = "OpenCV fine grained"

    def __init__(self) -> None:
        super().__init__()
        self._saliency = cv2.saliency.StaticSaliencyFineGrained_create()

    def map(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        return _computed(self._saliency, picture)


class Motion(_Map):
    """Wang and Dudek, A Fast Self-tuning Background Subtraction Algorithm, 2014."""

    name = "OpenCV motion"

    def __init__(self) -> None:
        super().__init__()
        self._saliency = cv2.saliency.MotionSaliencyBinWangApr2014_create()
        self._saliency.setImagesize(MAP_PX, MAP_PX)
        self._saliency.init()

    def map(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        return _computed(self._saliency, picture)


MAPS = (SpectralResidual, FineGrained, Motion)


def _computed(saliency: cv2.saliency.Saliency, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    known, found = saliency.computeSaliency(picture)
    if not known:
        raise RuntimeError(f"{type(saliency).__name__}: expected a map, got none")
    # The fine-grained map comes in bytes or floats, by version.
    scale = 1.0 / 255.0 if found.dtype == np.uint8 and found.max() > 1 else 1.0
    return np.asarray(found * np.float32(scale), np.float32)
