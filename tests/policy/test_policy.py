"""The policy: which triggers react, and what its version stands for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.kinds import ALIASES, NAMES, Kind, fold_name
from policy.event_names import of_event
from policy.policy import Policy
from policy.source import PolicyRefused, parse


def a_policy(*triggers):
    basics = {"on": "Product Added", "threshold": 0.5, "cool_down": "1d"}
    return Policy.model_validate({"triggers": [basics | each for each in triggers]})


def asked(policy, kind, name=""):
    """Return the triggers that react to an event."""
    return of_event(policy.index, kind, name)


def test_a_trigger_is_found_by_what_it_reacts_to():
    policy = a_policy(
        {"name": "cart"},
        {"name": "both", "on": ["product viewed", "Product Added"]},
        {"name": "own", "on": "Quiz Done"},
    )

    assert [each.name for each in asked(policy, Kind.PRODUCT_ADDED)] == ["cart", "both"]
    assert [each.name for each in asked(policy, Kind.PRODUCT_VIEWED)] == ["both"]
    assert [each.name for each in asked(policy, Kind.OTHER, "quiz-done")] == ["own"]
    assert asked(policy, Kind.ORDER_COMPLETED) == ()
    assert asked(policy, Kind.OTHER, "Quiz Begun") == ()
    assert asked(policy, Kind.OTHER) == ()


def test_two_spellings_of_one_event_ask_once():
    policy = a_policy({"name": "cart", "on": ["Product Added", "Added Product"]})

    assert len(asked(policy, Kind.PRODUCT_ADDED)) == 1


@given(st.sampled_from(sorted(ALIASES)))
def test_every_known_name_reaches_the_triggers_of_its_kind(folded):
    kind = ALIASES[folded]

    assert asked(a_policy({"name": "any", "on": NAMES[kind]}), kind)
    assert asked(a_policy({"name": "any", "on": folded}), kind)


@given(st.text(min_size=1, max_size=30).filter(lambda name: name.strip() and fold_name(name) not in ALIASES))
def test_an_event_without_a_kind_goes_by_its_name(name):
    assert asked(a_policy({"name": "any", "on": name}), Kind.OTHER, name)


def test_the_version_changes_with_every_decision_and_with_nothing_else():
    text = "triggers:\n- {name: a, on: x, threshold: 0.5, cool_down: 1d}\n"
    same = "# a note\ntriggers:\n- cool_down: 24h\n  threshold: 50%\n  name: a\n  on: [x]\n  mode: dry_run\n"

    assert parse(text).version == parse(same).version
    assert len(parse(text).version) == 12
    for other in (
        "0.5->0.6",
        "1d->2d",
        "on: x->on: y",
        "name: a->name: b",
        "1d->1d, mode: live",
        "1d->1d, hold_out: 20%",
        "1d->1d, enrol_per_hour: 10",
    ):
        assert parse(text.replace(*other.split("->"))).version != parse(text).version


def test_live_endpoints_and_horizons_are_known():
    policy = a_policy(
        {"name": "a", "mode": "live", "endpoint": "mail"},
        {"name": "b", "horizon": "7d", "endpoint": "sms"},
        {"name": "c", "mode": "test_profiles", "endpoint": "test"},
    )

    assert policy.endpoints == {"mail", "test"}
    assert policy.horizons == {"24h", "7d"}


def test_two_triggers_of_one_name_are_refused():
    trigger = "- {name: a, on: x, threshold: 0.5, cool_down: 1d}\n"

    with pytest.raises(PolicyRefused) as refused:
        parse(f"triggers:\n{trigger}{trigger}")

    assert str(refused.value) == "triggers.yaml:3: triggers[1].name: two triggers have the same name: a"


def test_a_horizon_that_only_a_condition_looks_at_is_known():
    assert a_policy({"name": "a", "when": {"intent": {"horizon": "7d", "at_least": 0.1}}}).horizons == {"24h", "7d"}
