import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalog import CATALOGUE
from features.declare import AtMoment, Cart, Moment, Ratio, Session, Sum
from features.events import FLAG_MACHINE, FLAG_SNAPSHOT, product_hash
from features.kinds import Kind
from features.layout import ANCHOR, FIRST_AT
from features.state import advance, empty, known_at, position, read
from tests.features.formulas import total
from tests.features.histories import (
    DAY,
    HOUR,
    JULY,
    KNOWN_OFFSETS,
    MINUTE,
    SECOND,
    Happening,
    end_of,
    happenings,
    histories,
    laws,
    state_of,
)

SHARES = {Moment.HOUR_SHARE, Moment.NEXT_DAY_SHARE}
VISITS = {
    each.name
    for each in CATALOGUE.declarations
    if (isinstance(each, Sum) and each.of.sessions)
    or (isinstance(each, Ratio) and (each.of.sessions or each.to.sessions))
}
ORDERLY = {
    each.name
    for each in CATALOGUE.declarations
    if not isinstance(each, Cart | Session)
    and each.name not in VISITS
    and not (isinstance(each, AtMoment) and each.fact in SHARES)
}
"""Features that may not depend on the order of arrival."""


def named(state, at):
    return dict(zip(CATALOGUE.names, read(state, at).tolist(), strict=True))


def test_the_greater_part_of_the_catalogue_does_not_depend_on_the_order_of_arrival():
    assert len(ORDERLY) > 0.7 * CATALOGUE.n_features


@given(histories(min_size=2), st.randoms(use_true_random=False))
@laws
def test_events_add_the_same_in_whatever_order_they_arrive(history, random):
    at = end_of(history)
    in_time = [replace(each, occurred_at=each.at) for each in history]
    shuffled = random.sample(in_time, len(in_time))

    one, other = (
        named(state_of([replace(each, known_at=at + seq) for seq, each in enumerate(order)]), at + DAY)
        for order in (in_time, shuffled)
    )

    for declaration in CATALOGUE.declarations:
        shaky = isinstance(declaration, Ratio) and abs(total(declaration.to, in_time, at + DAY)) < 1e-6
        if declaration.name in ORDERLY and not shaky:
            name = declaration.name
            assert one[name] == pytest.approx(other[name], rel=1e-9, abs=1e-9, nan_ok=True), name


@given(histories(min_size=2, offsets=KNOWN_OFFSETS), st.randoms(use_true_random=False))
@laws
def test_local_hours_do_not_depend_on_the_order_of_arrival_where_events_tell_them(history, random):
    at = end_of(history)
    in_time = [replace(each, occurred_at=each.at) for each in history]
    shuffled = random.sample(in_time, len(in_time))

    one, other = (
        named(state_of([replace(each, known_at=at + seq) for seq, each in enumerate(order)]), at + DAY)
        for order in (in_time, shuffled)
    )

    for name in ("hour_share", "next_day_share"):
        assert one[name] == pytest.approx(other[name], rel=1e-9)


@given(histories(), happenings(), st.sampled_from([SECOND, 20 * MINUTE, 3 * HOUR, 40 * DAY]))
@laws
def test_an_event_that_happened_after_it_became_known_happened_when_it_became_known(history, event, ahead):
    known = end_of(history) + SECOND
    on_time = replace(event, occurred_at=known, known_at=known)

    assert state_of([*history, replace(on_time, occurred_at=known + ahead)]).tobytes() == (
        state_of([*history, on_time]).tobytes()
    )


@given(histories(min_size=1))
@laws
def test_a_state_says_how_far_it_is_folded(history):
    state = state_of(history)

    assert position(state) == len(history)
    assert known_at(state) == history[-1].known_at
    assert int(state[ANCHOR]) == max(each.at for each in history)


@given(st.integers(-(10**15), 8 * 10**15), st.integers(-43_200, 50_400))
@laws
def test_moments_are_kept_to_the_microsecond_before_the_epoch_too(at, offset):
    state = state_of([Happening(Kind.PRODUCT_VIEWED, occurred_at=at, known_at=at, utc_offset_s=float(offset))])

    assert int(state[ANCHOR]) == int(state[FIRST_AT]) == known_at(state) == at
    assert named(state, at + DAY)["view_age_d"] == 1.0
    assert math.isfinite(named(state, at + DAY)["hour_share"])


