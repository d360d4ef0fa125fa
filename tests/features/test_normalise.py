import contextlib
import json
import math
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import decode, encode

import features
from features.events import (
    AMOUNT,
    FLAG_BOT,
    FLAG_MACHINE,
    FLAG_SNAPSHOT,
    FLAGS,
    ITEMS,
    PLUS_MINUS,
    PRODUCT,
    UTC_OFFSET_S,
    BadEvent,
    product_hash,
    unpack_record,
)
from features.kinds import Kind
from features.mapping import EventMapping
from features.moments import DAY_US, read_moment
from features.normalise import content_id, normalise

SHIPPED = yaml.safe_load((Path(features.__file__).parent / "events.yaml").read_text())
MAPPING = EventMapping(SHIPPED)
NOON = 1_501_588_800_000_000  # 2017-08-01T12:00:00Z
MINUTE = 60_000_000


def taken(raw, *, mapping=MAPPING, received_at=NOON, **how):
    return normalise(raw, received_at=received_at, mapping=mapping, **how)


def numbers(raw, **how):
    return unpack_record(taken(raw, **how).record)


def track(event="Product Viewed", **fields):
    return {"type": "track", "userId": "u1", "event": event, "messageId": "m1", **fields}


def test_a_track_call_of_segment():
    event = taken(
        track(
            anonymousId="a1",
            timestamp="2017-08-01T11:59:00Z",
            properties={"product_id": "p1", "price": 18.5, "quantity": 2},
            context={"timezone": "Europe/Berlin", "userAgent": "Mozilla/5.0 Firefox/120.0", "ip": "10.0.0.1"},
        )
    )
    record = unpack_record(event.record)

    assert (event.kind, event.name, event.message_id) == (Kind.PRODUCT_VIEWED, "Product Viewed", "m1")
    assert (event.user_id, event.anonymous_id, event.key) == ("u1", "a1", "u1")
    assert event.occurred_at == NOON - MINUTE
    assert (record[AMOUNT], record[PRODUCT], record[ITEMS]) == (37, product_hash("p1"), 1)
    assert (event.timezone, record[UTC_OFFSET_S]) == ("Europe/Berlin", 7200)
    assert event.payload["context"] == {"timezone": "Europe/Berlin"}
    assert json.loads(event.payload_json) == event.payload


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ({"user_id": "u", "event": "cart_abandonment", "timestamp": "2017-08-01T12:00:00Z"}, Kind.CART_ABANDONED),
        ({"user_id": "u", "event_type": "cart_abandonment", "cart_contents": [{"id": 1}]}, Kind.CART_ABANDONED),
        ({"userId": "u", "event": "productView", "productID": "p", "category": "c"}, Kind.PRODUCT_VIEWED),
        ({"user_id": "u", "event": "cart_added", "timestamp": 1501588800}, Kind.PRODUCT_ADDED),
        ({"anonymous_id": "a", "event": "Something Else"}, Kind.OTHER),
        ({"type": "page", "anonymousId": "a"}, Kind.PAGE_VIEWED),
        ({"type": "screen", "anonymousId": "a"}, Kind.SCREEN_VIEWED),
        ({"type": "group", "userId": "u", "groupId": "g"}, Kind.GROUPED),
        ({"type": "identify", "userId": "u", "anonymousId": None, "traits": {}}, Kind.IDENTIFIED),
        ({"type": "alias", "userId": "u", "previousId": "a"}, Kind.LINKED),
    ],
)
def test_payloads_of_all_kinds_work_as_they_are(raw, kind):
    assert taken(raw).kind is kind


def test_an_unknown_name_is_kept_as_it_came():
    assert taken(track("Kaufrausch 3000")).name == "Kaufrausch 3000"


def test_an_alias_carries_both_ids():
    event = taken({"type": "alias", "userId": "u", "previousId": "a"})

    assert (event.user_id, event.previous_id) == ("u", "a")


def test_the_payload_holds_properties_under_our_names_and_traits():
    event = taken({"type": "identify", "userId": "u", "traits": {"email": "a@b.example", "timezone": "Asia/Tokyo"}})

    assert event.payload["traits"] == {"email": "a@b.example", "timezone": "Asia/Tokyo"}
    assert event.timezone == "Asia/Tokyo"
    assert taken(track(properties={"productID": "p"})).payload == {"properties": {"product_id": "p"}}


@pytest.mark.parametrize("said", ["originalTimestamp", "timestamp"])
def test_a_sender_whose_clock_is_an_hour_ahead_is_corrected(said):
    sent = {said: "2017-08-01T12:59:00Z", "sentAt": "2017-08-01T13:00:00Z"}

    assert taken(track(**sent)).occurred_at == NOON - MINUTE


def test_the_original_timestamp_counts_where_both_are_sent():
    sent = {
        "originalTimestamp": "2017-08-01T12:58:00Z",
        "timestamp": "2017-08-01T11:00:00Z",
        "sentAt": "2017-08-01T13:00:00Z",
    }

    assert taken(track(**sent)).occurred_at == NOON - 2 * MINUTE


