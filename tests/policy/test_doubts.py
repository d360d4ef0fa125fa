"""What a policy can hardly mean."""

import json
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.doubts import doubts
from policy.source import parse

UNLIKELY = "steps: [{after: 1h, when: {intent: {at_most: 40%}}"


def doubted(*triggers):
    basics = {"on": "Product Viewed", "cool_down": "7d"}
    unsaid = [", ".join(f"{name}: {value}" for name, value in basics.items() if f" {name}:" not in t) for t in triggers]
    lines = "".join(f"- {{name: {'abcde'[n]}, {unsaid[n]}, {each}}}\n" for n, each in enumerate(triggers))
    return doubts(parse(f"triggers:\n{lines}"))


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ("threshold: 100%", "never fires: its threshold is 100 %"),
        ("threshold: 0.1, when: {event: {property: p, more_than: 5, at_most: 5}}", "never fires: nothing is both"),
        (
            "threshold: 0.1, when: {all: [{feature: {name: orders, at_least: 5}}, {feature: {name: orders, is: 2}}]}",
            "never fires: nothing is both “orders is 2” and",
        ),
        ("threshold: 50%, when: {intent: {at_most: 40%}}", "never fires"),
        ("threshold: 0.1, when: {count: {event: Product Viewed, at_most: 0, within: 1d}}", "never fires"),
        (
            "threshold: 0, when: {any: [{count: {event: x, at_most: 0, exactly: 1}}, {intent: {less_than: 0}}]}",
            "never fires",
        ),
        ("threshold: 0.1, when: {not_since: {event: Order Completed}}", "asks what happened since its own event"),
        ("threshold: 0.1, steps: [{after: 1h, threshold: 100%}]", "never fires at step 1: its threshold is 100 %"),
        (
            f"threshold: 0, {UNLIKELY}, branches: [{{when: {{intent: {{at_least: 50%}}}}}}]}}]",
            "never goes one way of step 1: nothing is both",
        ),
        ("threshold: 0.1, max_event_age: 0", "never fires: max_event_age leaves an event no time"),
        ("threshold: 0.1, after: 1h, expires_after: 0", "never decides what waited"),
        ("threshold: 0.1, guards: {not_while_browsing: true}", "never fires: 0 seconds after an event of a visit"),
        ("threshold: 0.1, after: 29 min, guards: {not_while_browsing: true}", "never fires: 29 minutes after"),
        ("threshold: 0.1, on: Order Completed, after: 1d, guards: {gap_after_purchase: 2d}", "never fires: its own"),
        ("threshold: 0.1, send_within: 8h", "puts nothing off: send_within is for moments"),
        ("threshold: 0.1, class: transactional, send_within: 8h, send: best_hour", "puts nothing off: a transactional"),
    ],
)
def test_the_impossible_is_doubted(fields, why):
    (doubt,) = doubted(fields)

    assert doubt.startswith(f"trigger a {why}")


@pytest.mark.parametrize(
    "fields",
    [
        "threshold: 99%",
        "threshold: 50%, when: {intent: {horizon: 7d, at_most: 40%}}",
        "threshold: 0.1, when: {count: {event: Product Viewed, at_most: 0, same: product}}",
        "threshold: 0.1, when: {any: [{count: {event: x, less_than: 0}}, {count: {event: x, at_most: 0}}]}",
        "threshold: 0, when: {all: [{feature: {name: orders, at_least: 5}}, {not: {feature: {name: orders, is: 5}}}]}",
        "threshold: 0.1, after: 1h, when: {not_since: {event: Order Completed}}",
        "threshold: 1, class: transactional",
        "threshold: 0.1, send_within: 8h, send: best_hour",
        "threshold: 0.1, after: 30 min, guards: {not_while_browsing: true}",
        "threshold: 0.1, on: Email Opened, guards: {not_while_browsing: true}",
        "threshold: 0.1, on: '*', guards: {not_while_browsing: true}",
        "threshold: 0.1, on: Order Completed, after: 2d, guards: {gap_after_purchase: 2d}",
        "threshold: 0.1, on: [Order Completed, Product Viewed], guards: {gap_after_purchase: 2d}",
        "threshold: 0, class: transactional, on: Order Completed, guards: {gap_after_purchase: 2d}",
        "threshold: 0.1, send_within: 8h, guards: {not_while_browsing: true}",
        f"threshold: 0, {UNLIKELY}, branches: [{{when: {{intent: {{at_least: 30%}}}}}}]}}]",
    ],
)
def test_the_possible_is_not(fields):
    assert doubted(fields) == []