def test_refunds_and_cancellations_take_back_what_orders_gave():
    order = Happening(Kind.ORDER_COMPLETED, occurred_at=JULY, amount=100.0, quantity=2.0)
    kept = replace(order, occurred_at=JULY + DAY, amount=30.0)
    cancelled = replace(order, kind=Kind.ORDER_CANCELLED, occurred_at=JULY + 2 * DAY)
    part_refunded = replace(kept, kind=Kind.ORDER_REFUNDED, occurred_at=JULY + 3 * DAY, amount=10.0)

    got = named(state_of([order, kept, cancelled, part_refunded]), end_of([order]))

    assert got["orders"] == 1.0
    assert got["revenue"] == 20.0
    assert got["order_value"] == 20.0


def test_after_more_cancellations_than_orders_ratios_have_no_answer():
    order = Happening(Kind.ORDER_COMPLETED, occurred_at=JULY, amount=100.0)
    cancelled = replace(order, kind=Kind.ORDER_CANCELLED, occurred_at=JULY + DAY)

    got = named(state_of([order, cancelled, cancelled]), end_of([order]))

    assert got["orders"] == -1.0
    assert math.isnan(got["order_value"])
    assert math.isnan(got["order_trend"])


def test_a_late_event_adds_exactly_what_it_would_have_added_in_time():
    first = Happening(Kind.ORDER_COMPLETED, occurred_at=JULY, amount=40.0)
    second = replace(first, occurred_at=JULY + 90 * DAY)

    got = named(state_of([second, first]), JULY + 90 * DAY + 400 * DAY)

    assert got["orders_hl90d"] == pytest.approx((0.5 + 1.0) * 0.5 ** (400 / 90))
    assert got["order_gap_mean_d"] == 90.0
    assert got["revenue"] == 80.0


def test_orders_at_the_same_moment_have_a_gap_of_nothing_and_no_infinite_answer():
    order = Happening(Kind.ORDER_COMPLETED, occurred_at=JULY)

    got = named(state_of([order, order, order]), end_of([order]))

    assert got["order_gap_mean_d"] == 0.0
    assert got["order_gap_spread_d"] == 0.0
    assert got["order_gap_relative"] == pytest.approx(400 * 24)


def test_the_spread_is_that_of_the_gaps_between_the_latest_eight_orders():
    days = [0, 100, 110, 130, 131, 141, 161, 162, 172]
    orders = [Happening(Kind.ORDER_COMPLETED, occurred_at=JULY + day * DAY) for day in days]

    got = named(state_of(orders), end_of(orders))

    assert got["order_gap_spread_d"] == pytest.approx(np.std([10, 20, 1, 10, 20, 1, 10]))
    assert got["order_gap_mean_d"] == pytest.approx(172 / 8)


def test_a_pause_of_more_than_half_an_hour_begins_a_new_visit():
    viewed = Happening(Kind.PRODUCT_VIEWED, product=7)
    moments = [0, 30 * MINUTE, 60 * MINUTE + 1]

    got = named(state_of([replace(viewed, occurred_at=JULY + each) for each in moments]), end_of([viewed]))

    assert got["visits_hl30d"] == pytest.approx(
        sum(0.5 ** ((400 * DAY - each) / (30 * DAY)) for each in (0, 60 * MINUTE + 1))
    )


def test_an_event_older_than_the_session_neither_begins_a_visit_nor_joins_one():
    now = Happening(Kind.PAGE_VIEWED, occurred_at=JULY + DAY, known_at=JULY + DAY)
    late = replace(now, occurred_at=JULY, known_at=JULY + DAY + 1)

    got = named(state_of([now, late]), JULY + DAY + 1)

    assert got["session_depth"] == 1.0
    assert got["session_length_min"] == 0.0
    assert got["visits_hl30d"] == pytest.approx(1.0)
    assert got["browsing_hl7d"] == pytest.approx(1.0 + 0.5 ** (1 / 7))


@given(st.lists(st.sampled_from(list(Kind)), min_size=1, max_size=12))
@laws
def test_an_order_is_never_without_a_visit(kinds):
    history = [
        Happening(kind, occurred_at=JULY + seq * HOUR, known_at=JULY + seq * HOUR)
        for seq, kind in enumerate([*kinds, Kind.ORDER_COMPLETED])
    ]
    got = named(state_of(history), end_of(history))

    assert got["orders_per_visit"] <= 1.0 + 1e-12


def test_a_session_over_reads_as_none():
    viewed = Happening(Kind.PRODUCT_VIEWED, occurred_at=JULY, known_at=JULY, product=7)
    state = state_of([viewed])

    assert named(state, JULY + 30 * MINUTE)["session_depth"] == 1.0
    assert named(state, JULY + 30 * MINUTE + 1)["session_depth"] == 0.0
    assert named(state, JULY + 30 * MINUTE + 1)["session_products"] == 0.0


