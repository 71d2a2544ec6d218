"""Work that one thread does for several, and who bears its cost."""

from __future__ import annotations

import threading

from sage_common.core.shared_work.thread_work import ThreadWork


def test_the_cost_of_shared_work_is_borne_by_all_and_conserved():
    work, may_end = ThreadWork(lambda: 1000), threading.Barrier(3)
    seen: dict[str, int] = {}

    def follow(name: str) -> None:
        may_end.wait(60)
        may_end.wait(60)
        seen[name] = work.now_ns()

    threads = [threading.Thread(target=follow, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    may_end.wait(60)
    work.share(100, [threading.get_ident(), *(thread.ident or 0 for thread in threads)])
    may_end.wait(60)
    for thread in threads:
        thread.join()
    own = work.now_ns() - 1000 + 100  # what it spent, less what it did for others
    parts = [own, seen["a"] - 1000, seen["b"] - 1000]
    assert parts == [34, 33, 33] and sum(parts) == 100


def test_what_a_server_does_is_added_to_who_asked():
    work = ThreadWork(lambda: 7)
    work.receive(5)
    assert work.now_ns() == 12
    seen: list[int] = []
    other = threading.Thread(target=lambda: seen.append(work.now_ns()))
    other.start()
    other.join()
    assert seen == [7]


def test_cpu_time_of_the_thread_counts():
    work = ThreadWork()
    before = work.now_ns()
    while work.now_ns() == before:
        sum(range(1000))
