"""A run: what it merges, evicts, keeps, and answers; once is enough."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sleep_home as home
from sqlalchemy import func, select

from sage_common.core.clock import ManualClock
from sage_common.core.errors import InvalidInput
from sage_memory import Memory
from sage_memory.core.engine.schema import experiences, forgettings, runs, summary_members
from sage_memory.core.sleep.options import SleepOptions

GROUPS, OPTIONS, SIZE, START_NS = home.GROUPS, home.OPTIONS, home.SIZE, home.START_NS
content, fill, group_vector = home.content, home.fill, home.group_vector
like, make, opened = home.like, home.moment, home.opened
THOROUGH = home.THOROUGH


def rows_of(memory: Memory, *columns) -> list:
    return memory.read(lambda connection: connection.execute(select(*columns)).all())


def test_near_duplicates_become_a_summary_with_links(tmp_path) -> None:
    with opened(tmp_path) as memory:
        ids = fill(memory)
        report = memory.sleep(THOROUGH)
        links = rows_of(memory, summary_members.c.summary_id, summary_members.c.member_id)
        group_of = {identifier: index // SIZE for index, identifier in enumerate(ids)}
        assert report.summaries == GROUPS
        assert report.merged == len(links) > 0.8 * len(ids)
        groups = {}
        for summary, member in links:
            groups.setdefault(bytes(summary), set()).add(group_of[bytes(member)])
        assert all(len(found) == 1 for found in groups.values())
        counts = rows_of(memory, experiences.c.covers)
        assert sum(row.covers for row in counts) == len(links)


def test_every_moment_is_still_answered_by_itself_or_its_summary(tmp_path) -> None:
    with opened(tmp_path) as memory:
        ids = fill(memory)
        report = memory.sleep(THOROUGH)
        assert report.vectors_removed > 0 and not report.rolled_back
        links = rows_of(memory, summary_members.c.member_id, summary_members.c.summary_id)
        summary_of = {bytes(member): bytes(summary) for member, summary in links}
        for index, identifier in enumerate(ids):
            group, member = divmod(index, SIZE)
            found = {answer.experience.id for answer in memory.recall(like(group, member))}
            assert identifier in found or summary_of[identifier] in found


def test_a_sleep_is_the_same_to_a_memory_opened_afterwards(tmp_path) -> None:
    with opened(tmp_path) as memory:
        fill(memory)
        memory.sleep(THOROUGH)
        before = [a.experience.id for g in range(GROUPS) for a in memory.recall(like(g, 0))]
        memory.verify()
    with opened(tmp_path) as memory:
        memory.verify()
        after = [a.experience.id for g in range(GROUPS) for a in memory.recall(like(g, 0))]
    assert before == after


def test_what_is_salient_or_pinned_is_not_touched(tmp_path) -> None:
    with opened(tmp_path) as memory:
        ids = fill(memory)
        memory.pin(ids[1], True).result()
        before = {row[1]: row for row in content(memory)["experiences"]}
        memory.sleep(THOROUGH)
        after = {row[1]: row for row in content(memory)["experiences"]}
        kept = [ids[1], *ids[::10]]
        assert len(kept) == 9
        for identifier in kept:
            assert before[identifier] == after[identifier]
        covered = {bytes(row[0]) for row in rows_of(memory, summary_members.c.member_id)}
        assert not covered & set(kept)


def test_a_second_sleep_right_after_does_nothing(tmp_path) -> None:
    with opened(tmp_path) as memory:
        fill(memory)
        for options in (OPTIONS, THOROUGH):
            memory.sleep(options)
            before = content(memory)
            count = len(rows_of(memory, runs.c.id))
            report = memory.sleep(options)
            assert report.run_id == b"" and report.note.startswith("nothing to do")
            assert content(memory) == before
            assert len(rows_of(memory, runs.c.id)) == count


def test_it_stops_at_the_target_and_takes_the_cheapest_first(tmp_path) -> None:
    with opened(tmp_path) as memory:
        fill(memory)
        report = memory.sleep(replace(OPTIONS, target_share=0.8))
        assert report.bytes_after <= report.target_bytes
        assert report.bytes_after > 0.7 * report.bytes_before
        assert report.payloads_removed > report.texts_removed > 0
        assert report.vectors_removed == report.vectors_quantised == 0
        kept = rows_of(memory, experiences.c.total, experiences.c.payload_sha256)
        lost = [row.total for row in kept if not row.payload_sha256]
        assert max(lost) < 0.6


def test_every_forgetting_is_listed_with_a_reason_and_without_content(tmp_path) -> None:
    with opened(tmp_path) as memory:
        fill(memory)
        report = memory.sleep(THOROUGH)
        listed = rows_of(memory, forgettings)
        assert len(listed) >= report.texts_removed
        assert {bytes(row.run_id) for row in listed} == {report.run_id}
        assert all(row.reason.startswith("salience 0.") for row in listed)
        assert not any("group" in row.reason for row in listed)
        until = {row.undo_until_ns for row in listed}
        assert until == {START_NS + 3600 * 10**9 + round(OPTIONS.grace_s * 1e9)}


def test_a_dry_run_changes_nothing_and_foretells_the_sleep(tmp_path) -> None:
    with opened(tmp_path) as memory:
        fill(memory)
        before = content(memory)
        foretold = memory.sleep(replace(THOROUGH, dry_run=True))
        assert content(memory) == before and rows_of(memory, runs.c.id) == []
        assert foretold.run_id == b"" and "nothing was changed" in foretold.note
        done = memory.sleep(THOROUGH)
        assert (foretold.summaries, foretold.merged) == (done.summaries, done.merged)
        assert foretold.texts_removed == done.texts_removed
        assert foretold.vectors_removed == done.vectors_removed
        assert abs(foretold.bytes_after - done.bytes_after) < 0.15 * done.bytes_before


def test_progress_rises_to_one_and_names_stages(tmp_path) -> None:
    with opened(tmp_path) as memory:
        fill(memory)
        seen: list[tuple[float, str]] = []
        memory.sleep(OPTIONS, lambda share, stage: seen.append((share, stage)))
    shares = [share for share, _ in seen]
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert {"merging", "evicting", "done"} <= {stage for _, stage in seen}


def test_told_to_stop_it_ends_whole_and_a_later_sleep_goes_on(tmp_path) -> None:
    with opened(tmp_path) as memory:
        fill(memory)
        report = memory.sleep(THOROUGH, should_stop=lambda: True)
        assert report.note.startswith("stopped") and report.texts_removed == 0
        assert rows_of(memory, runs.c.state)[0].state == "done"
        assert memory.sleep(THOROUGH).texts_removed > 0


def test_remembering_goes_on_and_is_not_touched_by_the_running_sleep(tmp_path) -> None:
    with opened(tmp_path) as memory:
        fill(memory)
        late = []

        def progress(_share: float, stage: str) -> None:
            if stage == "settled":
                return  # the run has not begun
            index = 10_000 + len(late)
            late.append(memory.remember(make(index, embedding=group_vector(0, 0), text="late")))

        memory.sleep(THOROUGH, progress)
        ids = {future.result().id for future in late}
        texts = {bytes(r.id): r.text for r in rows_of(memory, experiences.c.id, experiences.c.text)}
        assert all(texts[identifier] == "late" for identifier in ids)


def test_places_merge_over_time_and_times_without_a_place_do_not(tmp_path) -> None:
    from sage_memory import Place

    hour_ns = 3600 * 10**9
    with opened(tmp_path, ManualClock(START_NS + 100 * hour_ns)) as memory:
        for index in range(8):
            when = START_NS + index * hour_ns
            place = Place("map", (10.0 + 0.1 * index, 5.0, 0.0)) if index % 2 else None
            vector = group_vector(0, index)
            memory.remember(
                make(index, start_ns=when, end_ns=when, embedding=vector, total=0.2, place=place)
            ).result()
        report = memory.sleep(THOROUGH)
        assert (report.summaries, report.merged) == (1, 4)
        (summary,) = rows_of(memory, experiences.c.place_frame, experiences.c.covers)[8:]
        assert (summary.place_frame, summary.covers) == ("map", 4)


def test_recall_that_falls_rolls_the_sleep_back(tmp_path, monkeypatch) -> None:
    from sage_memory.core.sleep import consolidation as run
    from sage_memory.core.sleep.selection.probes import Recalled

    with opened(tmp_path) as memory:
        fill(memory)
        before = content(memory)
        shares = iter([Recalled(1.0, 1.0), Recalled(1.0, 0.85)])
        monkeypatch.setattr(run, "ask", lambda *_: next(shares))
        report = memory.sleep(THOROUGH)
        assert report.rolled_back and "recall fell from 1.000 to 0.850" in report.note
        assert report.bytes_after == report.bytes_before
        assert content(memory) == before
        state = rows_of(memory, runs.c.state, runs.c.recall_before, runs.c.recall_after)
        assert [tuple(row) for row in state] == [("rolled back", 1.0, 0.85)]
        memory.verify()


@pytest.mark.parametrize(
    ("field", "value"),
    [("target_share", 0.0), ("salience_floor", 1.5), ("span_s", 0.0), ("min_group", 1),
     ("grace_s", -1.0), ("similarity", float("nan"))],
)  # fmt: skip
def test_wrong_options_are_refused_by_name(tmp_path, field, value) -> None:
    with opened(tmp_path) as memory, pytest.raises(InvalidInput, match=field):
        memory.sleep(replace(SleepOptions(), **{field: value}))


def test_an_empty_memory_sleeps_soundly(tmp_path) -> None:
    with opened(tmp_path) as memory:
        assert memory.sleep(SleepOptions()).note == "nothing to do"
        assert memory.read(lambda c: c.execute(select(func.count(runs.c.id))).scalar_one()) == 0


def test_bytes_are_counted_alike_one_by_one_and_in_sum(tmp_path) -> None:
    from sage_memory.core.sleep.selection.survey import survey, total_bytes

    with opened(tmp_path) as memory:
        fill(memory)
        for _ in range(2):
            one_by_one, in_sum = memory.read(
                lambda c: (survey(c, OPTIONS, 50).bytes.sum(), total_bytes(c, 50))
            )
            assert one_by_one == in_sum > 0
            memory.sleep(THOROUGH)