def test_linear_counting_of_a_sessions_products_is_close():
    viewed = [
        Happening(Kind.PRODUCT_VIEWED, occurred_at=JULY, known_at=JULY, product=product_hash(f"sku-{each}"))
        for each in range(30)
    ]

    assert named(state_of(viewed), JULY)["session_products"] == pytest.approx(30, rel=0.25)


def test_what_a_machine_opened_is_no_activity_of_the_person():
    opened = Happening(Kind.EMAIL_OPENED, flags=FLAG_MACHINE)
    got = named(state_of([opened]), end_of([opened]))

    assert got["machine_opens_hl30d"] > 0.0
    assert got["opens_hl30d"] == 0.0
    assert math.isnan(got["tenure_d"])


def test_an_email_opened_is_activity_but_no_visit():
    opened = Happening(Kind.EMAIL_OPENED, occurred_at=JULY, known_at=JULY)
    got = named(state_of([opened]), JULY + DAY)

    assert got["tenure_d"] == 1.0
    assert got["visits_hl30d"] == 0.0


def test_an_event_of_an_unheard_of_kind_is_activity():
    record = Happening(Kind.OTHER, occurred_at=JULY, known_at=JULY).record.copy()
    states = []
    for kind in (0.0, 63.0, 1e9, -5.0, math.nan):
        record[1] = kind
        states.append(empty())
        advance(states[-1], record, JULY, 1)

    assert len({state.tobytes() for state in states}) == 1
    assert named(states[0], JULY)["session_depth"] == 1.0


ADDED = Happening(Kind.PRODUCT_ADDED, occurred_at=JULY, amount=10.0, quantity=2.0)


def cart_of(*history):
    got = named(state_of(history), JULY + 10 * HOUR)
    return got["cart_items"], got["cart_value"], got["cart_age_h"], got["cart_idle_h"]


def test_a_cart_holds_what_was_added_less_what_was_removed():
    known = {"known_at": JULY + 10 * HOUR}
    added = replace(ADDED, **known)
    more = replace(added, occurred_at=JULY + HOUR)
    removed = replace(added, kind=Kind.PRODUCT_REMOVED, occurred_at=JULY + 2 * HOUR, amount=5.0, quantity=1.0)

    assert cart_of(added, more, removed) == (3.0, 15.0, 10.0, 8.0)
    assert cart_of(more, added, removed) == (3.0, 15.0, 10.0, 8.0)


def test_removing_without_a_price_takes_the_mean_price():
    known = {"known_at": JULY + 10 * HOUR}
    removed = replace(ADDED, kind=Kind.PRODUCT_REMOVED, amount=0.0, quantity=1.0, **known)

    assert cart_of(replace(ADDED, **known), removed)[:2] == (1.0, 5.0)


def test_an_emptied_cart_is_worth_nothing_and_has_no_age():
    known = {"known_at": JULY + 10 * HOUR}
    removed = replace(ADDED, kind=Kind.PRODUCT_REMOVED, amount=1.0, quantity=9.0, **known)

    items, value, age_h, idle_h = cart_of(replace(ADDED, **known), removed)

    assert (items, value) == (0.0, 0.0)
    assert math.isnan(age_h)
    assert math.isnan(idle_h)


def test_an_order_empties_what_was_added_before_it_whenever_that_arrives():
    known = {"known_at": JULY + 10 * HOUR}
    order = Happening(Kind.ORDER_COMPLETED, occurred_at=JULY + HOUR, **known)
    before, after = replace(ADDED, **known), replace(ADDED, occurred_at=JULY + 2 * HOUR, **known)

    assert cart_of(before, order)[0] == 0.0
    assert cart_of(order, before)[0] == 0.0
    assert cart_of(order, before, after) == (2.0, 10.0, 8.0, 8.0)


def test_a_whole_cart_replaces_what_was_known_of_it_unless_it_is_older():
    known = {"known_at": JULY + 10 * HOUR}
    added = replace(ADDED, occurred_at=JULY + HOUR, **known)
    whole = Happening(Kind.CART_VIEWED, flags=FLAG_SNAPSHOT, quantity=7.0, amount=70.0, **known)

    assert cart_of(added, replace(whole, occurred_at=JULY + 2 * HOUR))[:2] == (7.0, 70.0)
    assert cart_of(added, replace(whole, occurred_at=JULY))[:2] == (2.0, 10.0)
