"""What reading is worth: words of signs by size, text where there is none, and time."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from sage_bench.recognition.pictures import TEST, Pixels, photographs
from sage_bench.recognition.signs import HEIGHTS_PX, SIDE_PX, Sign, right_words, sign_on, texts_for
from sage_bench.result import Row, row_of_samples
from sage_encoders.backends.model_registry import ModelRegistry
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.backends.reading import text_detector, text_recogniser
from sage_encoders.backends.reading.text_detector import TextDetector
from sage_encoders.backends.reading.text_recogniser import Reading, TextRecogniser
from sage_encoders.core.recognition.concepts import Concepts
from sage_orchestrator.core.plugin import Region
from sage_plugins.params import ReadParameters
from sage_plugins.read.plugin import with_surroundings

SCENES = Path("images", "tiny_coco100.zip")
PARAMETERS = ReadParameters()
READABLE_PX, WORDS_GOAL, FALSE_GOAL = 12, 0.90, 0.05
KEPT_GOAL, TIME_GOAL = 0.99, 0.5
MS = 1e3


@dataclass
class Times:
    """Processor time of reading regions [ms]."""

    finding: list[float] = field(default_factory=list)
    line: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)


class Reader:
    """Reads a part of a picture as the plugin does, and takes the time."""

    def __init__(self, detector: OnnxModel, recogniser: OnnxModel) -> None:
        self._detector = TextDetector(detector, PARAMETERS.most_side_px)
        self._recogniser = TextRecogniser(recogniser)
        self.times = Times()

    def read(self, image: Pixels, region: Region | None = None) -> list[Reading]:
        """Of every line that is found."""
        if region is not None:
            wider = with_surroundings(region, image.shape[1], image.shape[0])
            down = slice(wider.top, wider.top + wider.height)
            image = image[down, wider.left : wider.left + wider.width]
        began = time.process_time()
        lines = self._detector.find(image)
        found = time.process_time()
        readings = [self._recogniser.read(image, line.corners) for line in lines]
        ended = time.process_time()
        if region is None:
            return readings
        self.times.finding.append(MS * (found - began))
        self.times.whole.append(MS * (ended - began))
        if lines:
            self.times.line.append(MS * (ended - found) / len(lines))
        return readings


def rows(data: Path, models: Path, concepts: Concepts, quick: bool) -> tuple[Row, ...]:
    """Signs of the test on photographs of the test's classes, and these and scenes without."""
    photos = [image for _, image in photographs(data, concepts)]
    with _reader(models) as reader:
        drawn = signs(photos, TEST, 4 if quick else 40)
        found = [_words(reader, height, drawn[height]) for height in HEIGHTS_PX]
        found.append(_wrong(reader, [sign for each in drawn.values() for sign in each]))
        times = reader.times
        found += [
            _time("finding text in what is attended, p50", times.finding),
            _time("reading a line, p50", times.line),
            _time("all text of what is attended, p50", times.whole),
        ]
        found += _attended_or_all(reader, [sign for each in drawn.values() for sign in each])
        few = slice(None, None, 20 if quick else 1)
        found.append(_false("photographs", reader, photos[few]))
        found.append(_false("scenes", reader, list(_scenes(data))[few]))
    return tuple(found)


@contextmanager
def _reader(models: Path) -> Iterator[Reader]:
    registry = ModelRegistry()
    wanted = (
        (text_detector.MODEL, text_detector.SIGNATURE),
        (text_recogniser.MODEL, text_recogniser.SIGNATURE),
    )
    leases = [registry.open(name, models, "fp32", "cpu", signature=s) for name, s in wanted]
    try:
        yield Reader(*(lease.model for lease in leases))
    finally:
        for lease in leases:
            lease.close()


def signs(photos: Sequence[Pixels], remainder: int, count: int) -> dict[int, list[Sign]]:
    """So many signs of each height, on one photograph after the other."""
    rng = np.random.default_rng(remainder)
    texts = texts_for(remainder)
    return {
        height: [
            sign_on(photos[(place * count + n) % len(photos)], texts[n % len(texts)], height, rng)
            for n in range(count)
        ]
        for place, height in enumerate(HEIGHTS_PX)
    }


