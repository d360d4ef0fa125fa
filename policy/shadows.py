"""Triggers that one above them in the file shadows: it fires whenever they would, to the same person."""

from collections import defaultdict
from collections.abc import Hashable, Iterator
from heapq import merge
from operator import itemgetter

from policy.bounds import implies, subject
from policy.conditions import Condition
from policy.event_names import ANY
from policy.triggers import Trigger

_ALIKE = {
    "horizon",
    "channel",
    "message_class",
    "mode",
    "key",
    "after",
    "inactive_for",
    "cancel_on",
    "guards",
    "send",
    "send_within",
    "half_life",
    "steps",
    "exit_when",
    "codes",
    "explore",
}
"""What two triggers must have in common for one to shadow the other."""


class Above:
    """The triggers of a file so far, by what one below must share with them: few are left to be looked at alone."""

    def __init__(self) -> None:
        """Begin above the first."""
        self._known: defaultdict[Hashable, list[tuple[int, Trigger]]] = defaultdict(list)
        self._count = 0

    def shadowing(self, trigger: Trigger) -> Trigger | None:
        """Return the first of them that shadows a trigger; None where none does."""
        alike = _alike(trigger)
        asked = {None} if trigger.when is None else {None, *_says(trigger.when)}
        shared = ((alike, event, each) for event in {trigger.on[0], ANY} for each in asked)
        near = merge(*(self._known.get(each, ()) for each in shared), key=itemgetter(0))
        return next((other for _, other in near if _covers(other, trigger)), None)

    def add(self, trigger: Trigger) -> None:
        """Go below a trigger."""
        needed = None if trigger.when is None else min(_needs(trigger.when), key=repr, default=None)
        alike = _alike(trigger)
        for event in set(trigger.on):
            self._known[alike, event, needed].append((self._count, trigger))
        self._count += 1


def _alike(trigger: Trigger) -> str:
    return trigger.model_dump_json(include=_ALIKE)


def _covers(other: Trigger, trigger: Trigger) -> bool:
    return (
        (ANY in other.on or set(trigger.on) <= set(other.on))
        and not (other.asks_uplift or trigger.asks_uplift)
        and other.threshold <= trigger.threshold
        and other.cool_down <= trigger.cool_down
        and other.max_event_age >= trigger.max_event_age
        and (other.when is None or (trigger.when is not None and implies(trigger.when, other.when)))
    )


def _needs(weak: Condition) -> Iterator[Hashable]:
    """Yield what `_says` tells of each condition that implies this one."""
    if weak.all is not None:
        for each in weak.all:
            yield from _needs(each)
    elif weak.any is None:
        yield _about(weak)


def _says(strong: Condition) -> Iterator[Hashable]:
    yield _about(strong)
    for each in strong.parts:
        yield from _says(each)


def _about(condition: Condition) -> Hashable:
    """Return what a condition bounds, and else what it says: only the same implies it."""
    return subject(condition) or condition.model_dump_json()
