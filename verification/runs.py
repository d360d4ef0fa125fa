"""Simulations in one process or in several: their seeds are their own, so the figures are the same."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TypeVar

Seed = TypeVar("Seed")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Runs:
    """How simulations are run.

    Attributes:
        processes: How many at the same time.
        note: Is told what begins.
    """

    processes: int = 1
    note: Callable[[str], None] = lambda _what: None

    def of(self, simulate: Callable[[Seed], Found], seeds: Iterable[Seed]) -> Iterator[Found]:
        """Yield what each seed comes to, in their order; with several processes `simulate` has to be picklable."""
        if self.processes == 1:
            yield from map(simulate, seeds)
            return
        # A fork of a process in which LightGBM was used may hang.
        with get_context("spawn").Pool(self.processes) as pool:
            yield from pool.imap(simulate, seeds)
