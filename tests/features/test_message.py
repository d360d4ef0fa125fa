import pytest

from features.events import BadEvent
from features.mapping import EventMapping
from features.message import merge_batch, read_message

MAPPING = EventMapping({"fields": {"kunde": "user_id", "ereignis": "event", "ware": "product_id", "korb": "products"}})


def read(raw):
    return read_message(raw, MAPPING)


def test_a_call_of_segment_is_taken_as_it_is():
    message = read({"type": "page", "userId": "u", "properties": {"name": "Home"}, "context": {"locale": "de"}})

    assert (message.call, message.fields["userId"]) == ("page", "u")
    assert (message.properties, message.context) == ({"name": "Home"}, {"locale": "de"})


def test_other_spellings_become_ours_and_the_rest_properties():
    message = read({"Kunde": "u", "ereignis": "buy", "stamp": 5, "Ware": "p", "colour": "red"})

    assert message.call == "track"
    assert message.fields == {"userId": "u", "event": "buy"}
    assert message.properties == {"stamp": 5, "product_id": "p", "colour": "red"}


def test_our_own_name_wins_and_the_other_is_kept_beside_it():
    message = read({"kunde": "theirs", "user_id": "ours", "event": "e", "ereignis": "theirs"})

    assert (message.fields["userId"], message.fields["event"]) == ("ours", "e")
    assert message.properties == {"kunde": "theirs", "ereignis": "theirs"}


def test_a_null_gives_way_to_another_spelling():
    assert read({"userId": None, "user_id": "u", "event": "e"}).fields["userId"] == "u"


def test_a_type_that_is_no_call_names_the_event_unless_there_is_one():
    assert read({"type": "cart_added", "userId": "u"}).fields["event"] == "cart_added"
    assert read({"type": "PAGE", "event": "e", "userId": "u"}).properties == {"type": "PAGE"}


def test_an_event_named_like_a_call_is_that_call():
    assert read({"event": "identify", "user_id": "u", "email": "a@b.example"}).traits == {"email": "a@b.example"}


def test_traits_of_an_identify_may_hide_in_the_context():
    assert read({"type": "identify", "userId": "u", "context": {"traits": {"plan": "x"}}}).traits == {"plan": "x"}


def test_products_are_brought_under_our_names_without_touching_what_was_sent():
    sent = {"event": "e", "properties": {"korb": [{"Ware": "p"}, "bare"]}}

    assert read(sent).properties == {"products": [{"product_id": "p"}, "bare"]}
    assert sent == {"event": "e", "properties": {"korb": [{"Ware": "p"}, "bare"]}}


def test_what_the_library_adds_around_the_message_is_no_property():
    sent = {"type": "track", "event": "e", "properties": {}, "channel": "server", "version": 1, "integrations": {}}

    assert read(sent).properties == {}


@pytest.mark.parametrize("raw", [None, 5, "x", [], [{}]])
def test_a_message_is_an_object(raw):
    with pytest.raises(BadEvent, match="must be an object"):
        read(raw)


@pytest.mark.parametrize("field", ["context", "properties", "traits"])
@pytest.mark.parametrize("value", [5, "x", [], True])
def test_the_parts_of_a_message_are_objects(field, value):
    with pytest.raises(BadEvent) as refused:
        read({"type": "track", "event": "e", field: value})

    assert refused.value.field == field


@pytest.mark.parametrize("raw", [{5: "x"}, {"properties": {5: "x"}}])
def test_keys_are_strings(raw):
    with pytest.raises(BadEvent, match="not a string"):
        read(raw)


@pytest.mark.parametrize(
    ("raw", "path", "sent"),
    [
        ({"kunde": "u"}, "userId", "kunde"),
        ({"userId": "u"}, "userId", "userId"),
        ({"ware": "p"}, "properties.product_id", "ware"),
        ({"korb": []}, "properties.products[1].price", "korb[1].price"),
        ({"properties": {}}, "properties.price", "properties.price"),
        ({}, "", ""),
    ],
)
def test_a_refusal_speaks_the_language_of_the_sender(raw, path, sent):
    assert read(raw).as_sent(path) == sent


def test_what_a_batch_says_for_all_is_given_to_each_whose_own_wins():
    first, second = merge_batch(
        {
            "context": {"timezone": "Europe/Berlin", "locale": "de"},
            "integrations": {"All": True},
            "sentAt": "2017-08-01T12:00:00Z",
            "batch": [{"event": "a", "context": {"locale": "en"}}, {"event": "b", "sentAt": "2017-08-01T13:00:00Z"}],
        }
    )

    assert first["context"] == {"timezone": "Europe/Berlin", "locale": "en"}
    assert (first["sentAt"], first["integrations"]) == ("2017-08-01T12:00:00Z", {"All": True})
    assert second["context"] == {"timezone": "Europe/Berlin", "locale": "de"}
    assert second["sentAt"] == "2017-08-01T13:00:00Z"


def test_bad_items_of_a_batch_are_left_for_each_to_be_refused():
    assert merge_batch({"context": {"a": 1}, "batch": [5, None, {"context": "x"}]}) == [5, None, {"context": "x"}]


@pytest.mark.parametrize(
    ("batch", "field"),
    [([], ""), ({}, "batch"), ({"batch": {}}, "batch"), ({"batch": [], "context": []}, "context")],
)
def test_a_malformed_batch_is_refused(batch, field):
    with pytest.raises(BadEvent) as refused:
        merge_batch(batch)

    assert refused.value.field == field
