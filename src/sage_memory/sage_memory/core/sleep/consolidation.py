"""A run: its steps in order, each of them one small transaction."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice

from sqlalchemy.engine import Connection

from sage_common.core.clock import NS_PER_S, Clock
from sage_memory.core.sleep.changes import run_record
from sage_memory.core.sleep.changes.eviction import EvictionTerms, evict, prepare
from sage_memory.core.sleep.changes.purge import finalise_above_cap, purge_expired
from sage_memory.core.sleep.changes.run_record import RunRecord
from sage_memory.core.sleep.changes.summaries import summarise
from sage_memory.core.sleep.changes.undo import finish_undos, undo_run
from sage_memory.core.sleep.options import SleepOptions, checked
from sage_memory.core.sleep.records.rewriting import Change, update_index
from sage_memory.core.sleep.report import ConsolidationReport as Report
from sage_memory.core.sleep.report import missed
from sage_memory.core.sleep.selection.near_duplicates import near_duplicates
from sage_memory.core.sleep.selection.probes import ask, draw_questions
from sage_memory.core.sleep.selection.rarity import rarity_of
from sage_memory.core.sleep.selection.retention_plan import (
    INT8,
    PAYLOAD,
    TEXT,
    VECTORS,
    evictions_of,
    plan,
)
from sage_memory.core.sleep.selection.survey import (
    MEMBER_BYTES,
    ROW_BYTES,
    VECTOR_BYTES,
    Survey,
    survey,
    total_bytes,
)
from sage_memory.core.store.store import Store
from sage_memory.core.store.writer import Future

WOULD = "nothing was changed; figures are about what a run would do"
GROUPS_PER_STEP = 32
EVICTIONS_PER_STEP = 1024
Progress = Callable[[float, str], None]
"""Called after every step with the share done, [0, 1], and the stage in words."""


class ConsolidationRun:
    """One sleep of a store.

    Args:
        store: that sleeps; remembering goes on meanwhile.
        clock: for stamps.
        options: of a new run; one that was cut off goes on with its own.
        progress: called after every step.
        should_stop: asked before every step; the run then ends early, and whole.
        elapsed_s: stopwatch for `max_duration_s`.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        options: SleepOptions,
        progress: Progress = lambda share, stage: None,
        should_stop: Callable[[], bool] = lambda: False,
        elapsed_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._clock = clock
        self._options = checked(options)
        self._progress = progress
        self._should_stop = should_stop
        self._elapsed_s = elapsed_s
        self._began_s = elapsed_s()
        self._short = ""  # why nothing can be done although too much is there
        self._seen: Survey | None = None  # what a run that was begun just now has looked at

    def sleep(self) -> Report:
        """Complete what was cut off, or sleep anew; what was done.

        Raises:
            NotStored: the disk refused; the next call goes on from there.
        """
        now_ns = self._clock.now_ns()
        if self._options.dry_run:
            return self._dry_run()
        finish_undos(self._store, now_ns)
        self._purge()
        self._progress(0.02, "settled")
        with self._store.reader.snapshot() as connection:
            record = run_record.running(connection)
        record = record or self._begin(now_ns)
        if record is None:
            return Report(note=f"nothing to do{self._short and '; '}{self._short}")
        self._progress(0.1, "begun")
        report = Report(record.run, bytes_before=record.bytes_before,
                             target_bytes=record.target_bytes, recall_before=record.before.all,
                             salient_before=record.before.salient)  # fmt: skip
        report = self._merge(record, report)
        report = self._evict(record, report)
        return self._verify_recall(record, report)

    def _begin(self, now_ns: int) -> RunRecord | None:
        """Write the record of a new run; None: there is nothing to do."""
        options = self._options
        with self._store.reader.snapshot() as connection:
            horizon = run_record.newest_number(connection)
            seen = survey(connection, options, horizon)
            before = int(seen.bytes.sum())
            target = round(options.target_share * (before + run_record.freed_bytes(connection)))
            if before <= target:
                return None
            if not self._has_work(seen, target):
                self._short = missed(before, target)
                return None
            run = self._store.new_identifier()
            rng = run_record.rng_of(run)
            questions = draw_questions(
                connection, seen, options.salience_floor, options.questions, rng
            )
        self._progress(0.05, "questions drawn")
        recalled = ask(self._store.reader, questions)
        record = RunRecord(run, now_ns, options, horizon, before, target, questions, recalled)
        self._store.change(record.write).result()
        self._seen = seen
        return record

    def _has_work(self, seen: Survey, target: int) -> bool:
        if next(near_duplicates(self._store, seen, self._options), None) is not None:
            return True
        rare = rarity_of(self._store, seen, self._options, target)
        return len(plan(seen, self._options, target, rare).order) > 0

    def _merge(self, record: RunRecord, report: Report) -> Report:
        seen = self._seen or self._survey(record)
        self._seen = None
        candidates = max(len(seen.free(record.options.salience_floor)), 1)
        found = near_duplicates(self._store, seen, record.options)
        waiting: Future[Change] | None = None
        while some := list(islice(found, GROUPS_PER_STEP)):  # the next ones are found meanwhile
            report = self._merged(report, waiting, candidates)
            waiting = None
            if self._must_stop(record):
                return replace(report, note="stopped while merging")
            named = [(int(seen.number[g.centre]), seen.number[g.rows].tolist()) for g in some]
            waiting = self._step(
                lambda c, named=named: summarise(  # type: ignore[misc]
                    self._store, c, named, record.run, record.options.similarity
                )
            )
        return self._merged(report, waiting, candidates)

    def _merged(self, report: Report, waiting: Future[Change] | None, candidates: int) -> Report:
        if waiting is None:
            return report
        covers = waiting.result().summaries
        report = replace(report, summaries=report.summaries + len(covers),
                         merged=report.merged + sum(covers))  # fmt: skip
        self._progress(0.1 + 0.3 * min(report.merged / candidates, 1.0), "merging")
        return report

    def _evict(self, record: RunRecord, report: Report) -> Report:
        seen = self._survey(record)
        rare = rarity_of(self._store, seen, record.options, record.target_bytes)
        decided = plan(seen, record.options, record.target_bytes, rare)
        evictions = evictions_of(seen, decided, record.started_ns)
        until_ns = record.started_ns + round(record.options.grace_s * NS_PER_S)
        waiting: Future[Change] | None = None
        for first in range(0, len(evictions), EVICTIONS_PER_STEP):
            some = evictions[first : first + EVICTIONS_PER_STEP]
            terms = EvictionTerms(
                record.run, record.options.salience_floor, until_ns, self._clock.now_ns()
            )
            with self._store.reader.snapshot() as connection:  # while the last ones are written
                prepared = prepare(connection, some, terms)
            report = self._evicted(report, waiting, first / len(evictions))
            waiting = None
            if self._must_stop(record):
                return replace(report, note="stopped while evicting")
            waiting = self._step(
                lambda c, prepared=prepared: evict(self._store, c, prepared)  # type: ignore[misc]
            )
        return self._evicted(report, waiting, 1.0)

    def _evicted(self, report: Report, waiting: Future[Change] | None, share: float) -> Report:
        if waiting is None:
            return report
        change = waiting.result()
        self._progress(0.4 + 0.5 * share, "evicting")
        return replace(
            report,
            payloads_removed=report.payloads_removed + change.payloads,
            texts_removed=report.texts_removed + change.texts,
            vectors_quantised=report.vectors_quantised + change.quantised,
            vectors_removed=report.vectors_removed + change.removed,
        )

    def _verify_recall(self, record: RunRecord, report: Report) -> Report:
        """Ask the questions again; roll back if too few are answered, else be done."""
        after = ask(self._store.reader, record.questions)
        self._progress(0.95, "questions asked again")
        with self._store.reader.snapshot() as connection:
            left = total_bytes(connection, record.horizon)
        report = replace(report, recall_after=after.all, salient_after=after.salient,
                         bytes_after=left)  # fmt: skip
        now_ns = self._clock.now_ns()
        fell = record.before.all - after.all > record.options.margin
        fell |= record.before.salient - after.salient > record.options.salient_margin
        if fell:
            note = (
                f"recall fell from {record.before.all:.3f} to {after.all:.3f}, of salient ones "
                f"from {record.before.salient:.3f} to {after.salient:.3f}: all is as before"
            )
            undo_run(self._store, record.run, run_record.ROLLED_BACK, now_ns)
            report = replace(report, rolled_back=True, bytes_after=record.bytes_before, note=note)
            state = run_record.ROLLED_BACK
        else:
            final = finalise_above_cap(self._store, now_ns)
            notes = (report.note, _outcome(report), final)
            report = replace(report, note="; ".join(filter(None, notes)))
            state = run_record.DONE
        self._store.change(
            lambda c: run_record.mark(c, record.run, state=state, finished_ns=now_ns,
                                   recall_after=after.all, report=report.to_json())
        ).result()  # fmt: skip
        self._purge()
        self._progress(1.0, state)
        return report

    def _dry_run(self) -> Report:
        options = self._options
        with self._store.reader.snapshot() as connection:
            seen = survey(connection, options, run_record.newest_number(connection))
            before = int(seen.bytes.sum())
            target = round(options.target_share * (before + run_record.freed_bytes(connection)))
        found = [] if before <= target else list(near_duplicates(self._store, seen, options))
        summary = seen.summary.copy()
        cost = 0
        for group in found:
            summary[group.rows] = group.centre
            cost += ROW_BYTES + VECTOR_BYTES + int(
                seen.text_bytes[group.centre] + seen.int8_bytes[group.centre]
            ) + MEMBER_BYTES * len(group.rows)  # fmt: skip
        merged = replace(seen, summary=summary)
        rare = rarity_of(self._store, merged, options, target)
        decided = plan(merged, options, target - cost, rare)
        count = [int((decided.depth >= rung).sum()) for rung in (PAYLOAD, TEXT, INT8, VECTORS)]
        return Report(
            summaries=len(found), merged=sum(len(group.rows) for group in found),
            payloads_removed=int((seen.payload[decided.depth >= PAYLOAD] != "").sum()),
            texts_removed=count[1], vectors_quantised=count[2] - count[3],
            vectors_removed=count[3], bytes_before=before, target_bytes=target,
            bytes_after=(left := before + cost - decided.freed_bytes),
            note="; ".join(filter(None, (WOULD, missed(left, target)))),
        )  # fmt: skip

    def _purge(self) -> None:
        if purge_expired(self._store, self._clock.now_ns()):
            self._store.compact().result()

    def _survey(self, record: RunRecord) -> Survey:
        with self._store.reader.snapshot() as connection:
            return survey(connection, record.options, record.horizon)

    def _step(self, action: Callable[[Connection], Change]) -> Future[Change]:
        return self._store.change(
            action, lambda change: update_index(self._store.reader.index, change)
        )

    def _must_stop(self, record: RunRecord) -> bool:
        limit_s = record.options.max_duration_s
        late = limit_s > 0 and self._elapsed_s() - self._began_s >= limit_s
        return late or self._should_stop()


def _outcome(report: Report) -> str:
    return missed(report.bytes_after, report.target_bytes)
