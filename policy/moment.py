"""When a message may go out that everything but the moment speaks for: at once, later, or not in time."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from features.moments import HOUR_US, to_moment
from policy.caps import Sent
from policy.channels import Route, unhindered
from policy.exploration import HourChance, HourDraw
from policy.guards import Guards, Standing, calm_from, hindrance, next_allowed, zone_for
from policy.pending import room_from
from policy.reasons import Reason
from policy.send_hours import PRIOR_HOURS, Hours


class Moment(NamedTuple):
    """When a message goes out.

    Attributes:
        channels: On which, now; empty where it does not go out now.
        due_at: When to ask again, in microseconds; None where it goes out now, or not in time.
        hour: Which hour was drawn; None where nothing was left to chance.
    """

    channels: tuple[str, ...]
    due_at: int | None = None
    hour: HourDraw | None = None


class Asked(NamedTuple):
    """What a moment is sought for: a message of a trigger by a route, on those of its channels that are not barred.

    `pending` are other messages to the person that wait for their moment; caps are to leave them what they need.
    """

    guards: Guards
    standing: Standing
    trigger: str
    route: Route
    free: tuple[str, ...]
    pending: Sequence[Sent] = ()


def now_or_never(asked: Asked, at: int) -> Moment:
    """Return on which channels a message goes out at a moment in microseconds."""
    taken, free, guards, pending = asked.route, asked.free, asked.guards, asked.pending
    return Moment(unhindered(taken, free, guards, asked.standing, trigger=asked.trigger, at=at, pending=pending))


def soon(asked: Asked, at: int, until: int) -> Moment:
    """Return when a message goes out, as soon as nothing stands against it any more, if that is not after `until`."""
    due_at = first_moment(asked, at)
    if due_at == at:
        return now_or_never(asked, at)
    return Moment((), due_at if due_at is not None and due_at <= until else None)


def at_best(
    asked: Asked,
    at: int,
    until: int,
    hours: Hours = PRIOR_HOURS,
    *,
    half_life_us: int | None = None,
    chance: HourChance | None = None,
    in_one_day: bool = False,
) -> Moment:
    """Return when a message goes out: of the hours in which it may, up to and with `until`, at the one worth most.

    An hour is worth its score on such a day, halved for every half-life until then; the earliest of equals is taken.
    Chance may draw another one of them. In one day only those of the day of the first one count, on the person's clock.
    """
    zone = zone_for(asked.guards, asked.standing)
    moments = [] if zone is None else [*_hours(asked, at, until, zone)]
    if zone is None or not moments:
        return soon(asked, at, until)
    if in_one_day:
        moments = [each for each in moments if _local(each, zone).date() == _local(moments[0], zone).date()]
    clock = UTC if hours.in_utc else zone
    rated = [(-hours.at(_local(each, clock)) * _left(each - at, half_life_us), each) for each in moments]
    _, due_at = min(rated)  # the earliest of equals
    drawn = None
    if chance is not None:
        eligible = tuple(_local(each, zone).hour for each in moments)
        place, drawn = chance.draw(moments.index(due_at), eligible)
        due_at = moments[place]
    found = now_or_never(asked, at) if due_at == at else Moment((), due_at)
    return found._replace(hour=drawn)


def first_moment(asked: Asked, at: int) -> int | None:
    """Return the first moment from `at` on at which nothing stands against the message on one channel at least.

    It is taken that nothing more than what is pending is sent until then, and nothing ordered or seen. None where
    somebody's zone, and so their quiet hours, are not known.
    """
    found = (_first_on(channel, asked, at) for channel in asked.free)
    return min((each for each in found if each is not None), default=None)


def objection_to(asked: Asked, at: int) -> Reason:
    """Return what stands against a message, that does not go out at that moment, on the first channel not barred."""
    found = hindrance(asked.guards, asked.standing, channel=asked.free[0], trigger=asked.trigger, at=at)
    if found is None and asked.pending:
        return Reason.CAPPED
    if found is None:
        raise AssertionError(f"trigger {asked.trigger}: nothing stands against a message that does not go out")
    return found


def _first_on(channel: str, asked: Asked, at: int) -> int | None:
    """Return the first moment from `at` on at which nothing stands against the message on one channel."""
    guards, standing, trigger = asked.guards, asked.standing, asked.trigger
    moment = next_allowed(guards, standing, calm_from(guards, standing, channel=channel, trigger=trigger, at=at))
    while asked.pending and moment is not None:
        later = room_from(guards, standing, asked.pending, channel=channel, trigger=trigger, at=moment)
        if later == moment:
            break
        moment = next_allowed(guards, standing, later)
    return moment


def _hours(asked: Asked, at: int, until: int, zone: ZoneInfo) -> Iterator[int]:
    """Yield the first moment in each hour of the day there at which a message may go out."""
    moment = first_moment(asked, at)
    while moment is not None and moment <= until:
        yield moment
        shown = _local(moment, zone)
        passed = (shown.minute * 60 + shown.second) * 1_000_000 + shown.microsecond
        following = moment + HOUR_US - passed
        # All else that stood against it is over by then.
        moment = (
            first_moment(asked, following) if asked.pending else next_allowed(asked.guards, asked.standing, following)
        )


def _left(delay_us: int, half_life_us: int | None) -> float:
    """Return what part of its worth a message still has after a delay."""
    return 1.0 if half_life_us is None else float(2.0 ** (-delay_us / half_life_us))


def _local(moment: int, zone: tzinfo) -> datetime:
    return to_moment(moment).astimezone(zone)
