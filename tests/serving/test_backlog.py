"""Items are taken in the order in which they came, as many together as make a reasonable transaction."""

import pytest

from serving import backlog
from serving.backlog import Backlog, answer_all
from serving.errors import Overloaded
from serving.items import Arrival, Due, Job, Question


def questions(count, users=1):
    return [Question([(f"u{n}", None)] * users) for n in range(count)]


def filled(*items):
    made = Backlog()
    for each in items:
        made.add(each)
    return made


def taken(waiting):
    """Return the items of each batch until nothing waits."""
    batches = []
    while batch := [item for item, _ in waiting.take()]:
        batches.append(batch)
    return batches


async def test_whatever_waits_makes_one_batch_in_the_order_of_arrival():
    items = [*questions(3), Arrival([]), Due()]

    assert taken(filled(*items)) == [items]


async def test_a_batch_is_full_by_the_people_it_speaks_of_and_holds_one_item_at_least(monkeypatch):
    monkeypatch.setattr(backlog, "MOST_IN_A_BATCH", 10)
    small, large = questions(3, users=4), questions(1, users=25)

    assert taken(filled(*large, *small)) == [large, small]


async def test_what_must_be_alone_is_alone():
    first, last, alone = *questions(2), Job(lambda _: None, alone=True)

    assert taken(filled(first, alone, alone, last)) == [[first], [alone], [alone], [last]]


async def test_nobody_gets_in_where_too_many_wait_but_what_nobody_asked_for(monkeypatch):
    monkeypatch.setattr(backlog, "MOST_WAITING", 2)
    waiting = filled(*questions(2))
    with pytest.raises(Overloaded):
        waiting.add(Due())
    waiting.add_unasked(Due())

    assert len(waiting) == 3


async def test_answers_and_errors_reach_those_who_still_wait():
    waiting = filled(*questions(3))
    batch = waiting.take()
    first, second, third = (future for _, future in batch)
    second.cancel()
    answer_all(batch, ["one", "two", ValueError("three")])

    assert first.result() == "one"
    assert str(third.exception()) == "three"


async def test_what_is_put_back_is_taken_first_in_its_old_order():
    items = questions(4, users=2)
    waiting = filled(*items[:3])
    put_off = waiting.take()
    waiting.add(items[3])
    waiting.put_back(put_off)

    assert waiting.people == 8
    assert taken(waiting) == [items]