def test_a_time_that_its_correction_makes_impossible_is_refused():
    with pytest.raises(BadEvent, match=r"timestamp: .* is outside the years"):
        taken(track(timestamp="1990-01-01T00:00:00Z", sentAt="2199-01-01T00:00:00Z"))


def test_what_another_receiver_has_corrected_is_left_alone():
    sent = {"timestamp": "2017-08-01T11:00:00Z", "sentAt": "2017-08-01T09:00:00Z", "receivedAt": "2017-08-01T11:30:00Z"}

    assert taken(track(**sent)).occurred_at == NOON - 60 * MINUTE


def test_without_a_time_it_happened_when_it_was_received():
    assert taken(track()).occurred_at == NOON
    assert taken(track(timestamp=None, sentAt=None)).occurred_at == NOON


def test_history_is_not_corrected_and_must_say_its_time():
    sent = track(timestamp="2017-07-01T12:00:00Z", sentAt="2017-07-01T13:00:00Z")

    assert taken(sent, history=True).occurred_at == read_moment("2017-07-01T12:00:00Z", "")
    with pytest.raises(BadEvent, match="timestamp: is required"):
        taken(track(), history=True)


def test_what_a_file_says_of_its_times_is_not_said_of_live_events():
    mapping = EventMapping(SHIPPED, {"file": {"time_unit": "ms", "zone": "Asia/Tokyo"}})
    row = track(timestamp=1_501_588_800_000)

    assert taken(row, mapping=mapping, history=True).occurred_at == NOON
    assert taken(track(timestamp="2017-08-01T12:00:00"), mapping=mapping).occurred_at == NOON
    assert taken(track(timestamp="2017-08-01T21:00:00"), mapping=mapping, history=True).occurred_at == NOON


def test_up_to_a_day_ahead_is_believed():
    assert taken(track(timestamp="2017-08-02T12:00:00Z")).occurred_at == NOON + DAY_US
    with pytest.raises(BadEvent, match="more than a day ahead") as refused:
        taken(track(timestamp="2017-08-02T12:00:01Z"))
    assert refused.value.code == "in_the_future"


def test_a_retry_keeps_its_id_and_a_second_send_without_one_is_another_event():
    sent = {"user_id": "u", "event": "e"}

    assert taken(sent, received_at=NOON).message_id == taken(dict(sent), received_at=NOON).message_id
    assert taken(sent, received_at=NOON).message_id != taken(sent, received_at=NOON + 1).message_id
    assert taken(sent, message_id="row-1").message_id == "row-1"
    assert taken({**sent, "messageId": "m1"}, message_id="row-1").message_id == "m1"


def test_the_id_of_a_content_does_not_depend_on_the_order_of_its_keys():
    assert content_id({"a": 1, "b": [2]}) == content_id({"b": [2], "a": 1}) != content_id({"a": 1, "b": [3]})
    assert len(content_id({})) <= 100


def test_an_unknown_zone_loses_no_event():
    event = taken(track(context={"timezone": "Etc/Unknown"}))

    assert event.timezone is None
    assert math.isnan(unpack_record(event.record)[UTC_OFFSET_S])


def test_the_offset_is_that_of_the_moment_of_the_event():
    row = {"user_id": "u", "event": "buy", "timestamp": "2017-01-01T12:00:00Z", "timezone": "Europe/Berlin"}

    assert numbers(row)[UTC_OFFSET_S] == 3600


def test_a_bot_is_marked_and_excluded():
    raw = track(context={"userAgent": "Googlebot/2.1"})

    assert taken(raw).excluded == "bot"
    assert numbers(raw)[FLAGS] == FLAG_BOT


def test_staff_and_test_users_are_excluded():
    mapping = EventMapping(SHIPPED, {"exclude": {"staff": {"emails": ["*@shop.example"]}, "test": {"ids": ["test-*"]}}})

    assert taken(track(context={"traits": {"email": "a@shop.example"}}), mapping=mapping).excluded == "staff"
    assert taken({**track(), "userId": "test-1"}, mapping=mapping).excluded == "test"
    assert taken(track(), mapping=mapping).excluded is None


@pytest.mark.parametrize(
    "fields",
    [
        {"properties": {"sg_machine_open": True}},
        {"context": {"userAgent": "Mozilla/5.0"}},
        {"context": {"userAgent": "Googlebot/2.1"}},
    ],
)
def test_an_open_by_a_machine_is_marked_and_the_person_stays(fields):
    raw = track("Email Opened", **fields)

    assert numbers(raw)[FLAGS] == FLAG_MACHINE
    assert taken(raw).excluded is None


def test_a_whole_cart_is_a_snapshot():
    raw = {"user_id": "u", "event_type": "cart_abandonment", "cart_contents": [{"productID": 1, "price": 2, "qty": 3}]}
    record = numbers(raw)

    assert (record[FLAGS], record[AMOUNT], record[ITEMS]) == (FLAG_SNAPSHOT, 6, 1)


