"""When a message goes out that only the moment speaks against."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from policy.caps import Sent
from policy.decide import Facts, decide
from policy.guards import Guards, Standing, hindrance
from policy.moment import Asked, at_best, first_moment, now_or_never, soon
from policy.reasons import Reason
from policy.runs import Run
from policy.send_hours import PRIOR, Hours
from policy.triggers import Trigger

MINUTE = 60_000_000
HOUR = 60 * MINUTE
NOON = 1_700_049_600_000_000  # 2023-11-15, 12:00 UTC
ZONES = [None, "UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe", "Nowhere/Atall"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

times = st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(0, 23), st.sampled_from([0, 15, 30]))
caps = st.none() | st.builds(
    lambda count, window: {"count": count, "window": f"{window} min"},
    st.integers(1, 3),
    st.sampled_from([30, 600, 5000]),
)


either = st.booleans()
zones_unknown = st.sampled_from(["hold", "shop_zone"])
gaps = st.sampled_from([None, "45 min", "2d"])
lapses = st.integers(0, 4000).map(lambda minutes: minutes * MINUTE)
sent_before = st.lists(
    st.tuples(lapses, st.sampled_from(["email", "sms"]), st.sampled_from(["t", "other"])), max_size=5
)
lapses_if_any = st.none() | lapses
zones, shop_zones = st.sampled_from(ZONES), st.sampled_from(ZONES[1:-1])
moments = st.builds(
    lambda minutes, rest: NOON + minutes * MINUTE + rest, st.integers(0, 365 * 24 * 60), st.integers(0, 59_999_999)
)
channels = st.sampled_from([{"prefer": ["email", "sms"]}, {"together": ["sms", "email"]}, "email"])


@st.composite
def any_guards(draw):
    start, end = draw(times), draw(times)
    quiet = {"from": start, "to": end, "unknown_zone": draw(zones_unknown)}
    found = {
        "consent": "none",
        "cap": draw(caps),
        "cap_per_channel": draw(caps),
        "cap_per_trigger": draw(caps),
        "quiet_hours": quiet if start != end and draw(either) else None,
        "gap_after_purchase": draw(gaps),
        "not_while_browsing": draw(either),
    }
    return Guards.model_validate(found)


@st.composite
def any_standing(draw, at):
    ordered, seen = draw(lapses_if_any), draw(lapses_if_any)
    return Standing(
        sends=[Sent(at - lapse, *rest) for lapse, *rest in draw(sent_before)],
        last_order_at=None if ordered is None else at - ordered,
        last_event_at=None if seen is None else at - seen,
        timezone=draw(zones),
        shop_zone=draw(shop_zones),
    )


@st.composite
def anything_asked(draw):
    """What is asked for, and a moment within a year, so that clock changes are among them."""
    at, chosen = draw(moments), draw(channels)
    trigger = Trigger.model_validate({"name": "t", "on": "x", "threshold": 0, "cool_down": 0, "channel": chosen})
    route = trigger.plans[0].route
    return Asked(draw(any_guards()), draw(any_standing(at)), "t", route, route.channels), at


def against(asked, at):
    """What stands against a message at a moment, on each channel."""
    return [hindrance(asked.guards, asked.standing, channel=each, trigger="t", at=at) for each in asked.free]


def is_free(asked, at):
    return None in against(asked, at)


@given(anything_asked())
def test_nothing_stands_against_the_first_moment_and_something_against_every_one_before(case):
    asked, at = case
    found = first_moment(asked, at)
    until = at + 5 * 24 * HOUR if found is None else found

    earlier = range(at, until, 7 * MINUTE + 13)
    assert not any(is_free(asked, each) for each in earlier)
    assert found is None or (is_free(asked, found) and (found == at or not is_free(asked, found - 1)))


@given(anything_asked(), st.integers(0, 3 * 24 * 60))
def test_it_is_never_put_off_beyond_the_limit_and_never_where_it_may_go_out_now(case, minutes):
    asked, at = case
    until = at + minutes * MINUTE
    moment = soon(asked, at, until)

    assert bool(moment.channels) == is_free(asked, at)
    assert moment.due_at is None or (at < moment.due_at <= until and not moment.channels)
    if moment.due_at is None and not moment.channels:
        assert not any(is_free(asked, each) for each in range(at, until, 11 * MINUTE))


@given(anything_asked())
def test_together_no_cap_is_exceeded_by_the_messages_themselves(case):
    asked, at = case
    sends = list(asked.standing.sends)
    for channel in now_or_never(asked, at).channels:
        standing = replace(asked.standing, sends=sends)
        assert hindrance(asked.guards, standing, channel=channel, trigger="t", at=at) is None
        sends = [*sends, Sent(at, channel, "t")]


def local_hour(at, asked):
    standing, quiet = asked.standing, asked.guards.quiet_hours
    unknown = standing.shop_zone if quiet is None or quiet.unknown_zone == "shop_zone" else None
    name = standing.timezone if standing.timezone != "Nowhere/Atall" or quiet is not None else None
    zone = name or unknown
    return (EPOCH + timedelta(microseconds=at)).astimezone(ZoneInfo(zone)).hour


@given(anything_asked(), st.integers(0, 60))
def test_the_best_hour_is_the_best_of_all_in_which_it_may_go_out_and_the_earliest_of_equals(case, hours):
    asked, at = case
    until = at + hours * HOUR
    moment = at_best(asked, at, until)
    chosen = at if moment.channels else moment.due_at
    free = [each for each in range(at, until + 1, 5 * MINUTE) if is_free(asked, each)]

    if chosen is None:
        assert free == []
        return
    assert at <= chosen <= until
    assert is_free(asked, chosen)
    best = PRIOR[local_hour(chosen, asked)]
    assert all(PRIOR[local_hour(each, asked)] < best for each in free if each < chosen)
    assert all(PRIOR[local_hour(each, asked)] <= best for each in free)


OWL = Hours([1.0 if hour == 23 else 0.5 if hour == 1 else 0.1 for hour in range(24)], 0.9)


@pytest.mark.parametrize(
    ("timezone", "in_utc", "quiet", "expected"),
    [
        ("Europe/Berlin", False, None, "2023-11-15T22:00"),
        ("America/New_York", False, None, "2023-11-16T04:00"),
        ("Europe/Berlin", False, {"from": "22:00", "to": "08:00"}, None),
        (None, True, None, "2023-11-15T23:00"),
    ],
    ids=["her evening", "another's evening", "quiet then", "nobody knows where, so that hours are those of UTC"],
)
def test_a_person_gets_the_message_at_their_own_hour(timezone, in_utc, quiet, expected):
    guards = {"quiet_hours": quiet} if quiet else {}
    trigger = a_trigger(send="best_hour", send_within="1d", guards=guards)
    hours = OWL._replace(in_utc=in_utc)
    standing = Standing(timezone=timezone, shop_zone="Asia/Tokyo")
    facts = Facts("ada", NOON, NOON, {"24h": 0.5}, {}, standing=standing, hours=lambda: hours)
    found = decide(trigger, facts, Run())

    if expected is None:
        # All that is left are hours that are equally good to her: the first is now.
        assert found.reason is Reason.SENT
    else:
        due = EPOCH + timedelta(microseconds=found.due_at)
        assert (found.reason, due.strftime("%Y-%m-%dT%H:%M")) == (Reason.PUT_OFF, expected)


BY_DAY = Hours(
    [0.1] * 24,
    0.9,
    on_days=(
        [1.0 if hour == 23 else 0.2 for hour in range(24)],
        [2.0 if hour == 1 else 0.2 for hour in range(24)],
    ),
)


@pytest.mark.parametrize(
    ("weekday", "timezone", "in_utc", "expected"),
    [
        ("Friday", "Europe/Berlin", False, "Saturday 00:00"),
        ("Thursday", "Europe/Berlin", False, "Thursday 22:00"),
        ("Sunday", "Europe/Berlin", False, "Sunday 12:00"),
        ("Saturday", "Europe/Berlin", False, "Sunday 00:00"),
        ("Friday", "America/Los_Angeles", False, "Saturday 09:00"),
        ("Friday", None, True, "Saturday 01:00"),
    ],
)
def test_a_moment_is_rated_as_an_hour_of_its_own_kind_of_day(weekday, timezone, in_utc, expected):
    days = ["Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    at = NOON + days.index(weekday) * 24 * HOUR
    facts = Facts(
        "ada", at, at, {"24h": 0.5}, {}, standing=Standing(timezone=timezone, shop_zone="UTC"),
        hours=lambda: BY_DAY._replace(in_utc=in_utc),
    )  # fmt: skip
    found = decide(a_trigger(send="best_hour", send_within="23h"), facts, Run())
    due = EPOCH + timedelta(microseconds=at if found.due_at is None else found.due_at)

    # At one at night of a weekend; else at eleven in the evening of a working day; else no hour is better than now.
    assert due.strftime("%A %H:%M") == expected


@given(anything_asked(), st.integers(0, 60), st.lists(st.floats(0.0, 1.0), min_size=24, max_size=24))
def test_days_that_are_alike_are_rated_as_any_day(case, hours, scores):
    asked, at = case
    until = at + hours * HOUR

    assert at_best(asked, at, until, Hours(scores, 0.5)) == at_best(
        asked, at, until, Hours([0.0] * 24, 0.5, on_days=(scores, scores))
    )


def test_hours_of_everybody_have_everybodys_days():
    found = BY_DAY._replace(of_all=[0.5] * 24, of_all_on_days=([0.1] * 24, [0.9] * 24)).of_everybody()

    assert [found.at(datetime(2026, 3, day, 7, tzinfo=UTC)) for day in (6, 7, 8, 9)] == [0.1, 0.9, 0.9, 0.1]
    assert found.confidence == 0.0


def test_who_sends_now_asks_nobody_for_hours():
    def asked():
        raise AssertionError

    facts = Facts("ada", NOON, NOON, {"24h": 0.5}, {}, standing=Standing(timezone="UTC"), hours=asked)
    assert decide(a_trigger(send_within="1d"), facts, Run()).reason is Reason.SENT


def a_trigger(**fields):
    basics = {"name": "t", "on": "x", "threshold": 0, "cool_down": 0, "hold_out": 0, "mode": "live"}
    return Trigger.model_validate(basics | fields)


def verdict(trigger, *, at=NOON, run=None, **standing):
    facts = Facts("ada", at, at, {"24h": 0.5}, {}, standing=Standing(**{"timezone": "UTC"} | standing))
    return decide(trigger, facts, run or Run())


QUIET = {"quiet_hours": {"from": "11:00", "to": "14:30"}}


@pytest.mark.parametrize(
    ("guards", "standing", "minutes"),
    [
        (QUIET, {}, 150),
        ({"gap_after_purchase": "2h"}, {"last_order_at": NOON - 30 * MINUTE}, 90),
        ({"not_while_browsing": True}, {"last_event_at": NOON - 10 * MINUTE}, 20),
        ({"cap": {"count": 1, "window": "1h"}}, {"sends": [Sent(NOON - 20 * MINUTE, "sms", "u")]}, 40),
        (QUIET | {"gap_after_purchase": "3h"}, {"last_order_at": NOON}, 180),
    ],
)
def test_what_is_put_off_is_due_when_nothing_stands_against_it_any_more(guards, standing, minutes):
    found = verdict(a_trigger(guards=guards, send_within="8h"), **standing)

    assert (found.action.value, found.reason, found.due_at) == ("hold", Reason.PUT_OFF, NOON + minutes * MINUTE)
    assert not found.fired
    assert verdict(a_trigger(guards=guards, send_within="8h"), at=found.due_at, **standing).reason == Reason.SENT


def test_what_would_come_too_late_is_held_for_the_reason_of_now():
    assert verdict(a_trigger(guards=QUIET, send_within="2h")).reason == Reason.QUIET_HOURS
    assert verdict(a_trigger(guards=QUIET)).reason == Reason.QUIET_HOURS
    assert verdict(a_trigger(guards=QUIET, send_within="8h"), timezone=None).reason == Reason.UNKNOWN_ZONE


def test_the_limit_counts_from_the_first_time_that_it_was_put_off():
    trigger, first = a_trigger(guards=QUIET, send_within="3h"), NOON - 2 * HOUR

    assert verdict(trigger).reason == Reason.PUT_OFF
    assert verdict(trigger, run=Run(is_due=True, first_at=first)).reason == Reason.QUIET_HOURS


def test_the_best_hour_is_sought_once():
    trigger = a_trigger(send="best_hour", send_within="1d")
    found = verdict(trigger)

    assert found.due_at == NOON + 22 * HOUR  # ten o'clock
    assert verdict(trigger, at=NOON + HOUR, run=Run(is_due=True, first_at=NOON)).reason == Reason.SENT
    assert verdict(trigger, at=found.due_at).reason == Reason.SENT


def test_a_transactional_message_goes_out_at_once():
    trigger = a_trigger(**{"class": "transactional"}, guards=QUIET, send="best_hour", send_within="1d")

    assert verdict(trigger).reason == Reason.SENT


def test_what_is_held_back_for_another_reason_is_not_put_off():
    assert verdict(a_trigger(threshold=0.9, guards=QUIET, send_within="8h")).reason == Reason.BELOW_THRESHOLD
    assert verdict(a_trigger(mode="dry_run", guards=QUIET, send_within="8h")).reason == Reason.PUT_OFF


half_lives = st.sampled_from([MINUTE, 30 * MINUTE, HOUR, 6 * HOUR, 48 * HOUR])


@given(anything_asked(), st.integers(0, 60), half_lives)
def test_of_all_moments_in_time_it_takes_the_one_at_which_the_message_is_worth_most(case, hours, half_life_us):
    asked, at = case
    until = at + hours * HOUR
    moment = at_best(asked, at, until, half_life_us=half_life_us)
    chosen = at if moment.channels else moment.due_at
    free = [each for each in range(at, until + 1, 5 * MINUTE) if is_free(asked, each)]

    if chosen is None:
        assert free == []
        return
    assert at <= chosen <= until
    assert is_free(asked, chosen)

    def worth(when):
        return PRIOR[local_hour(when, asked)] * 0.5 ** ((when - at) / half_life_us)

    assert all(worth(each) <= worth(chosen) * (1.0 + 1e-12) for each in free)


@given(anything_asked(), st.integers(0, 60))
def test_what_is_worth_nothing_a_moment_later_goes_out_as_soon_as_it_may(case, hours):
    asked, at = case
    until = at + hours * HOUR

    assert at_best(asked, at, until, half_life_us=1) == soon(asked, at, until)


@given(anything_asked(), st.integers(0, 60))
def test_what_loses_nothing_in_a_thousand_years_goes_out_at_the_best_hour(case, hours):
    asked, at = case
    until, millennium = at + hours * HOUR, 365_000 * 24 * HOUR

    assert at_best(asked, at, until, half_life_us=millennium) == at_best(asked, at, until)


@given(anything_asked(), st.integers(0, 60), half_lives, half_lives)
def test_the_faster_it_loses_its_worth_the_sooner_it_goes_out(case, hours, one, other):
    asked, at = case
    until = at + hours * HOUR
    sooner, later = (at_best(asked, at, until, half_life_us=each) for each in sorted((one, other)))

    assert (sooner.due_at or at) <= (later.due_at or at)


@pytest.mark.parametrize(
    ("half_life", "minutes"),
    # At noon now is worth .85, ten o'clock 22 hours later 1: .85 = 2^(-22 h / half-life) at 93.9 hours. Within the day,
    # half past six in the evening is worth .82 at once and never more than now.
    [("93h", 0), ("95h", 22 * 60), ("6h", 0)],
)
def test_now_is_weighed_against_her_hour(half_life, minutes):
    found = verdict(a_trigger(send="best_hour", send_within="1d", half_life=half_life))

    assert (found.reason, found.due_at) == (
        (Reason.PUT_OFF, NOON + minutes * MINUTE) if minutes else (Reason.SENT, None)
    )
