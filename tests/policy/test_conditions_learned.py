"""In which learned segment the person is."""

import pytest

from policy.conditions import Condition
from policy.source import PolicyRefused, parse
from tests.policy.persons import Person


def a_policy(learned, *, more=""):
    return parse(
        f"segments: [{{name: dear, when: {{learned: {learned}}}}}]\n"
        f"triggers: [{{name: a, on: x, threshold: 0, cool_down: 0, when: {{any: [{{learned: {learned}}}{more}]}}}}]\n"
    )


@pytest.mark.parametrize(
    ("asked", "found", "holds"),
    [
        ({"rfm": ["champions", "loyal"]}, {"rfm": "loyal"}, True),
        ({"rfm": ["champions", "loyal"]}, {"rfm": "new"}, False),
        ({"rfm": ["champions"]}, {"clusters": "champions"}, False),
        ({"clusters": ["few-visits"]}, {"rfm": "new", "clusters": "few-visits"}, True),
        ({"clusters": ["few-visits"]}, {}, False),
    ],
)
def test_it_holds_for_whoever_is_in_one_of_them(asked, found, holds):
    assert Condition.model_validate({"learned": asked}).holds(Person(in_learned=found)) is holds


def test_it_is_said_in_words():
    condition = Condition.model_validate({"learned": {"rfm": ["champions", "loyal"]}})

    assert condition.sentence() == "they are, by their orders, one of: champions, loyal"


@pytest.mark.parametrize(
    ("learned", "why"),
    [
        ("{rfm: [champion]}", "segments[0].when.learned.rfm[0]: is no segment of rfm; did you mean champions?"),
        ("{rfm: [xyz]}", "is no segment of rfm; there are never-bought, about-to-sleep"),
        ("{}", "segments[0].when.learned: names segments of one family: rfm, or clusters"),
        ("{rfm: [new], clusters: [a]}", "names segments of one family"),
        ("{clusters: []}", "segments[0].when.learned.clusters"),
        ("{clusters: [Not A Name]}", "segments[0].when.learned.clusters[0]"),
        ("{kmeans: [a]}", "segments[0].when.learned.kmeans: is not a field we know"),
    ],
)
def test_what_names_no_segment_is_refused_with_its_place(learned, why):
    with pytest.raises(PolicyRefused) as refused:
        a_policy(learned)

    assert why in str(refused.value)


def test_a_trigger_names_ten_segments_at_most():
    ten = f"{{clusters: [{', '.join(f'a{i}' for i in range(10))}]}}"

    assert len(a_policy(ten).learned) == 10
    with pytest.raises(PolicyRefused, match="triggers: a names 11 segments, and 10 are the most that one may name"):
        a_policy(ten, more=", {segment: dear}")


def test_a_policy_knows_which_it_names():
    assert a_policy("{rfm: [new]}", more=", {not: {learned: {clusters: [b]}}}").learned == {"rfm/new", "clusters/b"}


def test_whoever_is_in_such_a_segment_is_looked_at_with_each_of_their_events():
    assert a_policy("{rfm: [new]}").segment_rules.watched == {"dear"}
