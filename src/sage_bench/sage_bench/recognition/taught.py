"""Words that are taught with a few examples: what they find, and what they take for it wrongly.

The classes of odd number, fold 4 of ESC-10, and the scenes of tiny_coco chose nothing.
"""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sage_bench.recognition.met import crop
from sage_bench.recognition.pictures import Named, Pixels, photographs, thumbnails
from sage_bench.recognition.scenes import LEAST_SIDE_PX, SCENES
from sage_bench.result import Row
from sage_encoders.core.recognition.concepts import Concepts
from sage_encoders.core.recognition.feature_scale import read_feature_scale
from sage_encoders.nodes.payload_embedders import pictures as encoder
from sage_memory.backends.picture_looks import PictureLooks
from sage_memory.core.taught.taught_word import KINDS, REJECTED, Logistic
from sage_training.taught_words import (
    PICTURE_REPEATS,
    SOUND_REPEATS,
    Labelled,
    Trial,
    heard,
    on_scale,
    trials,
)

Features = NDArray[np.float32]
Thing = tuple[str, Features]
"""The category of a thing in a scene, and its features."""
COUNTS = (1, 3, 5)
WANTED = 10
CATEGORY_SCENES = 6
"""Scenes that show a category, at least, for it to be taught."""
SCENE_EXAMPLES = 3
CROP = 0.7
"""Least side of a crop of a single thing, as a share of the photograph's."""


def rows(
    data: Path, models: Path, concepts: Concepts, thumbs: Named, photos: Named, every: int
) -> list[Row]:
    """Kinds of things by their photographs, single things, sounds, things in scenes."""
    scale = read_feature_scale(models)
    seen = on_scale(scale, Labelled(thumbs.features, thumbs.classes))
    others = on_scale(scale, Labelled(photos.features, photos.classes)).features
    plain = Labelled(_unit(thumbs.features), thumbs.classes)
    encoded = Labelled(_embedded(thumbnails(data, concepts, every)), thumbs.classes)
    found = []
    for count in COUNTS:
        tried = [*trials(seen, PICTURE_REPEATS, 1, (count,), others)]
        beside = {
            "features as they come": _first_ten([*trials(plain, PICTURE_REPEATS, 1, (count,))]),
            "vision encoder": _first_ten([*trials(encoded, PICTURE_REPEATS, 1, (count,))]),
            "chance": _chance(tried),
        }
        found += _rows(f"thumbnails, {_shown(count)}", KINDS["picture"], tried, beside)
    sounds = heard(data, models, of_test=True)
    for count in COUNTS:
        tried = [*trials(sounds, SOUND_REPEATS, 1, (count,))]
        found += _rows(
            f"sounds, {_shown(count)}", KINDS["sound"], tried, {"chance": _chance(tried)}
        )
    with closing(PictureLooks()) as looks:
        return [*found, _single_things(photographs(data, concepts), looks), _in_scenes(data, looks)]


def _shown(count: int) -> str:
    return f"taught with {count} example{'s' * (count > 1)}"


def _rows(
    name: str, logistic: Logistic, tried: Sequence[Trial], beside: dict[str, float]
) -> Iterator[Row]:
    right = np.concatenate([trial.right for trial in tried])
    taken = np.concatenate([t.cosines >= _least(logistic, t.examples) for t in tried])
    wrong = {"others taken for it": float(taken[~right].mean())}
    strange = [t.others >= _least(logistic, t.examples) for t in tried if t.others is not None]
    if strange:
        wrong["photographs taken for it"] = float(np.concatenate(strange).mean())
    yield Row(f"{name}: found", float(taken[right].mean()), "", None, "higher", wrong, len(tried))
    first = _first_ten(tried)
    yield Row(f"{name}: in the first ten", first, "", None, "higher", beside, len(tried))


def _least(logistic: Logistic, examples: int) -> float:
    """The cosine from which something is not rejected."""
    odds = math.log(REJECTED / (1.0 - REJECTED))
    return logistic.even + logistic.growth * math.log(examples) + odds / logistic.slope