def test_a_trigger_below_one_that_always_fires_with_it_is_shadowed():
    wide, narrow = "threshold: 20%", "threshold: 30%, when: {count: {event: x, at_least: 3}}"

    assert doubted(wide, narrow) == [
        "trigger b is shadowed by a: whenever it would fire, a would, to the same person",
    ]
    assert doubted(narrow, wide) == []
    assert doubted(wide, f"{narrow}, channel: email") == []
    assert doubted("threshold: 20%, when: {count: {event: x, at_least: 2}}", narrow)
    assert not doubted("threshold: 20%, when: {count: {event: x, at_least: 4}}", narrow)


def test_of_several_triggers_that_shadow_one_the_first_is_named():
    assert [each.split(":")[0] for each in doubted("threshold: 20%", "threshold: 10%", "threshold: 30%")] == [
        "trigger c is shadowed by a"
    ]


COUNTS = st.sampled_from(["x", "y"]).flatmap(
    lambda event: st.integers(1, 3).map(lambda n: {"count": {"event": event, "at_least": n}})
)
PARTS = COUNTS | st.just({"not_since": {"event": "z", "since": "x"}})
WHENS = (
    st.none()
    | PARTS
    | st.fixed_dictionaries({"all": st.lists(PARTS, min_size=1, max_size=3)})
    | (st.fixed_dictionaries({"any": st.lists(PARTS, min_size=1, max_size=3)}))
)
ONES = st.fixed_dictionaries(
    {
        "threshold": st.sampled_from([0.1, 0.2]),
        "on": st.sampled_from([["x"], ["y"], ["x", "y"], ["*"]]),
        "channel": st.sampled_from(["email", "sms"]),
        "when": WHENS,
    }
)


@given(st.lists(ONES, min_size=2, max_size=5))
def test_whatever_shadows_a_trigger_by_itself_is_found_among_others(ones):
    def shadow(*chosen):
        """Return which of these the last of them is shadowed by."""
        names = ("threshold", "on", "channel", "when")
        fields = [", ".join(f"{name}: {json.dumps(one[name])}" for name in names if one[name]) for one in chosen]
        begins = f"trigger {'abcde'[len(chosen) - 1]} is shadowed by "
        return [each.removeprefix(begins)[0] for each in doubted(*fields) if each.startswith(begins)]

    alone = [name for name, each in zip("abcde", ones[:-1], strict=False) if shadow(each, ones[-1])]

    assert shadow(*ones) == alone[:1]


def test_a_thousand_triggers_are_not_looked_at_each_with_each_other():
    alike = "on: x, cool_down: 0, threshold: 0.1"
    lines = [f"- {{name: t{n}, {alike}, when: {{count: {{event: x{n}, at_least: 3}}}}}}\n" for n in range(1000)]
    policy = parse(f"triggers:\n{''.join(lines)}- {{name: last, {alike}, when: {{count: {{event: x7, at_least: 4}}}}}}")
    begin = process_time()

    assert [each.split(":")[0] for each in doubts(policy)] == ["trigger last is shadowed by t7"]
    # It took ten seconds.
    assert process_time() - begin < 2


def test_live_marketing_without_cap_and_quiet_hours_is_unguarded():
    assert [each.split(":")[0] for each in doubted("threshold: 0.1, mode: live, channel: sms")] == [
        "trigger a is unguarded",
        "trigger a is unguarded",
    ]
    guards = 'guards: {cap: {count: 1, window: 1d}, quiet_hours: {from: "21:00", to: "8:00"}}'
    assert doubted(f"threshold: 0.1, mode: live, channel: sms, {guards}") == []
    assert doubted("threshold: 0.1, mode: live, channel: sms, class: transactional") == []
    assert doubted("threshold: 0.1, channel: sms") == []
    one = "threshold: 0.1, mode: live, channel: {prefer: [webhook, sms]}"
    assert [each.split(" without")[0] for each in doubted(one)] == [
        "trigger a is unguarded: it sends marketing by sms"
    ] * 2


def test_a_segment_that_nobody_can_be_in_is_named():
    policy = parse(
        """
        segments:
          - name: nobody
            when:
              all:
                - visits: {within: 7d, at_least: 5}
                - visits: {within: 7d, exactly: 2}
        triggers: []
        """
    )

    [doubt] = doubts(policy)
    assert doubt.startswith("segment nobody has nobody in it: nothing is both “the person visited exactly 2 times")
