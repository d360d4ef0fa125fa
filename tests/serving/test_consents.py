"""The latest word of each user, and the stricter of two."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.guards import Given
from serving import consents
from serving.consents import hear, join
from serving.lessons import Lesson
from serving.people import People
from tests.serving.databases import a_database

keys = st.tuples(st.sampled_from(["marketing", "news"]), st.sampled_from(["*", "email", "sms"]))
words = st.tuples(keys, st.booleans())


def statement(key, granted):
    return Lesson(consents={key: granted}, is_statement=True)


def effective(said, key):
    found = said.get(key) or said.get((key[0], "*"))
    return found and found.granted


@given(said=st.lists(words, max_size=8), shuffled=st.randoms())
def test_whatever_the_order_of_arrival_the_latest_word_counts(said, shuffled):
    told = list(enumerate(said))
    shuffled.shuffle(told)
    known = {}
    for at, word in told:
        hear(known, statement(*word), at=at)

    for key in {word[0] for word in said}:
        covering = [(at, granted) for at, (of, granted) in enumerate(said) if of in (key, (key[0], "*"))]
        assert effective(known, key) == max(covering)[1]


@given(mine=st.dictionaries(keys, st.booleans()), theirs=st.dictionaries(keys, st.booleans()))
def test_two_ids_of_one_person_are_never_granted_what_one_of_them_refused(mine, theirs):
    one, other = ({key: Given(word, 1, "statement") for key, word in side.items()} for side in (mine, theirs))
    joined = dict(one)
    changed = join(joined, other)

    assert changed == (joined != one)
    for key in {*one, *other}:
        said = [word for word in (effective(one, key), effective(other, key)) if word is not None]
        assert effective(joined, key) == all(said)


@pytest.mark.parametrize(
    ("known", "remembered", "granted"),
    [({}, True, True), ({}, False, False), (True, False, False), (False, True, False), (True, True, True)],
)
def test_what_a_browser_remembers_may_refuse_but_overturns_no_refusal(known, remembered, granted):
    key = ("marketing", "*")
    said = {} if known == {} else {key: Given(known, 1, "statement")}
    hear(said, Lesson(consents={key: remembered}), at=2)

    assert said[key].granted is granted


def test_what_is_written_is_read_again_and_replaces_what_was(tmp_path):
    with a_database(tmp_path) as database, database.begin() as connection:
        people = People(connection)
        people.find(["u"])
        person = people.obtain("u")
        person.changed = True
        people.save()
        first = {("marketing", "*"): Given(True, 5, "context"), ("news", "sms"): Given(False, 6, "statement")}
        consents.write(connection, {person.no: first})
        assert consents.read(connection, [person.no, 99]) == {person.no: first}

        consents.write(connection, {person.no: {("news", "sms"): Given(True, 7, "statement")}})
        assert consents.read(connection, [person.no]) == {person.no: {("news", "sms"): Given(True, 7, "statement")}}
