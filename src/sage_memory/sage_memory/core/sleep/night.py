"""A night: its steps in order, each of them one small transaction."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from sage_common.core.clock import NS_PER_S, Clock
from sage_memory.core.sleep import journal
from sage_memory.core.sleep.alike import alike
from sage_memory.core.sleep.eviction import Leave, let_go, prepare
from sage_memory.core.sleep.eviction_plan import partings_of
from sage_memory.core.sleep.index_news import tell
from sage_memory.core.sleep.options import SleepOptions, checked
from sage_memory.core.sleep.plan import INT8, PAYLOAD, TEXT, VECTORS, plan
from sage_memory.core.sleep.probes import ask, draw_questions
from sage_memory.core.sleep.purge import close_above_cap, settle
from sage_memory.core.sleep.rarity import rare_of
from sage_memory.core.sleep.replay import draw, replay_view
from sage_memory.core.sleep.report import NightReport, missed
from sage_memory.core.sleep.stored import Change
from sage_memory.core.sleep.summaries import summarise
from sage_memory.core.sleep.survey import (
    MEMBER_BYTES,
    ROW_BYTES,
    VECTOR_BYTES,
    Survey,
    survey,
    total_bytes,
)
from sage_memory.core.sleep.undo import finish_undoing, take_back
from sage_memory.core.store.store import Store
from sage_memory.core.store.writer import Ticket

WOULD = "nothing was changed; figures are about what a night would do"
GROUPS_A_STEP = 32
PARTINGS_A_STEP = 1024
Progress = Callable[[float, str], None]
"""Called after every step with the share done, [0, 1], and the stage in words."""


class Night:
    """One sleep of a store.

    Args:
        store: that sleeps; remembering goes on meanwhile.
        clock: for stamps.
        options: of a new night; one that was cut off goes on with its own.
        progress: called after every step.
        should_stop: asked before every step; the night then ends early, and whole.
        elapsed_s: stopwatch for `max_duration_s`.
        replay: gets the row numbers of what is to be lived through again, in order.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        options: SleepOptions,
        progress: Progress = lambda share, stage: None,
        should_stop: Callable[[], bool] = lambda: False,
        elapsed_s: Callable[[], float] = time.monotonic,
        replay: Callable[[NDArray[np.int64]], None] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._options = checked(options)
        self._progress = progress
        self._should_stop = should_stop
        self._elapsed_s = elapsed_s
        self._began_s = elapsed_s()
        self._replay = replay
        self._short = ""  # why nothing can be done although too much is there
        self._seen: Survey | None = None  # what a night that was begun just now has looked at

    def sleep(self) -> NightReport:
        """Complete what was cut off, or sleep anew; what was done.

        Raises:
            NotStored: the disk refused; the next call goes on from there.
        """
        now_ns = self._clock.now_ns()
        if self._options.dry_run:
            return self._dry_run()
        finish_undoing(self._store, now_ns)
        self._settle()
        self._progress(0.02, "settled")
        with self._store.reader.snapshot() as connection:
            page = journal.running(connection)
        page = page or self._begin(now_ns)
        if page is None:
            return NightReport(note=f"nothing to do{self._short and '; '}{self._short}")
        self._progress(0.1, "begun")
        report = NightReport(page.night, bytes_before=page.bytes_before,
                             target_bytes=page.target_bytes, recall_before=page.before.all,
                             salient_before=page.before.salient)  # fmt: skip
        report = self._live_again(page, report)
        report = self._merge(page, report)
        report = self._let_go(page, report)
        return self._judge(page, report)

    def _begin(self, now_ns: int) -> journal.Page | None:
        """Write the first page of the journal; None: there is nothing to do."""
        options = self._options
        with self._store.reader.snapshot() as connection:
            horizon = journal.newest_number(connection)
            seen = survey(connection, options, horizon)
            before = int(seen.bytes.sum())
            target = round(options.target_share * (before + journal.freed_bytes(connection)))
            if before <= target:
                return None
            if not self._anything(seen, target):
                self._short = missed(before, target)
                return None
            night = self._store.new_identifier()
            rng = journal.rng_of(night)
            questions = draw_questions(
                connection, seen, options.salience_floor, options.questions, rng
            )
        self._progress(0.05, "questions drawn")
        recalled = ask(self._store.reader, questions)
        page = journal.Page(night, now_ns, options, horizon, before, target, questions, recalled)
        self._store.change(page.write).wait()
        self._seen = seen
        return page

    def _anything(self, seen: Survey, target: int) -> bool:
        if next(alike(self._store, seen, self._options), None) is not None:
            return True
        rare = rare_of(self._store, seen, self._options, target)
        return len(plan(seen, self._options, target, rare).order) > 0

    def _live_again(self, page: journal.Page, report: NightReport) -> NightReport:
        if self._replay is None or not page.options.replay:
            return report
        with self._store.reader.snapshot() as connection:
            seen = survey(connection, page.options, page.horizon)
            horizon = journal.last_horizon(connection, page.started_ns)
        drawn = draw(replay_view(seen, horizon), journal.rng_of(page.night), page.options.replay)
        self._replay(drawn)
        return replace(report, replayed=len(drawn))

    def _merge(self, page: journal.Page, report: NightReport) -> NightReport:
        seen = self._seen or self._survey(page)
        self._seen = None
        candidates = max(len(seen.free(page.options.salience_floor)), 1)
        found = alike(self._store, seen, page.options)
        waiting: Ticket[Change] | None = None
        while some := list(islice(found, GROUPS_A_STEP)):  # the next ones are found meanwhile
            report = self._merged(report, waiting, candidates)
            waiting = None
            if self._must_stop(page):
                return replace(report, note="stopped while merging")
            named = [(int(seen.number[g.centre]), seen.number[g.rows].tolist()) for g in some]
            waiting = self._step(
                lambda c, named=named: summarise(  # type: ignore[misc]
                    self._store, c, named, page.night, page.options.similarity
                )
            )
        return self._merged(report, waiting, candidates)

    def _merged(
        self, report: NightReport, waiting: Ticket[Change] | None, candidates: int
    ) -> NightReport:
        if waiting is None:
            return report
        covers = waiting.wait().summaries
        report = replace(report, summaries=report.summaries + len(covers),
                         merged=report.merged + sum(covers))  # fmt: skip
        self._progress(0.1 + 0.3 * min(report.merged / candidates, 1.0), "merging")
        return report

    def _let_go(self, page: journal.Page, report: NightReport) -> NightReport:
        seen = self._survey(page)
        rare = rare_of(self._store, seen, page.options, page.target_bytes)
        decided = plan(seen, page.options, page.target_bytes, rare)
        partings = partings_of(seen, decided, page.started_ns)
        until_ns = page.started_ns + round(page.options.grace_s * NS_PER_S)
        waiting: Ticket[Change] | None = None
        for first in range(0, len(partings), PARTINGS_A_STEP):
            some = partings[first : first + PARTINGS_A_STEP]
            leave = Leave(page.night, page.options.salience_floor, until_ns, self._clock.now_ns())
            with self._store.reader.snapshot() as connection:  # while the last ones are written
                prepared = prepare(connection, some, leave)
            report = self._gone(report, waiting, first / len(partings))
            waiting = None
            if self._must_stop(page):
                return replace(report, note="stopped while letting go")
            waiting = self._step(
                lambda c, prepared=prepared: let_go(self._store, c, prepared)  # type: ignore[misc]
            )
        return self._gone(report, waiting, 1.0)

    def _gone(
        self, report: NightReport, waiting: Ticket[Change] | None, share: float
    ) -> NightReport:
        if waiting is None:
            return report
        change = waiting.wait()
        self._progress(0.4 + 0.5 * share, "letting go")
        return replace(
            report,
            payloads_removed=report.payloads_removed + change.payloads,
            texts_removed=report.texts_removed + change.texts,
            vectors_quantised=report.vectors_quantised + change.quantised,
            vectors_removed=report.vectors_removed + change.removed,
        )

    def _judge(self, page: journal.Page, report: NightReport) -> NightReport:
        """Ask the questions again; roll back if too few are answered, else be done."""
        after = ask(self._store.reader, page.questions)
        self._progress(0.95, "questions asked again")
        with self._store.reader.snapshot() as connection:
            left = total_bytes(connection, page.horizon)
        report = replace(report, recall_after=after.all, salient_after=after.salient,
                         bytes_after=left)  # fmt: skip
        now_ns = self._clock.now_ns()
        fell = page.before.all - after.all > page.options.margin
        fell |= page.before.salient - after.salient > page.options.salient_margin
        if fell:
            note = (
                f"recall fell from {page.before.all:.3f} to {after.all:.3f}, of salient ones from "
                f"{page.before.salient:.3f} to {after.salient:.3f}: all is as before"
            )
            take_back(self._store, page.night, journal.ROLLED_BACK, now_ns)
            report = replace(report, rolled_back=True, bytes_after=page.bytes_before, note=note)
            state = journal.ROLLED_BACK
        else:
            final = close_above_cap(self._store, now_ns)
            notes = (report.note, _outcome(report), final)
            report = replace(report, note="; ".join(filter(None, notes)))
            state = journal.DONE
        self._store.change(
            lambda c: journal.mark(c, page.night, state=state, finished_ns=now_ns,
                                   recall_after=after.all, report=report.to_json())
        ).wait()  # fmt: skip
        self._settle()
        self._progress(1.0, state)
        return report

    def _dry_run(self) -> NightReport:
        options = self._options
        with self._store.reader.snapshot() as connection:
            seen = survey(connection, options, journal.newest_number(connection))
            before = int(seen.bytes.sum())
            target = round(options.target_share * (before + journal.freed_bytes(connection)))
        found = [] if before <= target else list(alike(self._store, seen, options))
        summary = seen.summary.copy()
        cost = 0
        for group in found:
            summary[group.rows] = group.centre
            cost += ROW_BYTES + VECTOR_BYTES + int(
                seen.text_bytes[group.centre] + seen.int8_bytes[group.centre]
            ) + MEMBER_BYTES * len(group.rows)  # fmt: skip
        merged = replace(seen, summary=summary)
        rare = rare_of(self._store, merged, options, target)
        decided = plan(merged, options, target - cost, rare)
        count = [int((decided.depth >= rung).sum()) for rung in (PAYLOAD, TEXT, INT8, VECTORS)]
        return NightReport(
            summaries=len(found), merged=sum(len(group.rows) for group in found),
            payloads_removed=int((seen.payload[decided.depth >= PAYLOAD] != "").sum()),
            texts_removed=count[1], vectors_quantised=count[2] - count[3],
            vectors_removed=count[3], bytes_before=before, target_bytes=target,
            bytes_after=(left := before + cost - decided.freed_bytes),
            note="; ".join(filter(None, (WOULD, missed(left, target)))),
        )  # fmt: skip

    def _settle(self) -> None:
        if settle(self._store, self._clock.now_ns()):
            self._store.compact().wait()

    def _survey(self, page: journal.Page) -> Survey:
        with self._store.reader.snapshot() as connection:
            return survey(connection, page.options, page.horizon)

    def _step(self, action: Callable[[Connection], Change]) -> Ticket[Change]:
        return self._store.change(action, lambda change: tell(self._store.reader.index, change))

    def _must_stop(self, page: journal.Page) -> bool:
        limit_s = page.options.max_duration_s
        late = limit_s > 0 and self._elapsed_s() - self._began_s >= limit_s
        return late or self._should_stop()


def _outcome(report: NightReport) -> str:
    return missed(report.bytes_after, report.target_bytes)