def _words(reader: Reader, height_px: int, drawn: Sequence[Sign]) -> Row:
    """Share of words read right, of what is attended and of the whole picture."""
    right, whole, words = 0, 0, 0
    for sign in drawn:
        attended, count = right_words(_shown(reader.read(sign.image, Region(*sign.box))), sign.text)
        all_of_it, _ = right_words(_shown(reader.read(sign.image)), sign.text)
        right, whole, words = right + attended, whole + all_of_it, words + count
    goal = WORDS_GOAL if height_px >= READABLE_PX else None
    name = f"drawn signs, letters of {height_px} px: words read right"
    return Row(name, right / words, "", goal, "higher", {"whole picture": whole / words}, words)


def _attended_or_all(reader: Reader, drawn: Sequence[Sign]) -> list[Row]:
    """What reading only what is attended keeps of the words and of the time, beside reading a
    region of that size anywhere."""
    rng = np.random.default_rng(0)
    right = {"whole": 0, "attended": 0, "anywhere": 0}
    taken_s = dict.fromkeys(right, 0.0)
    for sign in drawn:
        region = Region(*sign.box)
        corner = rng.integers(0, [SIDE_PX - region.width + 1, SIDE_PX - region.height + 1])
        anywhere = Region(int(corner[0]), int(corner[1]), region.width, region.height)
        for name, place in (("whole", None), ("attended", region), ("anywhere", anywhere)):
            began = time.process_time()
            said = _shown(reader.read(sign.image, place))
            taken_s[name] += time.process_time() - began
            right[name] += right_words(said, sign.text)[0]
    kept, by_chance = (right[name] / right["whole"] for name in ("attended", "anywhere"))
    share = taken_s["attended"] / taken_s["whole"]
    count = len(drawn)
    return [
        Row("drawn signs: words that attention keeps", kept, "of the whole picture's", KEPT_GOAL,
            "higher", {"a random place": by_chance}, count),
        Row("drawn signs: time of what is attended", share, "of the whole picture's", TIME_GOAL,
            samples=count),
    ]  # fmt: skip


def _wrong(reader: Reader, drawn: Sequence[Sign]) -> Row:
    """Share of the lines that are published and say what is not on the sign."""
    said = [(sign, r) for sign in drawn for r in reader.read(sign.image, Region(*sign.box))]
    sure = [(s, r) for s, r in said if r.probability >= PARAMETERS.published_probability]
    shown = [(s, r) for s, r in said if r.probability >= PARAMETERS.least_probability]
    wrong, all_wrong = (
        float(np.mean([_letters(r.text) not in _letters(s.text) for s, r in lines]))
        for lines in (sure, shown)
    )
    name = "drawn signs: published lines that are wrong"
    return Row(name, wrong, "", FALSE_GOAL, "lower", {"shown": all_wrong}, len(sure))


def _false(name: str, reader: Reader, pictures: Sequence[Pixels]) -> Row:
    """Lines a picture to which no sign was added: what they say may be there."""
    readings = [reading for image in pictures for reading in reader.read(image)]
    published, shown = (
        sum(r.probability >= least for r in readings) / len(pictures)
        for least in (PARAMETERS.published_probability, PARAMETERS.least_probability)
    )
    count = len(pictures)
    title = f"{name} as they are: lines published a picture"
    return Row(title, published, "", None, "lower", {"shown": shown}, count)


def _time(name: str, samples_ms: Sequence[float]) -> Row:
    return row_of_samples(f"{name}, processor time, one core", samples_ms, "ms")


def _shown(readings: Sequence[Reading]) -> str:
    return " ".join(r.text for r in readings if r.probability >= PARAMETERS.least_probability)


def _letters(text: str) -> str:
    return "".join(text.casefold().split())


def _scenes(data: Path) -> Iterator[Pixels]:
    with zipfile.ZipFile(data / SCENES) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".jpg"):
                image = cv2.imdecode(np.frombuffer(archive.read(name), np.uint8), cv2.IMREAD_COLOR)
                yield np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
