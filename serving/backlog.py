"""What waits for the next batch: items in the order in which they came, each with whoever waits for its answer."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

from serving.errors import Overloaded
from serving.items import Item, is_alone, size_of

MOST_WAITING = 8192
MOST_IN_A_BATCH = 512
_FULL_RETRY_AFTER_S = 1.0

Waiting = tuple[Item, "asyncio.Future[Any]"]
"""An item, and what becomes of it."""


class Backlog:
    """The items that no batch has taken yet."""

    def __init__(self) -> None:
        self._items: deque[Waiting] = deque()
        self.people = 0
        """How many people those that wait speak of."""

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._items)

    def add(self, item: Item) -> "asyncio.Future[Any]":
        """Put an item at the end; return what becomes of it (Overloaded)."""
        if len(self._items) >= MOST_WAITING:
            raise Overloaded(retry_after_s=_FULL_RETRY_AFTER_S)
        return self._put(item)

    def add_unasked(self, item: Item) -> None:
        """Put an item at the end that nobody waits for; a failure is logged like any other."""
        self._put(item).add_done_callback(lambda done: done.cancelled() or done.exception())

    def take(self) -> list[Waiting]:
        """Take what waited longest: one item at least, and no more than makes a transaction of reasonable size.

        Empty where nothing waits.
        """
        taken: list[Waiting] = []
        size = 0
        while self._items and size < MOST_IN_A_BATCH:
            if taken and (is_alone(taken[-1][0]) or is_alone(self._items[0][0])):
                break
            taken.append(self._items.popleft())
            size += size_of(taken[-1][0])
        self.people -= size
        return taken

    def put_back(self, waiting: Sequence[Waiting]) -> None:
        """Let what was taken wait again, before all others."""
        self._items.extendleft(reversed(waiting))
        self.people += sum(size_of(item) for item, _ in waiting)

    def _put(self, item: Item) -> "asyncio.Future[Any]":
        future = asyncio.get_running_loop().create_future()
        self._items.append((item, future))
        self.people += size_of(item)
        return future


def answer_all(waiting: Sequence[Waiting], answers: Sequence[Any]) -> None:
    """Give each item its answer, in the same order."""
    for (_, future), answer in zip(waiting, answers, strict=True):
        answer_one(future, answer)


def answer_one(future: "asyncio.Future[Any]", answer: Any) -> None:
    """Give one item its answer, which may be an error; nothing where nobody waits for it any more."""
    if future.cancelled() or future.get_loop().is_closed():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
