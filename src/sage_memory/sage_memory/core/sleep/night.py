"""A night: its steps in order, each of them one small transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from sage_common.core.clock import NS_PER_S, Clock
from sage_memory.core.encoded_vectors import decode, rounded_to_int8
from sage_memory.core.schema import ENCODING_FLOAT32, ROLE_PERCEPT, vectors
from sage_memory.core.sleep import journal
from sage_memory.core.sleep.grouping import Group, groups
from sage_memory.core.sleep.index_news import tell
from sage_memory.core.sleep.letting_go import Leave, Parting, let_go
from sage_memory.core.sleep.options import SleepOptions, checked
from sage_memory.core.sleep.plan import INT8, PAYLOAD, TEXT, VECTORS, Plan, plan
from sage_memory.core.sleep.probes import ask, draw_questions
from sage_memory.core.sleep.replay import draw, replay_view
from sage_memory.core.sleep.report import NightReport
from sage_memory.core.sleep.settling import settle
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
from sage_memory.core.store import Store
from sage_memory.core.writer import Ticket

GROUPS_A_STEP = 32
PARTINGS_A_STEP = 1024
BAND = 32_768
"""Partings that are made in the order of the file, which touches each of its pages once."""
VECTORS_A_QUERY = 1000
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
            return NightReport(note="nothing to do")
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
            if before <= target or not self._anything(seen, target):
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
        if len(plan(seen, self._options, target).order):
            return True
        return next(_groups(self._store, seen, self._options), None) is not None

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
        found = _groups(self._store, seen, page.options)
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
        decided = plan(seen, page.options, page.target_bytes)
        partings = _partings(seen, decided, page.started_ns)
        until_ns = page.started_ns + round(page.options.grace_s * NS_PER_S)
        for first in range(0, len(partings), PARTINGS_A_STEP):
            if self._must_stop(page):
                return replace(report, note="stopped while letting go")
            some = partings[first : first + PARTINGS_A_STEP]
            leave = Leave(page.night, until_ns, self._clock.now_ns())
            change = self._step(
                lambda c, some=some, leave=leave: let_go(  # type: ignore[misc]
                    self._store, c, some, page.options.salience_floor, leave
                )
            ).wait()
            report = replace(
                report,
                payloads_removed=report.payloads_removed + change.payloads,
                texts_removed=report.texts_removed + change.texts,
                vectors_quantised=report.vectors_quantised + change.quantised,
                vectors_removed=report.vectors_removed + change.removed,
            )
            self._progress(0.4 + 0.5 * (first + len(some)) / len(partings), "letting go")
        return report

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
            report = replace(report, note=report.note or _outcome(report))
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
        found = [] if before <= target else list(_groups(self._store, seen, options))
        summary = seen.summary.copy()
        cost = 0
        for group in found:
            summary[group.rows] = group.centre
            cost += ROW_BYTES + VECTOR_BYTES + int(
                seen.text_bytes[group.centre] + seen.int8_bytes[group.centre]
            ) + MEMBER_BYTES * len(group.rows)  # fmt: skip
        decided = plan(replace(seen, summary=summary), options, target - cost)
        count = [int((decided.depth >= rung).sum()) for rung in (PAYLOAD, TEXT, INT8, VECTORS)]
        return NightReport(
            summaries=len(found), merged=sum(len(group.rows) for group in found),
            payloads_removed=int((seen.payload[decided.depth >= PAYLOAD] != "").sum()),
            texts_removed=count[1], vectors_quantised=count[2] - count[3],
            vectors_removed=count[3], bytes_before=before, target_bytes=target,
            bytes_after=before + cost - decided.freed_bytes,
            note="nothing was changed; figures are about what a night would do",
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
    if report.bytes_after <= report.target_bytes:
        return ""
    return (
        f"{report.bytes_after} bytes are left, {report.target_bytes} were wanted: the rest is "
        "salient, pinned, or like nothing else"
    )


def _groups(store: Store, seen: Survey, options: SleepOptions) -> Iterator[Group]:
    def load(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        with store.reader.snapshot() as connection:  # a short one: it holds the log back
            return _percepts(connection, [bytes(key) for key in seen.identifier[rows]])

    free = seen.free(options.salience_floor)
    taken = np.zeros(len(seen), np.bool_)
    for buckets in seen.buckets:
        left = free[~taken[free]]
        for group in groups(buckets, left, load, options.similarity, options.min_group):
            taken[group.rows] = True
            yield group


def _percepts(connection: Connection, identifiers: Sequence[bytes]) -> NDArray[np.float32]:
    """Vectors in int8 precision, [n, dim]: what was let go to int8 groups as it did before."""
    column = vectors.c
    row_of = {key: row for row, key in enumerate(identifiers)}
    width = connection.execute(select(func.max(column.dim))).scalar_one() or 1
    table = np.zeros((len(identifiers), width), np.float32)  # zeros beyond change no cosine
    for first in range(0, len(identifiers), VECTORS_A_QUERY):
        whole: list[int] = []
        wanted = select(column.experience_id, column.encoding, column.dim, column.vector).where(
            column.experience_id.in_(identifiers[first : first + VECTORS_A_QUERY]),
            column.role == ROLE_PERCEPT,
        )
        for key, encoding, dim, blob in connection.execute(wanted):
            row = row_of[bytes(key)]
            table[row, :dim] = decode(encoding, dim, blob)
            if encoding == ENCODING_FLOAT32:
                whole.append(row)
        table[whole] = rounded_to_int8(table[whole])
    return table


def _in_bands(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """The least valuable first, a band at a time, and those of a band as they lie in the file."""
    bands = [np.sort(order[k : k + BAND]) for k in range(0, len(order), BAND)]
    return np.concatenate(bands) if bands else order


def _partings(seen: Survey, decided: Plan, now_ns: int) -> list[Parting]:
    holders: dict[str, int] = {}
    for sha in seen.payload:
        holders[sha] = holders.get(sha, 0) + 1
    partings = []
    for row in _in_bands(decided.order):
        sha = seen.payload[row]
        holders[sha] -= 1
        summary = int(seen.summary[row])
        days = (now_ns - int(seen.start_ns[row])) / (86400 * NS_PER_S)
        reason = f"salience {seen.total[row]:.2f}, {days:.1f} d old"
        if summary >= 0:
            reason += f", 1 of {seen.covers[summary]}"
        partings.append(
            Parting(
                identifier=bytes(seen.identifier[row]),
                rung=int(decided.depth[row]),
                reason=reason,
                summary=bytes(seen.identifier[summary]) if summary >= 0 else b"",
                last_user=bool(sha) and holders[sha] == 0,
            )
        )
    return partings
