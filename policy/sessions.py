"""Visits: what a person did without a pause of more than 30 minutes, as the log has it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from features.activity import ELSEWHERE, PASSIVE, SESSION_GAP
from features.moments import DAY_US
from policy.quantities import microseconds
from policy.view import EVER_US, Seen, View

GAP_US: Final = microseconds(SESSION_GAP)
_ELSEWHERE: Final = frozenset(map(int, PASSIVE | ELSEWHERE))


class Session(NamedTuple):
    """One visit; moments in microseconds, its events newest first."""

    started_at: int
    last_at: int
    events: Sequence[Seen]


def sessions(events: Iterable[Seen]) -> Iterator[Session]:
    """Yield the visits that these events make up, the latest first; `events` newest first, of any kind.

    What is done to people, or happens in their mailbox, neither begins nor lengthens a visit.
    """
    found: list[Seen] = []
    for each in events:
        if each.kind in _ELSEWHERE:
            continue
        if found and found[-1].occurred_at - each.occurred_at > GAP_US:
            yield _session(found)
            found = []
        found.append(each)
    if found:
        yield _session(found)


def session_of(view: View) -> Session | None:
    """Return the visit that is under way, or the one just over that the asking event is part of; None without one."""
    event, span_us = view.event, GAP_US if view.event is None else view.at - view.event.occurred_at + GAP_US
    while True:
        latest = next(sessions(view.everything(view.at - span_us - 1)), None)
        if latest is None:
            return None
        is_whole = latest.started_at - GAP_US > view.at - span_us
        if is_whole or span_us >= EVER_US:
            break
        span_us = EVER_US if span_us > EVER_US // 2 else 2 * max(span_us, DAY_US)
    under_way = view.at - latest.last_at <= GAP_US
    asks = event is not None and latest.started_at <= event.occurred_at <= latest.last_at
    return latest if under_way or asks else None


def _session(found: Sequence[Seen]) -> Session:
    return Session(found[-1].occurred_at, found[0].occurred_at, found)
