"""What a trigger may say, and what it means where it says nothing."""

import pytest
from pydantic import ValidationError

from features.kinds import Kind
from features.mapping import EventMapping
from policy.source import PolicyRefused, parse
from tests.policy.test_policy import a_policy, asked


def test_nothing_is_sent_unless_asked_for():
    trigger = a_policy({"name": "a"}).triggers[0]

    assert not trigger.live
    assert not trigger.rehearses


def test_only_a_trigger_that_waits_can_enrol_who_waits_already():
    with pytest.raises(ValidationError, match="enrol needs after or inactive_for"):
        a_policy({"name": "a", "enrol": "existing"})


def test_triggers_with_one_salt_hold_out_the_same_users():
    shared = a_policy({"name": "a", "hold_out": {"salt": "spring"}}, {"name": "b", "hold_out": {"salt": "spring"}})
    apart = a_policy({"name": "a"}, {"name": "b"})

    assert shared.triggers[0].split == shared.triggers[1].split
    assert apart.triggers[0].split != apart.triggers[1].split


def test_triggers_of_one_experiment_hold_out_the_same_users_and_tell_its_name():
    spring = a_policy({"name": "a", "experiment": "spring"}, {"name": "b", "hold_out": "20%", "experiment": "spring"})
    salted, unsaid = a_policy({"name": "a", "hold_out": {"salt": "spring"}}, {"name": "b"}).triggers

    assert spring.triggers[0].split == salted.split
    assert [each.experiment_name for each in spring.triggers] == ["spring", "spring"]
    assert (salted.experiment_name, unsaid.experiment_name) == ("a", "b")


def test_users_are_drawn_by_one_name_only():
    with pytest.raises(ValidationError, match=r"experiment and hold_out\.salt exclude each other"):
        a_policy({"name": "a", "experiment": "spring", "hold_out": {"salt": "summer"}})


def test_a_trigger_may_call_an_event_what_the_shop_calls_it():
    mapping = EventMapping({"events": {"In den Korb": "Product Added"}})
    text = "triggers:\n- {name: a, on: in den Korb, threshold: 0.5, cool_down: 1d}\n"

    policy = parse(text, kind_of=mapping.kind_of)
    assert asked(policy, Kind.PRODUCT_ADDED) == policy.triggers
    assert policy.version == parse(text.replace("in den Korb", "added product")).version
    assert asked(parse(text), Kind.PRODUCT_ADDED) == ()


@pytest.mark.parametrize("field", ["cancel_on: Order Completed", "expires_after: 6h"])
def test_what_is_for_waiting_is_refused_where_nothing_waits(field):
    trigger = f"triggers:\n- {{name: a, on: x, threshold: 0.5, cool_down: 1d, {field}}}\n"

    with pytest.raises(PolicyRefused, match=f"{field.split(':')[0]} needs after, inactive_for, send_within or steps"):
        parse(trigger)
    assert parse(trigger.replace("cool_down", "after: 1h, cool_down")).triggers[0].waits
    assert parse(trigger.replace("cool_down", "send_within: 1h, cool_down")).triggers[0].goes_on
    assert parse(trigger.replace("cool_down", "steps: [{after: 1h}], cool_down")).triggers[0].goes_on
