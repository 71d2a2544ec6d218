"""One thread that writes, many that wait: group commit with a bounded queue."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sage_common.core.errors import InvalidInput
from sage_memory.core.errors import MemoryBusy, MemoryFailure, NotStored

Item = TypeVar("Item")
Result = TypeVar("Result")
Done = TypeVar("Done")


class Future(Generic[Result]):
    """What the writer's thread is still to do; `result()` and `done()` as those of
    `concurrent.futures.Future`."""

    __slots__ = ("_error", "_gate", "_result", "_settled")

    def __init__(self) -> None:
        self._gate = threading.Lock()  # shut until settled; an Event takes far longer to make
        self._gate.acquire()
        self._settled = False
        self._result: Result
        self._error: BaseException | None = None

    def done(self) -> bool:
        """True once it is committed and synced, or has failed."""
        return self._settled

    def result(self, timeout_s: float | None = None) -> Result:
        """What was stored, after it was committed and synced.

        Raises:
            NotStored: the commit failed.
            InvalidInput: what was asked for cannot be done; nothing was changed.
            TimeoutError: not settled within `timeout_s`.
        """
        if not self._settled:
            if not self._gate.acquire(timeout=-1.0 if timeout_s is None else timeout_s):
                raise TimeoutError(f"not committed within {timeout_s} s")
            self._gate.release()  # for whoever else waits
        if self._error is not None:
            if isinstance(self._error, MemoryFailure | InvalidInput):
                raise self._error
            raise NotStored(f"{type(self._error).__name__}: {self._error}") from self._error
        return self._result

    def resolve(self, result: Result) -> None:
        self._result = result
        self._settle()

    def fail(self, error: BaseException) -> None:
        self._error = error
        self._settle()

    def _settle(self) -> None:
        self._settled = True
        self._gate.release()


@dataclass
class _Task:
    """Something to do between two groups, in its turn."""

    action: Callable[[], Any]
    future: Future[Any]


class GroupCommitter(Generic[Item, Result]):
    """Commits queued items together, in order.

    While one group is being synced, the next one gathers; nobody waits for a group to fill.

    Args:
        commit: writes a group in one transaction and returns a result for each item, after the
            sync; it raises if nothing of the group was written: `NotStored` if a smaller group
            would fare no better, anything else if one item may be to blame.
        capacity: items that may wait.
        group_size: most items in one transaction.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Item]], Sequence[Result]],
        capacity: int,
        group_size: int,
    ) -> None:
        self._commit = commit
        self._capacity = capacity
        self._group_size = group_size
        self._queue: deque[tuple[Item, Future[Result]] | _Task] = deque()
        self._waiting = 0
        self._changing = threading.Lock()  # held by whoever changes the queue
        self._news = threading.Lock()  # open when something was queued; a Condition takes longer
        self._news.acquire()
        self._closing = False
        self.refused = 0
        self.committed = 0
        self.groups = 0
        self.failed = 0
        self.last_failure = ""
        self.failing = False
        self._thread = threading.Thread(target=self._run, name="memory writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Items in the queue."""
        return self._waiting

    def submit(self, make: Callable[[], Item]) -> Future[Result]:
        """Queue the item that `make` gives; never waits for the disk.

        `make` runs while the queue is held, so that what it numbers is numbered in order.

        Raises:
            MemoryBusy: the queue is full; the item was not made.
        """
        future: Future[Result] = Future()
        with self._changing:
            if self._closing:
                raise NotStored("the store is closed")
            if self._waiting >= self._capacity:
                self.refused += 1
                raise MemoryBusy(self.refused, self._capacity)
            self._queue.append((make(), future))
            self._waiting += 1
            self._announce()
        return future

    def run(self, action: Callable[[], Done]) -> Future[Done]:
        """Run `action` on the writer's thread, after all that was queued before."""
        task = _Task(action, Future())
        with self._changing:
            if self._closing:
                raise NotStored("the store is closed")
            self._queue.append(task)
            self._announce()
        return task.future

    def close(self) -> None:
        """Commit what waits, then stop."""
        with self._changing:
            self._closing = True
            self._announce()
        self._thread.join()

    def _announce(self) -> None:
        if self._news.locked():  # else the writer has not come to it yet, and will see this too
            self._news.release()

    def _run(self) -> None:
        while True:
            with self._changing:
                work = self._next_work()
                if not work and self._closing:
                    return
            if not work:
                self._news.acquire()
            elif isinstance(work, _Task):
                self._do(work)
            else:
                self._commit_group(work)

    def _next_work(self) -> _Task | list[tuple[Item, Future[Result]]]:
        group: list[tuple[Item, Future[Result]]] = []
        while self._queue and len(group) < self._group_size:
            head = self._queue[0]
            if isinstance(head, _Task):
                if not group:
                    self._queue.popleft()
                    return head
                break
            self._queue.popleft()
            self._waiting -= 1
            group.append(head)
        return group

    def _commit_group(self, group: list[tuple[Item, Future[Result]]]) -> None:
        try:
            results = self._commit([item for item, _ in group])
        except Exception as error:  # noqa: BLE001 - saves the thread; who waits must hear of it
            self._refuse_group(group, error)
            return
        self.failing = False
        self.groups += 1
        self.committed += len(group)
        for (_, future), result in zip(group, results, strict=True):
            future.resolve(result)

    def _refuse_group(self, group: list[tuple[Item, Future[Result]]], error: BaseException) -> None:
        if len(group) > 1 and not isinstance(error, NotStored):
            half = len(group) // 2  # one bad item must not take the others with it
            self._commit_group(group[:half])
            self._commit_group(group[half:])
            return
        self.failing = True
        self.failed += len(group)
        self.last_failure = str(error)
        for _, future in group:
            future.fail(error)

    def _do(self, task: _Task) -> None:
        try:
            result = task.action()
        except Exception as error:  # noqa: BLE001 - saves the thread; who waits must hear of it
            task.future.fail(error)
        else:
            task.future.resolve(result)
