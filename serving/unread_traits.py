"""Traits that features are made of, told in an imported file as what cannot be read: counted, and said in words."""

from collections import Counter

from features.catalog import CATALOGUE
from features.events import Event
from features.traits import unread


class UnreadTraits:
    """How often each declared trait could not be read; the rows are kept all the same."""

    def __init__(self) -> None:
        self._times: Counter[str] = Counter()

    def mind(self, event: Event) -> None:
        """Count what an event tells wrongly."""
        if CATALOGUE.traits and event.payload:
            self._times.update(unread(event, CATALOGUE.traits))

    def sentences(self) -> list[str]:
        """Return a line for each trait, the most frequent first."""
        return [
            f"{times:,} times the trait {trait!r} is told as what its features cannot read: kept, and unknown to models"
            for trait, times in self._times.most_common()
        ]