def _first_ten(tried: Sequence[Trial]) -> float:
    """Mean share of the possible ten among the first ten."""
    shares = [
        trial.right[np.argsort(-trial.cosines, kind="stable")[:WANTED]].sum()
        / min(WANTED, trial.right.sum())
        for trial in tried
    ]
    return float(np.mean(shares))


def _chance(tried: Sequence[Trial]) -> float:
    return float(np.mean([trial.right.mean() for trial in tried]))


def _single_things(pictures: Iterator[tuple[int, Pixels]], looks: PictureLooks) -> Row:
    """Each photograph taught with one crop of it, and asked for by another among all of them."""
    random = np.random.default_rng(0)
    pairs = [
        [looks.features_of(crop(image, CROP, random)) for _ in range(2)] for _, image in pictures
    ]
    taught, shown = (np.stack(views) for views in zip(*pairs, strict=True))
    taken = taught @ shown.T >= _least(KINDS["picture"], 1)
    own = np.eye(len(taken), dtype=np.bool_)
    wrong = {"others taken for it": float(taken[~own].mean())}
    name = "photographs, taught with 1 crop: another crop of the same found"
    return Row(name, float(taken[own].mean()), "", None, "higher", wrong, len(taken))


def _embedded(pictures: Iterator[tuple[int, Pixels]]) -> Features:
    """By the vision encoder."""
    with closing(encoder()) as opened:
        return np.stack([opened.embed(image) for _, image in pictures])


def _in_scenes(data: Path, looks: PictureLooks) -> Row:
    """Categories taught with boxes of things, asked for in other scenes: how often a look at the
    whole picture finds them, and looks at boxes of things, too."""
    scenes = [*_scenes(data, looks)]
    least, random = _least(KINDS["picture"], SCENE_EXAMPLES), np.random.default_rng(0)
    categories = sorted({category for _, things in scenes for category, _ in things})
    found: dict[str, list[bool]] = {"whole": [], "boxes": [], "whole, others": [], "others": []}
    count = 0
    for category in categories:
        showing = [n for n, (_, things) in enumerate(scenes) if category in dict(things)]
        if len(showing) < CATEGORY_SCENES:
            continue
        count += 1
        taught = random.choice(showing, SCENE_EXAMPLES, replace=False).tolist()
        prototype = np.mean([dict(scenes[n][1])[category] for n in taught], axis=0)
        prototype /= np.linalg.norm(prototype)
        for number, (whole, things) in enumerate(scenes):
            if number in taught:
                continue
            cosines = [float(whole @ prototype), *(float(f @ prototype) for _, f in things)]
            sure = [cosine >= least for cosine in cosines]
            ending = "" if number in showing else "others"
            found["whole" if not ending else "whole, others"].append(sure[0])
            found["boxes" if not ending else "others"].append(any(sure))
    share = {name: float(np.mean(sure)) for name, sure in found.items()}
    beside = {
        "others taken for it": share["others"],
        "whole picture only": share["whole"],
        "whole picture only, others": share["whole, others"],
    }
    name = f"scenes, {_shown(SCENE_EXAMPLES)}: found, looking at all boxes"
    return Row(name, share["boxes"], "", None, "higher", beside, count)


def _scenes(data: Path, looks: PictureLooks) -> Iterator[tuple[Features, list[Thing]]]:
    """Features of each scene, and categories and features of the things in it that are large."""
    with zipfile.ZipFile(data / SCENES) as archive:
        for scene in json.loads(archive.read("annotations.json")):
            content = np.frombuffer(archive.read(scene["file"]), np.uint8)
            image = np.asarray(
                cv2.cvtColor(cv2.imdecode(content, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), np.uint8
            )
            height, width = image.shape[:2]
            large = [box for box in scene["boxes"] if max(box[3], box[4]) >= LEAST_SIDE_PX]
            shares = [(x / width, y / height, w / width, h / height) for _, x, y, w, h in large]
            whole, *parts = (features for features, _ in looks.looks(image, shares))
            yield whole, [(str(box[0]), part) for box, part in zip(large, parts, strict=True)]


def _unit(features: NDArray[np.float32]) -> Features:
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / lengths, np.float32)
