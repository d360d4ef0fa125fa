"""Reading a policy file: everything wrong in it is named with its place."""

from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from policy.source import PolicyRefused, load, parse, remarks

SHIPPED = Path(__file__).parents[2] / "triggers.yaml"


def problems_of(text):
    with pytest.raises(PolicyRefused) as refused:
        parse(text)
    return str(refused.value).splitlines()


def test_the_shipped_file_is_a_policy_that_sends_nothing_yet():
    policy = load(SHIPPED)

    assert policy.triggers
    assert not any(each.live for each in policy.triggers)
    assert remarks(policy) == []


def test_each_problem_is_named_with_line_and_field():
    text = """\
triggers:
  - name: Warm Cart
    on: Product Added
    treshold: 25%
    cool_down: 7
    hold_out:
      share: 120%
    mode: lively
"""
    assert problems_of(text) == [
        "triggers.yaml:2: triggers[0].name: must be made of lower-case letters, digits, - and _ (is 'Warm Cart')",
        "triggers.yaml:2: triggers[0].threshold: is missing",
        "triggers.yaml:4: triggers[0].treshold: is not a field we know; did you mean threshold?",
        "triggers.yaml:5: triggers[0].cool_down: must be a number with a unit, such as 30 min, 24h or 7d (is 7)",
        "triggers.yaml:7: triggers[0].hold_out.share: must be less than 1 (is 1.2)",
        "triggers.yaml:8: triggers[0].mode: must be 'live', 'dry_run' or 'test_profiles' (is 'lively')",
    ]


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        (["hold_out: 0", "cancel_on: Order Completed"], "7: triggers[0]: cancel_on needs after"),
        (["experiment: e", "hold_out: {salt: s}"], "6: triggers[0]: experiment and hold_out.salt exclude each other"),
        (
            ["guards:", "  quiet_hours:", '    from: "08:00"', '    to: "08:00"'],
            "8: triggers[0].guards.quiet_hours: from",
        ),
        (["content: hello"], "6: triggers[0].content: must be a block of fields, not 'hello'"),
        (["priority: high"], "6: triggers[0].priority: must be a whole number (is 'high')"),
        (["steps: [{after: 0}]"], "6: triggers[0].steps[0].after: must be greater than 0 seconds (is 0 seconds)"),
    ],
)
def test_what_is_wrong_with_a_block_is_named_by_the_line_it_begins_with(fields, place):
    lines = [
        "triggers:",
        "- name: a",
        "  on: x",
        "  threshold: 0.1",
        "  cool_down: 1d",
        *(f"  {each}" for each in fields),
    ]

    assert problems_of("\n".join(lines))[0].startswith(f"triggers.yaml:{place}")


def test_a_field_given_twice_is_refused_where_yaml_would_keep_the_last():
    text = "triggers:\n- name: a\n  on: x\n  threshold: 0.1\n  cool_down: 1d\n  threshold: 0.9\n"

    assert problems_of(text) == ["triggers.yaml:6: triggers[0].threshold: is given twice, first on line 4"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("triggers: [", "triggers.yaml:1: not valid YAML"),
        ("format: 1\ntriggers:\n\t- x", "triggers.yaml:3: not valid YAML"),
        ("- a", "triggers.yaml:1: must be a block of fields"),
        ("format: 2", "triggers.yaml:1: format: must be 1"),
        ("triggers: 5", "triggers.yaml:1: triggers: must be a list"),
        ("trigger: []", "triggers.yaml:1: trigger: is not a field we know; did you mean triggers?"),
        ("format: 1\ntriggers:\n- 5", "triggers.yaml:3: triggers[0]: must be a block of fields"),
        ("? [a, b]\n: 3", "triggers.yaml:1: not valid YAML"),
        ("triggers: !!python/object/apply:os.system [echo]", "triggers.yaml:1: not valid YAML"),
        ("format: 1\n# \0", "triggers.yaml:2: not valid YAML"),
        ("[" * 1500, "triggers.yaml:1: not valid YAML"),
        ("triggers: &a [*a]", "triggers.yaml:1: not valid YAML"),
        ("--- 1\n--- 2", "triggers.yaml:2: not valid YAML"),
    ],
)
def test_what_is_no_policy_at_all_is_refused_with_its_place(text, place):
    assert problems_of(text)[0].startswith(place)


def test_on_is_a_field_and_not_a_truth_value():
    assert parse("triggers:\n- {name: a, on: x, threshold: 1, cool_down: 1d}").triggers[0].on == ("x",)


def test_an_empty_file_is_a_policy_without_triggers():
    assert parse("# nothing yet\n").triggers == ()


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(PolicyRefused, match="cannot be read"):
        load(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"# caf\xe9")
    with pytest.raises(PolicyRefused, match=r"latin.yaml:1: cannot be read"):
        load(tmp_path / "latin.yaml")


def test_an_event_that_is_almost_a_known_one_is_remarked_on():
    policy = parse("triggers:\n- {name: a, on: Prodcut Added, threshold: 1, cool_down: 1d}")

    assert remarks(policy) == [
        "trigger a reacts to 'Prodcut Added', which is not a known event; did you mean 'Product Added'?"
    ]


def test_an_event_in_a_condition_is_remarked_on_too():
    policy = parse(
        "triggers:\n- {name: a, on: x, threshold: 1, cool_down: 1d, when: {count: {event: Prodcut Added, exactly: 1}}}"
    )

    assert remarks(policy) == [
        "trigger a looks for 'Prodcut Added', which is not a known event; did you mean 'Product Added'?"
    ]


def test_an_event_in_the_condition_of_a_step_is_remarked_on_too():
    policy = parse(
        "triggers:\n- {name: a, on: x, threshold: 1, cool_down: 1d,"
        " steps: [{after: 1d, when: {count: {event: Prodcut Added, exactly: 1}}}]}"
    )

    assert remarks(policy) == [
        "trigger a looks for 'Prodcut Added', which is not a known event; did you mean 'Product Added'?"
    ]


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
contents = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(st.dictionaries(st.sampled_from(["name", "on", "threshold", "cool_down", "hold_out", "mode", "x"]), contents))
def test_whatever_a_trigger_holds_it_loads_or_is_refused_with_a_place(content):
    text = yaml.safe_dump({"triggers": [content]})
    problems = ()
    try:
        parse(text)
    except PolicyRefused as refused:
        problems = refused.problems
    assert all(1 <= each.line <= text.count("\n") for each in problems)


@given(st.text())
def test_whatever_the_text_it_loads_or_is_refused(text):
    with suppress(PolicyRefused):
        parse(text)
