"""The memory: remember, recall, and lose nothing that was acknowledged. No ROS needed.

with Memory.open(Path("/var/lib/sage")) as memory:
    kept = memory.remember(experience, Payload(webp, "image/webp")).result()
    answers = memory.recall(Query(example_id=kept.id, min_salience=0.5))
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import Any, final

from sage_common.core.errors import InvalidInput
from sage_common.core.health import PressureLevel
from sage_common.core.labels import Labels
from sage_memory.core.experience import Experience, Payload
from sage_memory.core.forgetting.forgetting import Forgotten, forget, pin
from sage_memory.core.identifiers import id_bytes, id_text
from sage_memory.core.labels.packing import Recognised
from sage_memory.core.labels.rows import Seen, labels_of, vocabularies_of
from sage_memory.core.open_memory import OpenMemory
from sage_memory.core.recall import plain_words
from sage_memory.core.recall.placement import Placed
from sage_memory.core.recall.query import Answer, Query, Recalled, checked
from sage_memory.core.recall.question.calendar import Calendar
from sage_memory.core.recall.question.reading import Known, Reading, read_words
from sage_memory.core.sleep.changes.undo import Undone, undo_sleep
from sage_memory.core.sleep.consolidation import ConsolidationRun, Progress
from sage_memory.core.sleep.options import SleepOptions
from sage_memory.core.sleep.report import ConsolidationReport
from sage_memory.core.store.entities import Entity, Evidence, evidence_of, learn, read, sources_of
from sage_memory.core.store.labelling import Relabelled, label
from sage_memory.core.store.naming import Namer, Naming
from sage_memory.core.store.reembedding import BATCH, Embedder, Reembedding
from sage_memory.core.store.taught_naming import PictureFeatures, TaughtNaming
from sage_memory.core.store.writer import Future

MOST_JUDGED = 100


@final
class Memory(OpenMemory):
    """Experiences of one device, in `home`; make it with `open`.

    Closed, everything raises MemoryFailure; read-only, whatever writes.
    """

    def remember(
        self,
        experience: Experience,
        payload: Payload | None = None,
        recognised: Sequence[Recognised] = (),
    ) -> Future[Experience]:
        """Queue an experience and return at once; from any thread.

        `result()` of the future returns the experience with its id after it was committed and
        synced: from then on it survives a kill and a power cut. A payload that cannot be kept
        (full disk, above the cap) is left out, counted, and its hash is empty.

        Args:
            recognised: what models recognised in it, each with the names of its classes in
                order; one of a model. They are committed with the experience.

        Raises:
            InvalidInput: a field is wrong, or an embedding has another size than its encoder's.
            MemoryBusy: the queue is full; nothing was kept.
        """
        return self._writable().remember(experience, payload, recognised)

    def label(
        self, identifier: bytes | str, labels: Labels, vocabulary: Sequence[str]
    ) -> Future[Relabelled]:
        """Set what a model recognised in a kept experience (16 bytes or text); from any thread.

        It takes the place of what the same model recognised before; summaries that cover the
        experience follow. From `result()` on it survives a kill and a power cut.

        Args:
            vocabulary: names of the model's classes in order, kept once for each model.

        Raises:
            InvalidInput: a field is wrong.
            InvalidInput: from the future: there is no such experience, or the store has other
                names for this model's classes.
        """
        return label(self._writable(), identifier, labels, vocabulary)

    def labels(self, identifier: bytes | str) -> list[Seen]:
        """What was recognised in an experience, by each model that looked at it.

        Raises:
            InvalidInput: the id is none.
            StoreDamaged: a row cannot be read.
        """
        key = id_bytes(identifier)
        return self.read(lambda connection: labels_of(connection, [key]).get(key, []))

    def add(self, text: str, payload: Payload | None = None, **fields: Any) -> str:
        """Remember words; returns their id, as the commands print it, once they are on the disk.

        They are embedded by the packaged model; the five dimensions are neutral.

        Args:
            fields: of `Experience`, for instance `entity`, `place`, `start_ns` (now) or `total`
                (0.5).

        Raises:
            InvalidInput, MemoryBusy, MemoryFailure: as `remember`, or there is no model.
            NotStored: the disk refused.
        """
        said = plain_words.experience(text, self._clock.now_ns(), fields)
        return id_text(self.remember(said, payload).result().id)

    def vocabularies(self) -> dict[str, tuple[str, ...]]:
        """Names of the classes, in order, of each model that recognised something kept here.

        Raises:
            StoreDamaged: a row cannot be read.
        """
        return self.read(vocabularies_of)

    def recall(self, query: Query | str, **conditions: Any) -> list[Answer]:
        """The best answers, best first; as many as asked for whenever so many exist.

        Args:
            query: or words, which the packaged model embeds; then nothing is an answer that is
                not near enough to be one.
            conditions: fields of `Query` beside words, for instance `limit` or `entity`.

        Raises:
            InvalidInput: names the field of the query, its value, and what was expected.
            StoreDamaged: a row cannot be read.
            MemoryFailure: there is no model for words.
        """
        return self.ask(query, **conditions).answers

    def ask(self, query: Query | str, **conditions: Any) -> Recalled:
        """The same, with what came close and was declined, and what could not be compared."""
        if isinstance(query, str):
            query = plain_words.query(query, conditions, self.vocabularies)
        elif conditions:
            raise InvalidInput("conditions", sorted(conditions), "none beside a Query")
        recalled = self._current().ask(checked(query))
        if self._store is not None:
            for answer in recalled.answers:
                if answer.payload_path is not None:
                    self._store.touch(answer.experience.payload_sha256)
        return recalled

    def read_question(self, query: Query, zone: tzinfo | None = None) -> Reading:
        """A query of words, not embedded yet, with what they say of when and where as conditions.

        Args:
            zone: in which "this morning" is meant; None: that of this host.
        """
        calendar = Calendar(self._clock.now_ns(), zone)
        reader = self._current()
        known = Known(self.places(), reader.modalities_of_senses(), reader.entities())
        return read_words(query, calendar, known)

    def at(self, stamp_ns: int) -> Placed | None:
        """The experience nearest in time, of equally near ones the last; None if none is kept.

        Raises:
            StoreDamaged: a row cannot be read.
        """
        return self._current().at(stamp_ns)

    def of_id(self, identifier: bytes | str) -> Placed | None:
        """The experience with this id (16 bytes or text); None: there is none, or no longer.

        Raises:
            StoreDamaged: a row cannot be read.
        """
        return self._current().of_id(identifier)

    def forget(self, identifiers: Sequence[bytes | str], reason: str) -> Future[Forgotten]:
        """Remove experiences (ids of 16 bytes or as text) for good, payloads too; tombstones stay.

        Raises:
            InvalidInput: none or too many ids, or too long a reason.
            InvalidInput: from the future: there is no such experience.
        """
        return forget(self._writable(), identifiers, reason, self._clock.now_ns())

    def pin(self, identifier: bytes | str, pinned: bool) -> Future[None]:
        """Pin an experience (16 bytes or text), or unpin it.

        One that is pinned is never consolidated, and nothing of it is evicted.

        Raises:
            InvalidInput: from the future: there is no such experience.
        """
        return pin(self._writable(), identifier, pinned)

    def sleep(
        self,
        options: SleepOptions | None = None,
        progress: Progress = lambda _share, _stage: None,
        should_stop: Callable[[], bool] = lambda: False,
        elapsed_s: Callable[[], float] = time.monotonic,
    ) -> ConsolidationReport:
        """Consolidate; remembering and recall go on meanwhile. A run cut off is continued.

        Args:
            progress: called after every step.
            should_stop: asked before every step; the run then ends early, and whole.
            elapsed_s: stopwatch for `max_duration_s`.

        Raises:
            InvalidInput: an option is wrong.
            NotStored: the disk refused; the next call goes on from there.
        """
        run = (options or SleepOptions(), progress, should_stop, elapsed_s)
        return ConsolidationRun(self._writable(), self._clock, *run).sleep()

    def undo_sleep(self, run_id: bytes | str | None = None) -> Undone:
        """Undo the last run, or this one (16 bytes or text): all is as it was before.

        Raises:
            InvalidInput: no such run, a later one must be undone first, or its grace is over.
            NoRunToUndo: the last one was asked for, and there is none.
        """
        return undo_sleep(self._writable(), run_id, self._clock.now_ns())

    def reembed(self, embedders: Sequence[Embedder], batch: int = BATCH) -> Reembedding:
        """Work that gives what was kept with other encoders vectors of these; see there."""
        return Reembedding(self._writable(), embedders, batch)

    def naming(self, namer: Namer) -> Naming:
        """Work that names kept pictures which this model has not named; see there."""
        return Naming(self._writable(), namer)

    def taught_naming(self, pictures: PictureFeatures | None) -> TaughtNaming:
        """Work that finds taught words in what was kept before they were; see there."""
        return TaughtNaming(self._writable(), pictures)

    def checkpoint(self) -> None:
        """Wait until everything queued so far is on the disk.

        Raises:
            NotStored: the disk refused.
        """
        self._writable().flush()

    def learn_about(self, experience: Experience, half_life_s: float) -> Future[dict[str, Entity]]:
        """Let an experience count for the reputation of those that it is from or about."""
        evidence = evidence_of(experience)
        found = [(name, evidence) for name in self._sources_of(experience)]
        return self._writable().change(lambda connection: learn(connection, found, half_life_s))

    def learn_outcome(
        self, start_ns: int, end_ns: int, reward: float, half_life_s: float
    ) -> Future[dict[str, Entity]]:
        """Let an outcome count for those that the moments it judges were from or about.

        Args:
            start_ns, end_ns: of the time that is judged [ns].
            reward: [-1, 1].

        Raises:
            InvalidInput: the reward is out of range.
        """
        judged = self.recall(Query(start_ns=start_ns, end_ns=end_ns, limit=MOST_JUDGED))
        names = {name for answer in judged for name in self._sources_of(answer.experience)}
        found = [(name, Evidence(end_ns, reward=reward)) for name in sorted(names)]
        return self.change(lambda connection: learn(connection, found, half_life_s))

    def _sources_of(self, experience: Experience) -> list[str]:
        return sources_of(experience, self.modality_specs[experience.modality])

    def entities(self) -> dict[str, Entity]:
        """Sensors, speakers, devices and things that experiences were from or about, by name.

        Raises:
            StoreDamaged: a row cannot be read.
        """
        return self.read(read)

    def payload(self, experience: Experience) -> tuple[bytes | None, str]:
        """The payload of an experience, its hash proven; or None, and why not, in words."""
        if not isinstance(experience, Experience):
            raise InvalidInput("experience", experience, "an Experience")
        files = self._current().files
        return files.checked(experience.payload_sha256, experience.payload_media_type)

    def set_pressure(self, level: int) -> None:
        """Use less of the payload cap when memory is tight: 0 (green) to 4 (critical).

        What is above goes few by few, with `evict_payloads` and with payloads that come.

        Raises:
            InvalidInput: another level.
        """
        if level not in set(PressureLevel):
            raise InvalidInput("level", level, "0 (green) to 4 (critical)")
        self._writable().payloads.cap.pressure = PressureLevel(level)

    def try_disk(self) -> None:
        """See whether the disk writes again, if the newest commit failed; waits for it.

        What was not kept stays lost; `statistics` says whether the failure goes on.
        """
        self._writable().try_disk()

    def evict_payloads(self) -> Future[int] | None:
        """Evict some payloads that are too old or above the cap; None if none need to."""
        store, now_ns = self._writable(), self._clock.now_ns()
        if not store.payloads.due(now_ns):
            return None
        return store.change(
            lambda connection: store.payloads.evict(connection, now_ns),
            lambda _: store.payloads.delete_removed(),
        )
