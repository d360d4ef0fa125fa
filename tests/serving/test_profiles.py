"""The newest word on each field counts, in whatever order words arrive and whichever id they are told of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from serving.database import for_writing
from serving.history_append import append_history
from serving.profiles import LONGEST_VALUE, MOST_FIELDS, Told, _join
from tests.serving.engines import SECOND, START, Shop, event, shop

__all__ = ["shop"]
PROFILES = "SELECT user_key, field, value FROM profiles JOIN users USING (user_no) ORDER BY user_key, field"
GOLD = """
format: 1
triggers:
  - name: gold
    on: [Product Added, Identified]
    when: {profile: {field: tier, is: gold}}
    horizon: 24h
    threshold: 0%
    cool_down: 1s
    mode: live
  - name: in-town
    on: Product Added
    when: {profile: {field: address.city, is: Bonn}}
    horizon: 24h
    threshold: 0%
    cool_down: 1s
    mode: live
"""


def told(at, user="u", *, anonymous=None, **traits):
    ids = {"anonymousId": anonymous} if anonymous else {}
    return event("", user, at, type="identify", traits=traits, **ids)


def test_of_what_was_told_the_newest_counts_and_of_equals_what_arrived_last():
    profile = {}
    _join(profile, {"tier": Told('"gold"', 2)})
    _join(profile, {"tier": Told('"iron"', 1), "name": Told('"Ann"', 1)})
    _join(profile, {"name": Told('"Bea"', 1)})

    assert profile == {"tier": Told('"gold"', 2), "name": Told('"Bea"', 1)}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9), st.integers(0, 5)), unique_by=lambda x: x[:2]))
def test_the_order_of_arrival_does_not_matter(words):
    forth, back = {}, {}
    for profile, order in ((forth, words), (back, words[::-1])):
        for field, at, value in order:
            _join(profile, {field: Told(str(value), at)})

    assert forth == back


async def test_traits_are_kept_by_when_they_were_told_and_null_takes_one_back(shop):
    await shop.engine.ingest([told(10, tier="gold", name="Ann", age=41)])
    await shop.engine.ingest([told(5, tier="iron"), told(20, name=None), told(15, name="Bea")])
    await shop.engine.ingest([event("Product Viewed", "u", 30, context={"traits": {"age": 42}})])

    assert shop.rows(PROFILES) == [("u", "age", "42"), ("u", "name", "null"), ("u", "tier", '"gold"')]


async def test_what_has_a_place_of_its_own_is_not_kept_twice(shop):
    traits = {"email": "a@b.example", "phone": "123", "timezone": "Europe/Berlin", "consents": {"marketing": True}}
    await shop.engine.ingest([told(1, **traits)])

    assert shop.rows(PROFILES) == []
    assert shop.rows("SELECT timezone FROM users") == [("Europe/Berlin",)]
    assert len(shop.rows("SELECT * FROM addresses")) == 2


async def test_what_is_huge_or_much_is_bounded(shop):
    fields = {f"f{i:03}": i for i in range(MOST_FIELDS + 20)}
    await shop.engine.ingest([told(1, bio="short", nested={"a": [1, {"b": 2}]})])
    await shop.engine.ingest([told(2, bio="x" * LONGEST_VALUE, **{"n" * 101: 1})])
    await shop.engine.ingest([told(3, **fields)])
    found = {field: value for _, field, value in shop.rows(PROFILES)}

    assert (found["bio"], found["nested"]) == ("null", '{"a":[1,{"b":2}]}')
    assert len(found) == MOST_FIELDS


async def test_a_group_has_traits_of_its_own(shop):
    await shop.engine.ingest([event("", "u", 1, type="group", groupId="g", traits={"employees": 7})])

    assert shop.rows(PROFILES) == []


async def test_a_link_brings_what_was_told_of_the_other_id_the_newer_of_two(shop):
    await shop.engine.ingest(
        [
            event("Product Viewed", None, 1, anonymousId="a", context={"traits": {"tier": "iron", "name": "Ann"}}),
            told(2, tier="gold"),
            told(3, anonymous="a"),
        ]
    )
    await shop.engine.ingest([event("", "w", 9, type="alias", previousId="u"), told(8, "w", name="Bea")])

    assert shop.rows(PROFILES) == [("w", "name", '"Bea"'), ("w", "tier", '"gold"')]


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_condition_sees_what_was_known_when_its_event_came(tmp_path, at_once):
    shop = Shop(tmp_path, policy=GOLD)
    happened = [
        event("Product Added", "u", 10),
        told(20, tier="gold", address={"city": "Bonn"}),
        event("Product Added", "u", 30),
        event("Product Added", None, 40, anonymousId="a"),
        told(50, anonymous="a", tier="iron"),
        event("Product Added", None, 60, anonymousId="a"),
    ]
    for each in [happened] if at_once else [[each] for each in happened]:
        await shop.engine.ingest(each)
    found = shop.rows("SELECT trigger, at, reason <> 'condition_not_met' FROM decisions ORDER BY at, trigger")
    seconds = [(trigger, round((at - START) / SECOND), bool(held)) for trigger, at, held in found]

    assert seconds == [
        ("gold", 10, False),
        ("in-town", 10, False),
        ("gold", 20, True),
        ("gold", 30, True),
        ("in-town", 30, True),
        ("gold", 40, False),
        ("in-town", 40, False),
        ("gold", 50, False),
        ("gold", 60, False),
        ("in-town", 60, True),
    ]
    shop.close()


async def test_a_history_tells_profiles_too(shop):
    staged = replace(told(-100, tier="gold"), payload={})
    with for_writing(shop.database).begin() as connection:
        append_history(connection, [staged], origin="import", received_at=START)

    assert shop.rows(PROFILES) == [("u", "tier", '"gold"')]


async def test_whoever_is_erased_has_no_profile(shop):
    await shop.engine.ingest([told(1, tier="gold"), told(2, "w", tier="iron")])
    await shop.engine.erase("u")

    assert shop.rows(PROFILES) == [("w", "tier", '"iron"')]
