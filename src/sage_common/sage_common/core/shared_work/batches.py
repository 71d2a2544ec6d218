"""Requests that wait for one thing are run together: one of those who wait runs all of them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from sage_common.core.shared_work.thread_work import THREAD_WORK, ThreadWork

Q = TypeVar("Q")
A = TypeVar("A")
Run = Callable[[Sequence[Q]], Sequence[A]]
PATIENCE_S = 1.0
"""Who has waited so long for others runs its request alone: their thread may hang."""


class _Request(Generic[Q, A]):
    """A request that waits: for its turn to run those that wait, or for its answer."""

    def __init__(self, content: Q, size: int) -> None:
        self.content, self.size, self.thread = content, size, threading.get_ident()
        self.answer: A | None = None
        self.is_leader = self.is_answered = False
        self.event = threading.Event()


class Batches(Generic[Q, A]):
    """Joins requests of one key, as a database commits in groups.

    A request that finds no other at work runs at once. Those that come meanwhile wait, and the
    first of them runs them all together. Each bears its share of the cost. Safe to use from several
    threads.

    Args:
        most: sum of the sizes of a batch, unless one request is larger.
        at_once: batches of one key that run side by side.
        work: whose cost is shared.
    """

    def __init__(self, most: int, at_once: int = 1, work: ThreadWork = THREAD_WORK) -> None:
        self._most, self._at_once, self._work = most, at_once, work
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, deque[_Request[Q, A]]] = {}
        self._running: dict[Hashable, int] = {}

    def join(self, key: Hashable, content: Q, size: int, run: Run[Q, A]) -> A:
        """The answer to a request.

        Args:
            key: requests with equal ones may be run together.
            content: the request.
            size: how much of a batch it takes.
            run: answers several requests of this key, in their order. What it raises for several
                is asked again of each alone, so that a bad one fails nobody else.

        Raises:
            Exception: what `run` raises for this request.
        """
        own: _Request[Q, A] = _Request(content, size)
        with self._lock:
            if self._running.get(key, 0) < self._at_once:
                self._running[key] = self._running.get(key, 0) + 1
                own.is_leader = True
            else:
                self._waiting.setdefault(key, deque()).append(own)
        try:
            if not own.is_leader:
                own.event.wait(PATIENCE_S)
            if own.is_leader:
                self._run_batch(own, self._take(key, own), run)
        finally:
            self._leave(key, own)
        return own.answer if own.is_answered else run([content])[0]  # type: ignore[return-value]

    def _take(self, key: Hashable, own: _Request[Q, A]) -> list[_Request[Q, A]]:
        """The requests of the batch, the own one first."""
        batch, size = [own], own.size
        with self._lock:
            waiting = self._waiting.get(key, deque())
            while waiting and size + waiting[0].size <= self._most:
                batch.append(waiting.popleft())
                size += batch[-1].size
        return batch

    def _run_batch(
        self, own: _Request[Q, A], batch: Sequence[_Request[Q, A]], run: Run[Q, A]
    ) -> None:
        """Answer all of a batch; those that get no answer run alone, on their own threads."""
        if len(batch) == 1:
            own.answer, own.is_answered = run([own.content])[0], True
            return
        began_ns = time.thread_time_ns()
        try:
            answers = run([request.content for request in batch])
            for request, answer in zip(batch, answers, strict=True):
                request.answer, request.is_answered = answer, True
        except Exception:  # noqa: BLE001 - whose fault it is shows when each runs alone
            return
        finally:
            cost_ns = time.thread_time_ns() - began_ns
            self._work.share(cost_ns, [request.thread for request in batch])
            for request in batch[1:]:
                request.event.set()

    def _leave(self, key: Hashable, own: _Request[Q, A]) -> None:
        """Hand on the right to run, and wait no more."""
        with self._lock:
            waiting = self._waiting.get(key)
            if waiting and own in waiting:
                waiting.remove(own)
            if own.is_leader:
                if waiting:
                    following = waiting.popleft()
                    following.is_leader = True
                    following.event.set()
                else:
                    self._running[key] -= 1
            if not waiting:
                self._waiting.pop(key, None)
            if not self._running.get(key):
                self._running.pop(key, None)