def test_a_refund_is_counted_backwards():
    record = numbers(track("Order Refunded", properties={"total": 20}))

    assert (record[AMOUNT], record[PLUS_MINUS]) == (20, -1)


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({}, "userId"),
        ({"userId": None, "anonymousId": None, "event": "e"}, "userId"),
        ({"user_id": "", "event": "e"}, "user_id"),
        ({"user_id": "anonymous:x", "event": "e"}, "user_id"),
        ({"user_id": "x" * 257, "event": "e"}, "user_id"),
        ({"user_id": ["u"], "event": "e"}, "user_id"),
        ({"userId": "u"}, "event"),
        ({"userId": "u", "event": ""}, "event"),
        ({"userId": "u", "event": 5.5}, "event"),
        ({"userId": "u", "event": "e", "type": 5.5}, "type"),
        ({"userId": "u", "event": "e", "messageId": "x" * 101}, "messageId"),
        ({"userId": "u", "event": "e", "timestamp": "soon"}, "timestamp"),
        ({"userId": "u", "event": "e", "ts": {}}, "ts"),
        ({"userId": "u", "event": "e", "timestamp": 1501588800, "sentAt": "soon"}, "sentAt"),
        ({"userId": "u", "event": "e", "context": {"timezone": 5.5}}, "context.timezone"),
        ({"userId": "u", "event": "e", "context": {"userAgent": []}}, "context.userAgent"),
        ({"userId": "u", "event": "e", "context": {"traits": 5}}, "context.traits"),
        ({"userId": "u", "event": "buy", "qty": -1, "price": 1}, "qty"),
        ({"userId": "u", "event": "buy", "properties": {"products": [{"price": "x"}]}}, "properties.products[0].price"),
        ({"type": "alias", "userId": "u"}, "previousId"),
        ({"type": "alias", "anonymousId": "a", "previousId": "b"}, "userId"),
        ({"type": "alias", "userId": "u", "previousId": "u"}, "previousId"),
        ({"type": "group", "userId": "u", "groupId": []}, "groupId"),
    ],
)
def test_what_is_malformed_is_refused_by_the_field_as_it_was_sent(raw, field):
    with pytest.raises(BadEvent) as refused:
        taken(raw)

    assert refused.value.field == field


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), "\ud800", b"bytes", 10**6000, {"deep": {("tuple",): 1}}],
    ids=["nan", "infinity", "surrogate", "bytes", "digits", "key"],
)
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(BadEvent, match="is not JSON"):
        taken(track(properties={"note": value}))


@pytest.mark.parametrize("levels", [100, 300, 100_000])
def test_what_is_nested_too_deeply_is_refused(levels):
    deep = []
    for _ in range(levels):
        deep = [deep]

    with pytest.raises(BadEvent, match="is nested deeper than 64 levels"):
        taken(track(properties={"note": deep}))


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["u1", "2017-08-01", 1])
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
known_keys = st.sampled_from(
    [
        *("type", "event", "userId", "user_id", "anonymousId", "previousId", "messageId", "timestamp", "sentAt"),
        *("originalTimestamp", "context", "properties", "traits", "timezone", "products", "price", "quantity"),
        *("revenue", "currency", "discount", "product_id", "groupId", "userAgent", "integrations", "items", "email"),
    ]
)
known_values = st.sampled_from(
    ["track", "alias", "identify", "group", "Order Completed", "cart_added", "Product Viewed", "Email Opened", "USD"]
)
messages = st.dictionaries(
    known_keys | st.text(max_size=6),
    anything | known_values | st.dictionaries(known_keys, anything, max_size=4) | st.lists(anything, max_size=3),
    max_size=10,
)


@given(messages | anything, st.booleans())
def test_whatever_is_sent_becomes_a_storable_event_or_is_refused(raw, history):
    try:
        event = taken(raw, history=history)
    except BadEvent:
        return
    record = unpack_record(event.record)

    assert json.loads(event.payload_json.encode()) == json.loads(json.dumps(event.payload))
    assert all(math.isfinite(number) for index, number in enumerate(record) if index != UTC_OFFSET_S)
    assert event.occurred_at <= NOON + DAY_US
    assert 0 < len(event.message_id) <= 100
    assert event.key.encode()
    assert event.name.encode()
    assert record[AMOUNT] >= 0


@given(messages)
def test_what_was_read_from_json_becomes_the_same_event_when_that_is_said(raw):
    try:
        sent = decode(encode(raw))
        expected = taken(sent)
    except (BadEvent, ValueError):
        return

    assert taken(sent, was_json=True) == expected


@given(messages)
def test_what_was_sent_is_not_touched(raw):
    before = repr(raw)
    with contextlib.suppress(BadEvent):
        taken(raw)

    assert repr(raw) == before
