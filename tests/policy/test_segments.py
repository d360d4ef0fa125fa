"""Segments: what may be one, and when the mere passing of time changes who is in it."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.conditions import Condition
from policy.segments import whole_reads
from policy.sentences import sentence_of_segment
from policy.source import parse
from tests.policy.persons import DAY, HOUR, Person, seen
from tests.policy.test_conditions_law import NOW, conditions, persons
from tests.policy.test_source import problems_of

TEXT = """
segments:
  - name: buyers
    when:
      count: {event: Order Completed, within: 30d, at_least: 1}
  - name: lapsed
    notify: crm
    when:
      all:
        - not: {segment: buyers}
        - visits: {within: 90d, at_least: 1}
triggers:
  - name: win-back
    on: Product Viewed
    threshold: 0%
    cool_down: 0
    when: {segment: lapsed}
"""


def test_a_segment_names_another_and_a_trigger_names_it():
    policy = parse(TEXT)
    lapsed = policy.segments_by_name["lapsed"]

    reads = whole_reads(lapsed.when.reads, policy.segments_by_name)

    assert reads.segments == {"buyers"}
    assert (reads.events, reads.everything, reads.window_us) == ({"Order Completed"}, True, 90 * DAY)
    person = Person(at=100 * DAY, history=[seen("Page Viewed", 99 * DAY)], segments=policy.segments_by_name)
    assert policy.triggers[0].when.holds(person)
    assert sentence_of_segment(lapsed) == (
        "Everybody for whom this is so: it is not so that the person is in the segment buyers, and the person visited "
        "at least 1 time within 90 days; crm is told who enters and who leaves."
    )


def test_a_segment_is_part_of_the_version():
    assert parse(TEXT).version != parse(TEXT.replace("within: 30d", "within: 31d")).version


def test_a_segment_that_there_is_not_is_refused_where_it_is_named():
    assert problems_of(TEXT.replace("segment: lapsed", "segment: lapse")) == [
        "triggers.yaml:17: triggers[0].when.segment: is no segment of this file; did you mean lapsed? (is 'lapse')"
    ]
    assert problems_of(TEXT.replace("segment: buyers", "segment: x"))[0].startswith(
        "triggers.yaml:10: segments[1].when.all[0].not.segment: is no segment of this file"
    )


def test_segments_that_are_part_of_themselves_are_refused():
    circle = TEXT.replace("count: {event: Order Completed, within: 30d, at_least: 1}", "segment: lapsed")

    assert problems_of(circle) == [
        "triggers.yaml:4: segments[0].when: segments go round in a circle: buyers -> lapsed -> buyers"
    ]


def test_two_segments_of_one_name_are_refused():
    twice = problems_of(TEXT.replace("name: lapsed", "name: buyers"))

    assert twice[0] == "triggers.yaml:6: segments[1].name: two segments have the same name: buyers"


@pytest.mark.parametrize(
    "condition",
    [
        "event: {property: price, at_least: 5}",
        "count: {event: Product Viewed, at_least: 2, same: product}",
        "not_since: {event: Order Completed}",
        "not_since: {event: Order Completed, since: Product Viewed, same: product}",
    ],
)
def test_a_segment_asks_about_no_event(condition):
    text = TEXT.replace("count: {event: Order Completed, within: 30d, at_least: 1}", condition)

    assert "triggers.yaml:4: segments[0].when: looks at the event that asks, and in a segment none does" in str(
        problems_of(text)
    )


timeless = conditions.map(Condition.model_validate).filter(
    lambda each: not (each.reads.asking or each.reads.since_event or each.reads.segments)
)


@settings(max_examples=400, deadline=None)
@given(timeless, persons(), st.lists(st.integers(1, 10 * HOUR), max_size=5))
def test_time_alone_changes_no_answer_before_it_lapses(condition, person, later):
    person = replace(person, event=None, history=[each for each in person.history if each.occurred_at <= NOW])
    at = NOW
    for _ in range(20):
        lapses_at = condition.lapses_at(replace(person, at=at))
        until = at + 10 * HOUR if lapses_at is None else lapses_at - 1
        answer = condition.holds(replace(person, at=at))
        for moment in [until, *(at + each for each in later)]:
            if moment <= until:
                assert condition.holds(replace(person, at=moment)) is answer
        if lapses_at is None:
            return
        assert lapses_at > at
        at = lapses_at
