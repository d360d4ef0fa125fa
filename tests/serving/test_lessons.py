"""What an event says of consent, opt-outs and addresses."""

import pytest

from serving.lessons import Lesson, address, lesson_of, preference, teaches
from tests.serving.engines import event

EVERYBODY = ("marketing", "*")


def said(**context):
    return {"context": context}


@pytest.mark.parametrize(
    ("name", "fields", "lesson"),
    [
        ("Unsubscribed", {}, Lesson(opt_out=("email", "unsubscribed"))),
        ("Unsubscribed", {"properties": {"channel": "sms"}}, Lesson(opt_out=("sms", "unsubscribed"))),
        ("Unsubscribed", {"properties": {"channel": "fax"}}, Lesson(opt_out=("email", "unsubscribed"))),
        (
            "Unsubscribed",
            {"properties": {"channel": "sms", "email": "a@b.c", "phone": "+1 2"}},
            Lesson(opt_out=("sms", "unsubscribed"), target="+12"),
        ),
        (
            "Email Bounced",
            {"properties": {"email": "A@b.c"}},
            Lesson(opt_out=("email", "bounced"), target="a@b.c"),
        ),
        ("Email Bounced", {"properties": {"bounce_type": "Soft"}}, Lesson()),
        ("Email Marked as Spam", {}, Lesson(opt_out=("email", "complained"))),
        ("Push Notification Bounced", {}, Lesson(opt_out=("push", "bounced"))),
        (
            "Segment Consent Preference Updated",
            said(consent={"categoryPreferences": {"Marketing": True, "marketing:sms": False, "x": "yes"}}),
            Lesson(consents={EVERYBODY: True, ("marketing", "sms"): False}, is_statement=True),
        ),
        (
            "Product Viewed",
            said(consent={"categoryPreferences": {"marketing": False}}, traits={"email": "a@b.c", "phone": "+1 (2)"}),
            Lesson(consents={EVERYBODY: False}, addresses=("a@b.c", "+12")),
        ),
    ],
)
def test_an_event_teaches(name, fields, lesson):
    told = event(name, "u", 1, **fields)

    assert teaches(told)
    assert lesson_of(told) == lesson


@pytest.mark.parametrize("no", [False, "false", "No", " denied ", "0", 0])
def test_a_no_counts_however_it_is_written(no):
    told = event("", "u", 1, type="identify", traits={"consents": {"news": no}})

    assert lesson_of(told).consents == {("news", "*"): False}


@pytest.mark.parametrize("unclear", ["true", "yes", 1, None, "", [], {}, "granted", 0.5])
def test_a_yes_is_true_alone_and_what_is_unclear_is_nothing(unclear):
    told = event("", "u", 1, type="identify", traits={"consents": {"news": unclear}})

    assert lesson_of(told).consents == {}


def test_an_identify_call_states_consent_and_addresses():
    told = event("", "u", 1, type="identify", traits={"email": "a@b.c", "consents": {"news": True}})

    assert teaches(told)
    assert lesson_of(told) == Lesson(consents={("news", "*"): True}, is_statement=True, addresses=("a@b.c",))


@pytest.mark.parametrize("fields", [{}, {"properties": {"email": "a@b.c"}}, {"context": {"locale": "de"}}])
def test_most_events_teach_nothing(fields):
    assert not teaches(event("Product Viewed", "u", 1, **fields))


@pytest.mark.parametrize(
    "consent", [7, None, [], "yes", {"categoryPreferences": ["marketing"]}, {"categoryPreferences": {"": True}}]
)
def test_what_nobody_can_read_teaches_nothing(consent):
    assert lesson_of(event("Product Viewed", "u", 1, **said(consent=consent))) == Lesson()


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        (" Ada@Example.ORG ", "ada@example.org"),
        ("ada@Läden.example", "ada@xn--lden-loa.example"),
        ("ada@straße.example", "ada@xn--strae-oqa.example"),
        ("ada@ü..example", "ada@ü..example"),
        ("+49 (30) 12-34.5", "+493012345"),
        ("ada", None),
        ("", None),
    ],
)
def test_addresses_are_compared_without_what_makes_no_difference(written, compared):
    assert address(written) == compared


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("News", ("news", "*")),
        ("news:sms", ("news", "sms")),
        ("news:*", ("news", "*")),
        ("news:fax", None),
        (":", None),
    ],
)
def test_a_preference_is_for_a_purpose_on_a_channel_or_on_all(name, key):
    assert preference(name) == key
