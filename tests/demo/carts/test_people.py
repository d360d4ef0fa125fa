"""What is made up of people is the same in each run, as often as its share says, and writes to nobody."""

from collections import Counter

import pytest

from demo.carts.people import AGREED, MAILBOXES, READS, address, drawn, minutes, user_id, visitor_of


@pytest.mark.parametrize("shares", [AGREED, MAILBOXES, READS])
def test_each_word_is_drawn_as_often_as_its_share_says(shares):
    assert sum(shares.values()) == pytest.approx(1.0)

    drawn_ = Counter(drawn(shares, "test", str(number)) for number in range(10_000))

    assert {word: drawn_[word] / 10_000 for word in shares} == pytest.approx(shares, abs=0.02)


def test_the_same_person_always_does_the_same():
    assert len({drawn(READS, "reads", "v-1", "a subject") for _ in range(5)}) == 1
    assert all(2 <= minutes(str(visitor), "a subject") < 90 for visitor in range(1000))


def test_addresses_are_of_a_domain_that_is_reserved_for_examples():
    assert address("42").endswith("@example.com")
    assert {visitor_of(each) for each in (address("42"), user_id("42"), "42")} == {"42"}
