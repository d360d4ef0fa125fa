from dataclasses import replace
from datetime import timedelta

import pytest

from features import fingerprints
from features.catalog import CATALOGUE, DECLARATIONS
from features.declare import (
    Age,
    AtMoment,
    Cart,
    CartFact,
    Gap,
    GapFact,
    Moment,
    Ratio,
    Sender,
    Session,
    SessionFact,
    Source,
    Sum,
    Tally,
    tally,
)
from features.kinds import Kind
from features.layout import compile_catalogue

WEEK = timedelta(days=7)
VIEWS = Sum(name="views", meaning="Views", of=tally(Kind.PRODUCT_VIEWED, half_life=WEEK))
ANOTHER = Sum(name="another", meaning="Another", of=tally(Kind.PRODUCT_SHARED, half_life=WEEK))


def test_adding_a_feature_leaves_the_fingerprints_of_the_others_alone():
    more = compile_catalogue([ANOTHER, *DECLARATIONS])

    assert {**more.fingerprints, "another": None} == {**CATALOGUE.fingerprints, "another": None}
    assert more.fingerprint != CATALOGUE.fingerprint
    assert more.layout_fingerprint != CATALOGUE.layout_fingerprint


def test_a_feature_that_needs_no_new_slot_leaves_every_state_readable():
    more = compile_catalogue([*DECLARATIONS, AtMoment(name="again", meaning="Again", fact=Moment.TENURE_D)])

    assert more.layout_fingerprint == CATALOGUE.layout_fingerprint


def test_prose_and_direction_are_no_meaning():
    assert fingerprints.of_feature(VIEWS) == fingerprints.of_feature(replace(VIEWS, meaning="Looks", direction=1))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (VIEWS, replace(VIEWS, name="looks")),
        (VIEWS, replace(VIEWS, of=replace(VIEWS.of, half_life=2 * WEEK))),
        (VIEWS, replace(VIEWS, of=replace(VIEWS.of, half_life=None))),
        (VIEWS, replace(VIEWS, of=replace(VIEWS.of, kinds=frozenset({Kind.PRODUCT_VIEWED, Kind.PRODUCT_CLICKED})))),
        (VIEWS, replace(VIEWS, of=replace(VIEWS.of, source=Source.AMOUNT))),
        (VIEWS, replace(VIEWS, of=replace(VIEWS.of, sender=Sender.PERSON))),
        (VIEWS, replace(VIEWS, of=replace(VIEWS.of, sessions=True))),
        (VIEWS, Ratio(name="views", meaning="Views", of=VIEWS.of, to=ANOTHER.of)),
        (VIEWS, Age(name="views", meaning="Views", kinds=VIEWS.of.kinds)),
        (
            Ratio(name="x", meaning="", of=VIEWS.of, to=ANOTHER.of),
            Ratio(name="x", meaning="", of=ANOTHER.of, to=VIEWS.of),
        ),
        (Cart(name="x", meaning="", fact=CartFact.AGE_H), Cart(name="x", meaning="", fact=CartFact.IDLE_H)),
        (Gap(name="x", meaning="", fact=GapFact.MEAN_D), Gap(name="x", meaning="", fact=GapFact.SPREAD_D)),
    ],
)
def test_another_meaning_has_another_fingerprint(one, other):
    assert fingerprints.of_feature(one) != fingerprints.of_feature(other)


def test_fingerprints_do_not_depend_on_the_order_in_which_kinds_are_told():
    kinds = [Kind.PRODUCT_VIEWED, Kind.ORDER_COMPLETED, Kind.EMAIL_OPENED]

    one, other = (replace(VIEWS, of=tally(order)) for order in (kinds, kinds[::-1]))

    assert fingerprints.of_feature(one) == fingerprints.of_feature(other)


def test_a_session_that_ends_sooner_is_another_feature_and_another_layout(monkeypatch):
    sessions = [
        Session(name="depth", meaning="", fact=SessionFact.DEPTH),
        Sum(name="visits", meaning="", of=Tally(frozenset(), sessions=True)),
    ]
    before = compile_catalogue([*sessions, VIEWS])

    monkeypatch.setitem(fingerprints._SESSIONS, "gap", timedelta(minutes=20))
    after = compile_catalogue([*sessions, VIEWS])

    changed = {name for name in before.names if before.fingerprints[name] != after.fingerprints[name]}
    assert changed == {"depth", "visits"}
    assert before.layout_fingerprint != after.layout_fingerprint
