"""What waits for its moment, and the room that caps leave beside it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.caps import Sent
from policy.decide import Facts, decide
from policy.findings import Finding, findings
from policy.guards import Guards, Standing
from policy.moment import at_best, soon
from policy.pending import room_from
from policy.reasons import Reason
from policy.runs import Run
from policy.send_hours import PRIOR
from policy.timing import to_come
from policy.triggers import Trigger
from tests.policy.test_moment import HOUR, MINUTE, NOON, against, anything_asked, local_hour


def a_trigger(**fields):
    basics = {"name": "t", "on": "x", "threshold": 0, "cool_down": 0, "hold_out": 0, "mode": "live"}
    return Trigger.model_validate(basics | {"guards": {"cap": {"count": 1, "window": "3h"}}} | fields)


def asked(trigger, *pending, run=None):
    """The verdict on somebody in UTC for whom this is pending, minutes after noon, and what the guards said."""
    waiting = [Sent(NOON + minutes * MINUTE, "webhook", "other") for minutes in pending]
    standing, run = Standing(timezone="UTC"), run or Run()
    facts = Facts("ada", NOON, NOON, {"24h": 0.5}, {}, standing=standing, pending=lambda _trigger, _key: waiting)
    verdict = decide(trigger, facts, run)
    return verdict, findings(trigger, facts, run, verdict)


def minute_of(verdict):
    return None if verdict.due_at is None else (verdict.due_at - NOON) // MINUTE


@pytest.mark.parametrize(
    ("pending", "minutes"),
    [((), 0), ((60,), 240), ((179,), 359), ((180,), 0), ((60, 300), 480), ((60, 420), 240), ((60, 360), 540)],
    ids=[
        *("nothing", "it would use up what is pending", "to the last minute", "far enough", "one after the other"),
        *("between two", "no room between two"),
    ],
)
def test_it_goes_out_as_soon_as_caps_leave_room_beside_what_is_pending(pending, minutes):
    verdict, said = asked(a_trigger(send_within="10h"), *pending)

    if minutes == 0:
        assert (verdict.reason, [each for each in said if each.objection]) == (Reason.SENT, [])
    else:
        assert (verdict.reason, minute_of(verdict)) == (Reason.PUT_OFF, minutes)
        assert [each for each in said if each.objection] == [Finding("pending", None, Reason.CAPPED)]


def test_where_nothing_is_left_in_time_it_is_held_as_capped():
    verdict, said = asked(a_trigger(send_within="2h"), 60)

    assert (verdict.reason, verdict.due_at, verdict.channels) == (Reason.CAPPED, None, ())
    assert Finding("pending", None, Reason.CAPPED) in said


def test_what_has_its_place_keeps_it():
    verdict, _ = asked(a_trigger(send_within="10h"), 60, run=Run(is_due=True, first_at=NOON - HOUR))

    assert verdict.reason is Reason.SENT


def test_what_seeks_no_moment_or_has_no_cap_does_not_ask_what_is_pending():
    def unasked(_trigger, _key):
        raise AssertionError

    facts = Facts("ada", NOON, NOON, {"24h": 0.5}, {}, standing=Standing(timezone="UTC"), pending=unasked)

    assert decide(a_trigger(), facts).reason is Reason.SENT
    assert decide(a_trigger(send_within="10h", guards={"consent": "none"}), facts).reason is Reason.SENT


def test_a_better_hour_counts_only_where_there_is_room():
    trigger = a_trigger(send="best_hour", send_within="2d", guards={"cap": {"count": 1, "window": "3h"}})
    free, said_free = asked(trigger)
    taken, said = asked(trigger, 22 * 60)
    in_the_way, said_in_the_way = asked(trigger, 60)

    assert minute_of(free) == 22 * 60  # ten o'clock
    assert minute_of(taken) == 46 * 60  # ten o'clock a day later
    assert said_free[-1] == said[-1] == Finding("best_hour", None, Reason.PUT_OFF)
    assert minute_of(in_the_way) == 22 * 60
    assert said_in_the_way[-2:] == (Finding("pending", None, Reason.CAPPED), Finding("best_hour", None, None))


def test_chance_draws_among_the_hours_with_room_alone():
    trigger = a_trigger(send="best_hour", send_within="6h", explore={"hours": "100%"})
    verdict, _ = asked(trigger, 60)

    assert verdict.draws.hour.eligible == (16, 17, 18)
    assert verdict.draws.hour.probability == pytest.approx(1 / 3)


def test_a_channel_that_has_no_room_is_passed_over():
    guards = {"consent": "none", "cap_per_channel": {"count": 1, "window": "3h"}}
    prefers = a_trigger(send_within="10h", channel={"prefer": ["webhook", "sms"]}, guards=guards)
    both = a_trigger(send_within="10h", channel={"together": ["sms", "webhook"]}, guards=guards)

    assert asked(prefers, 60)[0].channels == asked(both, 60)[0].channels == ("sms",)
    assert asked(both)[0].channels == ("sms", "webhook")


def test_a_channel_without_consent_does_not_hide_that_another_has_no_room():
    trigger = a_trigger(
        send_within="1h", channel={"prefer": ["email", "webhook"]}, guards={"cap": {"count": 1, "window": "3h"}}
    )
    verdict, said = asked(trigger, 60)

    assert verdict.reason is Reason.NO_CONSENT
    assert Finding("pending", None, Reason.CAPPED) in said


def test_of_several_together_each_leaves_less_room_to_the_next():
    guards = {"consent": "none", "cap": {"count": 2, "window": "3h"}}
    both = a_trigger(send_within="10h", channel={"together": ["sms", "email"]}, guards=guards)

    assert asked(both, 60)[0].channels == ("sms",)


def leaves_room(guards, found, channel, at):
    """Whether no stretch of time that holds a message of `t` then has more of them than a cap allows."""
    of = {
        "cap": found,
        "cap_per_channel": [each for each in found if each.channel == channel],
        "cap_per_trigger": [each for each in found if each.trigger == "t"],
    }
    named = [(getattr(guards, name), messages) for name, messages in of.items()]
    return all(cap is None or fits(cap, messages, at) for cap, messages in named)


def fits(cap, messages, at):
    moments = [at, *(each.at for each in messages)]
    ends = [each for each in moments if at <= each < at + cap.window_us]
    return all(sum(end - cap.window_us < each <= end for each in moments) <= cap.count for end in ends)


def has_room(asked, at):
    """Whether there is room on a channel on which nothing else stands against the message."""
    free = (each for each, why in zip(asked.free, against(asked, at), strict=True) if why is None)
    return any(leaves_room(asked.guards, [*asked.standing.sends, *asked.pending], each, at) for each in free)


def pending_from(at, first, last):
    """Draw what is pending between so many minutes later."""
    moments = st.integers(first, last).map(lambda minutes: at + minutes * MINUTE)
    return st.lists(
        st.builds(Sent, moments, st.sampled_from(["email", "sms"]), st.sampled_from(["t", "other"])),
        min_size=1,
        max_size=4,
    )


@given(anything_asked(), st.integers(0, 60), st.data())
def test_no_moment_is_chosen_at_which_caps_leave_no_room_beside_what_is_pending(case, hours, data):
    (asked, at), until = case, case[1] + hours * HOUR
    asked = asked._replace(pending=data.draw(pending_from(at, 0, 60 * 60)))
    free = [each for each in range(at, until + 1, 5 * MINUTE) if has_room(asked, each)]
    first, best = soon(asked, at, until), at_best(asked, at, until)

    for moment in (first, best):
        chosen = at if moment.channels else moment.due_at
        assert (chosen is None and free == []) or (at <= chosen <= until and has_room(asked, chosen))
    if first.due_at is not None:
        assert not any(has_room(asked, each) for each in range(at, first.due_at, 5 * MINUTE))
    if free:
        chosen = at if best.channels else best.due_at
        assert all(PRIOR[local_hour(each, asked)] <= PRIOR[local_hour(chosen, asked)] for each in free)


@given(anything_asked(), st.integers(0, 60), st.data())
def test_what_is_pending_too_far_away_to_matter_changes_nothing(case, hours, data):
    (asked, at), until = case, case[1] + hours * HOUR
    # No window is longer than 5000 minutes.
    far = asked._replace(pending=data.draw(pending_from(until, 5000, 9000)))

    assert soon(far, at, until) == soon(asked, at, until)
    assert at_best(far, at, until) == at_best(asked, at, until)


caps = st.builds(lambda n, h: {"count": n, "window": f"{h}h"}, st.integers(1, 3), st.integers(1, 6))
messages = st.lists(
    st.builds(Sent, st.integers(-8, 12).map(lambda h: NOON + h * HOUR), st.sampled_from("ab"), st.sampled_from("tu")),
    max_size=7,
)


@given(st.fixed_dictionaries({}, optional={"cap": caps, "cap_per_channel": caps, "cap_per_trigger": caps}), messages)
def test_nothing_fits_before_the_first_moment_with_room(given_caps, found):
    guards = Guards.model_validate(given_caps)
    sent, pending = [each for each in found if each.at <= NOON], [each for each in found if each.at > NOON]
    of = guards, Standing(sends=sent), pending

    def from_(at):
        return room_from(*of, channel="a", trigger="t", at=at)

    def has_room(at):
        return leaves_room(guards, found, "a", at)

    for at in range(NOON, NOON + 30 * HOUR, HOUR // 2):
        assert (from_(at) == at) == has_room(at)
        assert not any(has_room(each) for each in range(at, from_(at), HOUR // 2))


def test_what_is_put_off_counts_as_its_step_is_sent():
    steps = [{"after": "1h", "channel": {"together": ["sms", "email"]}}]
    trigger = a_trigger(channel={"prefer": ["push", "sms"]}, steps=steps, send_within="1h")

    assert to_come(trigger, 0, 7, excluded=None) == (Sent(7, "push", "t"),)
    assert to_come(trigger, 1, 7, excluded=None) == (Sent(7, "sms", "t"), Sent(7, "email", "t"))


@pytest.mark.parametrize(
    ("fields", "excluded", "counted"),
    [
        ({"mode": "live"}, None, 1),
        ({"mode": "dry_run"}, None, 0),
        ({"mode": "test_profiles"}, None, 0),
        ({"mode": "test_profiles"}, "test", 1),
        ({"class": "transactional"}, None, 0),
    ],
)
def test_only_what_caps_will_count_is_pending(fields, excluded, counted):
    assert len(to_come(a_trigger(send_within="1h", guards={}, **fields), 0, 7, excluded=excluded)) == counted
