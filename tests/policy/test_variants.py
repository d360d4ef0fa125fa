"""The same policy with something changed."""

from policy.source import parse
from policy.trigger_fields import Mode
from policy.variants import all_live, alone, live

POLICY = """
shop_zone: Europe/Berlin
triggers:
  - {name: a, on: Product Added, threshold: 0, cool_down: 1d, hold_out: {share: 50%, salt: s}}
  - {name: b, on: Order Completed, threshold: 0, cool_down: 1d, class: transactional}
"""


def test_a_live_one_is_live_in_all_that_was_derived_before():
    [trigger, _] = parse(POLICY).triggers
    assert not trigger.live
    assert trigger.split.assign("u")

    changed = live(trigger, hold_out=False)

    assert changed.live
    assert changed.cool_down_key == "a"
    assert [each.arm for _, each in changed.split.parts] == ["treatment"]
    assert live(trigger).split.parts == trigger.split.parts
    assert trigger.mode is Mode.DRY_RUN


def test_all_are_live_and_the_policy_is_another():
    policy = parse(POLICY)
    before = policy.version

    changed = all_live(policy)

    assert [each.live for each in changed.triggers] == [True, True]
    assert changed.triggers[1].message_class == "transactional"
    assert changed.version != before == policy.version


def test_one_alone_keeps_what_is_said_for_all():
    policy = parse(POLICY)
    assert len(policy.index) == 2

    changed = alone(policy, policy.triggers[1])

    assert [each.name for each in changed.triggers] == ["b"]
    assert changed.shop_zone == "Europe/Berlin"
    assert set(changed.index) == set(parse(POLICY).index) - set(alone(policy, policy.triggers[0]).index)
